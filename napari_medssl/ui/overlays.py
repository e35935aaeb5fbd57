"""What lies over a scan to be looked at: the proposal, maps of doubt, what is inside a model. Nobody draws on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .colours import label_colours
from .facts import ClassFacts
from .loading import ShownInside, ShownProposal
from .making import make_change, make_difference, make_inside, make_maps, make_mark, make_proposal
from .stack import LayerStack

if TYPE_CHECKING:
    from napari.layers import Image, Labels

STEP, FAINTEST = 0.1, 0.1  # of opacity
FAINT = 0.6  # of the opacity, for what came by itself


@dataclass(frozen=True)
class Look:
    """How the overlays look: which are on ("proposal", names of maps), the picture of the inside of a model if it is
    one, and the proposal's looks.
    """

    visible: frozenset[str]
    picture: str | None
    filled: bool
    opacity: float


class Overlays:
    """The overlays of the case on the screen; what is on, and how it looks, stays so from one proposal to the next."""

    def __init__(self, stack: LayerStack) -> None:
        self._stack = stack
        self._proposal: Labels | None = None
        self._maps: dict[str, Image] = {}
        self._inside: dict[str, Image | Labels] = {}
        self._mark: Labels | None = None
        self._change: Labels | None = None
        self._faded: Image | None = None  # a map of doubt that came by itself
        self._difference: Labels | None = None
        self._filled = False
        self._opacity = 0.8

    # --- what there is

    def show_proposal(self, proposal: ShownProposal, classes: Sequence[ClassFacts], *, below: Any) -> None:
        """Show a proposal and its maps right below the labels, instead of those that were there."""
        display = self._stack.display
        assert display is not None
        was_visible = self._proposal.visible if self._proposal is not None else True
        shown_maps = {name for name, layer in self._maps.items() if layer.visible}
        with self._stack.same_choice():
            self.fade_doubt(False)
            old = (self._proposal, self._mark, self._change, self._difference, *self._maps.values())
            self._stack.remove([layer for layer in old if layer is not None])
            self._mark = self._change = self._difference = None
            self._maps = make_maps(proposal, display)
            for name, layer in self._maps.items():
                layer.visible = name in shown_maps
                self._stack.add(layer, "uncertainty", {"map": name, "run": proposal.run}, below=below)
            self._proposal = make_proposal(proposal, display, classes)
            self._proposal.visible = was_visible
            self._stack.add(self._proposal, "proposal", {"run": proposal.run}, below=below)
            self._dress()

    def proposal(self) -> np.ndarray | None:
        """The proposal on the screen; not a copy."""
        return None if self._proposal is None else np.asarray(self._proposal.data)

    def visible_proposal(self) -> np.ndarray | None:
        """The proposal, where a person sees it; not a copy."""
        return self.proposal() if self._proposal is not None and self._proposal.visible else None

    def mark(self, box: Sequence[tuple[int, int]], places: np.ndarray | None = None, *, below: Any) -> None:
        """Frame a place, outline its voxels (flat places), and no other."""
        display = self._stack.display
        assert display is not None
        with self._stack.same_choice():
            self._stack.remove([layer for layer in (self._mark,) if layer is not None])
            self._mark = make_mark(box, display, f"{self._stack.case} · place", places)
            self._stack.add(self._mark, "mark", {}, below=below)
            self.turned()

    def fade_doubt(self, shown: bool) -> None:
        """Show the map of doubt faintly, where no map is on the screen; take it away again if it came so."""
        if not shown:
            if self._faded is not None:
                self._faded.visible = False
                self._faded.opacity = self._opacity
            self._faded = None
        elif self._maps and not any(layer.visible for layer in self._maps.values()):
            self._faded = self._maps.get("entropy") or next(iter(self._maps.values()))
            self._faded.opacity = self._opacity * FAINT
            self._faded.visible = True

    def show_change(self, places: np.ndarray, values: np.ndarray, classes: Sequence[ClassFacts]) -> None:
        """Show what some voxels (flat places) would become, on top; nothing of nothing."""
        display = self._stack.display
        if self._change is None and not places.size:
            return
        assert display is not None
        with self._stack.same_choice():
            self._stack.remove([layer for layer in (self._change,) if layer is not None])
            self._change = None
            if places.size:
                name = f"{self._stack.case} · after the decision"
                self._change = make_change(places, values, display, classes, name)
                self._stack.add(self._change, "change", {})

    def turned(self) -> None:
        """Two dimensions are on the screen now, or three, where the frame is a solid box and would hide its place."""
        if self._mark is not None:
            self._mark.visible = self._stack.viewer.dims.ndisplay == 2

    def show_difference(self, codes: np.ndarray, kind: str) -> None:
        """Show where two masks differ, on top, so that its colours are its own; instead of what was there."""
        display = self._stack.display
        assert display is not None
        with self._stack.same_choice():
            self.hide_difference()
            self._difference = make_difference(codes, display, f"{self._stack.case} · difference")
            self._stack.add(self._difference, "difference", {"kind": kind})
            self._dress()

    def hide_difference(self) -> None:
        """Take it off the screen."""
        self._stack.remove([layer for layer in (self._difference,) if layer is not None])
        self._difference = None

    def show_inside(self, inside: ShownInside, classes: Sequence[ClassFacts], *, below: Any) -> None:
        """Show what was found inside a model, between the scan and what lies over it; instead of what was there."""
        display = self._stack.display
        assert display is not None
        with self._stack.same_choice():
            self.hide_inside()
            lowest = self._stack.lowest([*self._maps.values(), self._proposal, below])
            for name, layer in make_inside(inside, display, classes).items():
                self._inside[name] = layer
                self._stack.add(layer, "inside", {"picture": name, "run": inside.run}, below=lowest)

    def hide_inside(self) -> None:
        """Take what was found inside a model off the screen."""
        self._stack.remove(list(self._inside.values()))
        self._inside = {}

    def set_classes(self, classes: Sequence[ClassFacts]) -> None:
        """Colours changed."""
        if self._proposal is not None:
            self._proposal.colormap = label_colours(classes)
        for layer in self._inside.values():
            if hasattr(layer, "contour"):
                layer.colormap = label_colours(classes)

    def forget(self, layer: Any) -> None:
        """The person removed a layer."""
        if layer is self._proposal:
            self._proposal = None
        if layer is self._mark:
            self._mark = None
        if layer is self._difference:
            self._difference = None
        if layer is self._change:
            self._change = None
        if layer is self._faded:
            self._faded = None
        self._maps = {name: kept for name, kept in self._maps.items() if kept is not layer}
        self._inside = {name: kept for name, kept in self._inside.items() if kept is not layer}

    def clear(self) -> None:
        """The layers are gone: another case comes."""
        self._proposal = self._mark = self._difference = self._change = self._faded = None
        self._maps, self._inside = {}, {}

    # --- what is on

    def toggle_proposal(self) -> bool:
        """Show or hide the proposal; whether it is now shown."""
        if self._proposal is None:
            return False
        self._proposal.visible = not self._proposal.visible
        return bool(self._proposal.visible)

    def hide_proposal(self) -> None:
        """Hide the proposal."""
        self.show_overlay(False)

    def show_overlay(self, shown: bool) -> None:
        """Show or hide the proposal."""
        if self._proposal is not None:
            self._proposal.visible = shown

    def toggle_filled(self) -> None:
        """The proposal as outlines, or filled."""
        self._filled = not self._filled
        self._dress()

    def fade(self, steps: int) -> None:
        """Make the overlays this many steps more opaque, or less."""
        self.set_opacity(self._opacity + STEP * steps)

    def set_opacity(self, opacity: float) -> None:
        """How opaque the overlays are, up to 1; they never vanish."""
        self._opacity = min(1.0, max(FAINTEST, round(opacity, 2)))
        self._dress()

    def toggle_map(self, name: str = "entropy") -> bool:
        """Show or hide a map of uncertainty (the others go); whether it is now shown."""
        if name not in self._maps:
            return False
        shown = not self._maps[name].visible or self._maps[name] is self._faded
        self.show_map(name if shown else None)
        return shown

    def show_map(self, name: str | None) -> None:
        """Show this map of uncertainty and no other."""
        self.fade_doubt(False)
        for other, layer in self._maps.items():
            layer.visible = other == name

    def show_picture(self, name: str | None) -> None:
        """Show this picture of the inside of a model and no other."""
        for other, layer in self._inside.items():
            layer.visible = other == name

    def look(self) -> Look:
        """How the overlays look now."""
        shown = [name for name, layer in self._inside.items() if layer.visible]
        visible = {name for name, layer in self._maps.items() if layer.visible and layer is not self._faded}
        if self._proposal is not None and self._proposal.visible:
            visible.add("proposal")
        return Look(frozenset(visible), shown[0] if len(shown) == 1 else None, self._filled, self._opacity)

    def _dress(self) -> None:
        for layer in (self._proposal, self._difference, *self._maps.values()):
            if layer is not None:
                layer.opacity = self._opacity * (FAINT if layer is self._faded else 1)
        if self._proposal is not None:
            self._proposal.contour = 0 if self._filled else 1
