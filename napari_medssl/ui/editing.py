"""What a tool may write: one gate on the layer that people draw on, which all of napari's tools go through.

Brush, eraser, fill, polygon and our own tools end in one of two methods of napari's labels layer: `data_setitem`
(every version) or, since napari 0.8, `_apply_mask_to_data`. Both are given the gate, and so are undo and redo. A rule
says of voxels whether they may be written; an edit is done where all rules agree, and remembered for undo only there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .facts import ClassFacts

if TYPE_CHECKING:
    from napari.layers import Labels

Place = tuple[Any, ...]  # slices, or an array of indices per axis

#: Told the place of an edit (slices, or an array of indices per axis), the values there and what is to be written;
#: says where it may be, as booleans of the shape of the values.
Rule = Callable[[tuple[Any, ...], NDArray[np.uint8], Any], NDArray[np.bool_]]


WAYS = ("data_setitem", "_apply_mask_to_data", "_load_history")  # all that writes to the data of a labels layer


class Gate:
    """Decides which voxels of a labels layer may be written.

    Parameters
    ----------
    layer : Labels
        A layer of uint8.
    written : callable
        Told each place that was written to, also by undo and redo, once it is.

    Attributes
    ----------
    rules : list of Rule
        More of them can be added and taken away at any time; voxels of locked values are never written whatever they
        say.
    on_refused : callable
        Called when nothing at all came of an edit, because of a lock or a rule.
    """

    def __init__(self, layer: Labels, written: Callable[[Place], None] = lambda place: None) -> None:
        self.rules: list[Rule] = []
        self.on_refused: Callable[[], None] = lambda: None
        self._written = written
        self._layer: Any = layer
        self._locked = np.zeros(256, bool)
        self._older: dict[int, Any] = {}  # steps of undo that were there when something was last locked
        ways: tuple[Callable[..., Any], ...] = (self._setting, self._masking, self._replaying)
        for name, way in zip(WAYS, ways, strict=True):
            _wrap(layer, name, way)

    def remove(self) -> None:
        """Take the gate off the layer, which is napari's again."""
        for name in WAYS:
            vars(self._layer).pop(name, None)

    @property
    def locked(self) -> frozenset[int]:
        """The values whose voxels stay as they are."""
        return frozenset(int(value) for value in np.flatnonzero(self._locked))

    def lock(self, values: Collection[int]) -> None:
        """Lock these values and no others. Drawing more of a locked value is not hindered."""
        more = set(values) - self.locked
        self._locked[:] = False
        self._locked[list(values)] = True
        if more:
            steps = (*self._layer._undo_history, *self._layer._redo_history)
            self._older = {id(atom): atom for step in steps for atom in step}
        elif not values:
            self._older = {}

    @contextmanager
    def only_locks(self) -> Iterator[None]:
        """No rule holds meanwhile: for what is done otherwise than with a drawing tool."""
        rules, self.rules = self.rules, []
        try:
            yield
        finally:
            self.rules = rules

    def writable(self, where: tuple[Any, ...], value: Any) -> NDArray[np.bool_]:
        """Where `value` may be written; of the shape of the data at `where`."""
        now = np.asarray(self._layer.data[where])
        may: NDArray[np.bool_] = ~self._locked[now]
        for rule in self.rules:
            may &= rule(where, now, value)
        return may

    def _setting(self, inner: Callable[..., None], indices: Any, value: Any, *more: Any, **named: Any) -> None:
        indices = tuple(np.asarray(axis) for axis in indices)
        may = self.writable(indices, value)
        if not may.all():
            indices = tuple(np.broadcast_to(axis, may.shape)[may] for axis in indices)
            value = value if np.ndim(value) == 0 else np.broadcast_to(value, may.shape)[may]
        if may.size and not may.any():
            self.on_refused()
        inner(indices, value, *more, **named)
        if may.any():
            self._written(indices)

    def _masking(
        self, inner: Callable[..., Any], data: Any, mask: Any, new_label: int, volume_slice: tuple[slice, ...]
    ) -> Any:
        wanted = mask & (data != new_label)
        may = mask & self.writable(volume_slice, new_label)
        if wanted.any() and not (wanted & may).any():
            self.on_refused()
        result = inner(data, may, new_label, volume_slice)
        if may.any():
            self._written(volume_slice)
        return result

    def _replaying(self, inner: Callable[..., None], before: Any, after: Any, undoing: bool = True) -> None:
        """Undo and redo: steps from before the lock leave alone what is locked by now."""
        step = before[-1] if before else []
        touched = [atom[0] for atom in step]
        guarded = self._locked.any() and (not undoing or any(id(atom) in self._older for atom in step))
        places = touched if guarded else []
        data = self._layer.data
        kept = [np.array(data[place]) for place in places]
        inner(before, after, undoing)
        for place, values in zip(places, kept, strict=True):
            data[place] = np.where(self._locked[values], values, data[place])
        if places:
            self._layer.refresh()
        for place in touched:
            self._written(place)


def locked_values(classes: Iterable[ClassFacts]) -> frozenset[int]:
    """The values of those classes that are locked."""
    return frozenset(info.value for info in classes if info.locked)


def _wrap(layer: Any, name: str, gate: Callable[..., Any]) -> None:
    """Put the gate before a method of this one layer, where napari's version has that method."""
    inner = getattr(layer, name, None)
    if inner is not None:
        setattr(layer, name, lambda *values, **named: gate(inner, *values, **named))
