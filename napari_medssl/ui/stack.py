"""Our layers among those of the viewer: each is known by identity, and says in its metadata whose and what it is."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .display import Display


class LayerStack:
    """Adds and removes our layers.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel

    Attributes
    ----------
    removing : bool
        We, and not the person, are taking layers away right now.
    case, display
        Name of the case on the screen, and how it is turned; None without one.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.removing = False
        self.case: str | None = None
        self.display: Display | None = None
        self._ours: list[Any] = []

    def add(self, layer: Any, role: str, said: Mapping[str, str], *, below: Any = None) -> None:
        """Put a layer of the case on top, or right below another one."""
        assert self.display is not None
        layer.metadata["medssl"] = {"case": self.case, "role": role, **said}
        layer.metadata["medssl_grid"] = self.display.grid.to_json()
        self._ours.append(layer)
        self.viewer.add_layer(layer)
        if self.holds(below):
            at = self.viewer.layers.index(below)
            self.viewer.layers.move(self.viewer.layers.index(layer), at)

    def holds(self, layer: Any) -> bool:
        """Whether a layer is on the screen."""
        return layer is not None and layer in self.viewer.layers

    def is_ours(self, layer: Any) -> bool:
        """Whether we made a layer; a copy of one is not ours, whatever its metadata say."""
        layer = itself(layer)
        return any(ours is layer for ours in self._ours)

    def lowest(self, layers: Sequence[Any]) -> Any:
        """The lowest of these that is on the screen; None where none is."""
        return min(filter(self.holds, layers), key=self.viewer.layers.index, default=None)

    def remove(self, layers: Sequence[Any]) -> None:
        """Take some of our layers away."""
        self.removing = True
        try:
            with _little_garbage():
                self._take_away(layers)
        finally:
            self.removing = False

    def _take_away(self, layers: Sequence[Any]) -> None:
        for layer in list(layers):
            if self.holds(layer):
                self.viewer.layers.remove(layer)
            self.forget(layer)

    def forget(self, layer: Any) -> None:
        """A layer is no more."""
        self._ours = [ours for ours in self._ours if ours is not layer]

    def clear(self) -> None:
        """Take all of our layers away, and those of a dock that was closed, or of the sample."""
        self.remove([*self._ours, *(layer for layer in self.viewer.layers if "medssl" in layer.metadata)])
        self.case = self.display = None

    @contextmanager
    def same_choice(self) -> Iterator[None]:
        """Whatever is added or removed meanwhile, the layer that is chosen stays chosen."""
        active = self.viewer.layers.selection.active
        yield
        if self.holds(active):
            self.viewer.layers.selection.active = active


def itself(layer: Any) -> Any:
    """The layer, of which napari hands each plugin another proxy."""
    return getattr(layer, "__wrapped__", layer)


@contextmanager
def _little_garbage() -> Iterator[None]:
    """Spare napari's hunt for garbage everything that is there already.

    napari (0.9) hunts for it after each layer that goes, for the sake of some Windows drivers: a quarter of a second
    each time in a program of this size, and a case has several layers.
    """
    if os.name == "nt":
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
