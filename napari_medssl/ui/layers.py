"""The only place that touches `viewer.layers`.

Layers of ours are found by identity, and known to others by `metadata["medssl"]`; their names are for people, who may
change them. Labels that a person draws on are never given a new `.data`: the undo history would then write old
strokes into new labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..imaging import UNSEEN
from .athand import AtHand, box_in_view, box_of, brightness_drawn, channels_shown, within_rule
from .channels import Channels
from .colours import label_colours
from .crosshair import CrossHair
from .display import Display
from .editing import Gate, Place, locked_values
from .facts import ClassFacts
from .loading import ShownCase, ShownInside, ShownProposal
from .making import is_light, make_labels
from .overlays import Overlays
from .planes import aim, face, go_to, letter_events, show_plane, shown_plane, slice_shown, write_letters
from .previewing import ShownPreview
from .previewlayer import PreviewLayer
from .stack import LayerStack
from .window_drag import WindowDrag

if TYPE_CHECKING:
    from napari.layers import Labels

EDITS = ("paint", "labels_update", "data")
PERHAPS = ("set_data",)  # all that an undo says; a change of slice says it too
HAND = ("brush_size", "selected_label", "n_edit_dimensions", "contiguous", "mode")  # stays in hand in the next case


class CaseLayers:
    """The layers of the case on screen; a `View` of the session.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
    on_edit, on_closed, on_label : callable
        Called when the labels have (True) or may have (False) changed; when the person removed the labels layer; when
        another label was taken to draw with.
    on_stroke : callable
        Called at the end of each stroke, fill or polygon, which is one step of undo.
    on_write : callable
        Told each place of the labels that was written to, at once.

    Attributes
    ----------
    on_refused : callable
        Called when nothing came of an edit, because of a lock.
    gate : Gate or None
        Decides which voxels of the labels on screen may be written.
    channels : Channels
        The scan itself: channels, colours, windows.
    cross : CrossHair
        Where the planes beside each other meet.
    overlays : Overlays
        What lies over the scan to be looked at.
    """

    def __init__(
        self,
        viewer: Any,
        on_edit: Callable[[bool], None],
        on_closed: Callable[[], None],
        on_label: Callable[[int], None] = lambda value: None,
        on_stroke: Callable[[], None] = lambda: None,
        on_write: Callable[[Place], None] = lambda place: None,
    ) -> None:
        self.viewer = viewer
        self.classes: Sequence[ClassFacts] = ()
        self._on_edit, self._on_closed, self._on_label = on_edit, on_closed, on_label
        self._on_stroke, self._on_write = on_stroke, on_write
        self.on_refused: Callable[[], None] = lambda: None
        self.gate: Gate | None = None
        self._case: ShownCase | None = None
        self._labels: Labels | None = None
        self._stack = LayerStack(viewer)
        self.channels = Channels(self._stack)
        self._drag = WindowDrag(viewer, self.channels)
        self.cross = CrossHair(self._stack)
        self.overlays = Overlays(self._stack)
        self._preview = PreviewLayer(self._stack)
        self._shaded = False
        self._tinted = self._is_light = self._is_away = False
        self._hand: dict[str, Any] = {}  # of the labels that were put away
        viewer.layers.events.removed.connect(self._on_removed)
        for event in letter_events(viewer):
            event.connect(self._letter)
        viewer.dims.events.current_step.connect(self._scrolled)

    def close(self, *, keep: bool = False) -> None:
        """Let go of the viewer, and take our layers off it: nobody would save what is painted on them.

        Parameters
        ----------
        keep : bool
            The layers stay, as what was drawn could not be saved; they cannot be drawn on any more.
        """
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        for event in letter_events(self.viewer):
            event.disconnect(self._letter)
        self.viewer.dims.events.current_step.disconnect(self._scrolled)
        self._drag.close()
        gate, labels = self.gate, self._labels
        if keep and labels is not None:
            self._watch(False)
            labels.editable = False
            write_letters(self.viewer, None)
        else:
            self.clear()
        if gate is not None:
            gate.remove()  # whoever keeps the layer would keep everything alive that the gate tells of its edits

    # --- what the session asks

    def show_case(self, case: ShownCase) -> None:
        """Replace the layers of the case before by those of this one."""
        self.put_away()
        hand, self._hand = self._hand, {}
        self.clear()
        self._case = case
        self._stack.case, self._stack.display = case.name, case.display
        self.channels.show(case)
        if case.proposal is not None:
            self.show_proposal(case.proposal)
        self._is_light, self._tinted = is_light(case), not case.complete
        colours = label_colours(self.classes, self._shaded, tint=self._tinted, light=self._is_light)
        self._labels = labels = make_labels(case, self.classes, colours)
        self._is_away = False
        self.gate = Gate(labels, self._on_write)
        self.gate.on_refused = self._refused
        self.gate.lock(locked_values(self.classes))
        self._stack.add(labels, "labels", {})
        self._watch(True)
        self.viewer.layers.selection.active = labels
        for name, value in hand.items():
            setattr(labels, name, value)
        aim(self.viewer, case.display)

    def put_away(self) -> None:
        """Let nobody draw on the labels any more; what was in hand is in hand again with the next case."""
        if self._labels is not None and not self._is_away:
            self._hand = {name: getattr(self._labels, name) for name in HAND}
            self._is_away, self._labels.editable = True, False

    def show_proposal(self, proposal: ShownProposal) -> None:
        """Show a proposal and its maps below the labels; nothing that is drawn on is touched."""
        if self._case is not None and proposal.case == self._case.name:
            self.overlays.show_proposal(proposal, self.classes, below=self._labels)

    def show_inside(self, inside: ShownInside) -> None:
        """Show what was found inside a model; instead of what was there."""
        if self._case is not None and inside.case == self._case.name:
            self.overlays.show_inside(inside, self.classes, below=self._labels)

    def hide_inside(self) -> None:
        """Take what was found inside a model off the screen."""
        self.overlays.hide_inside()

    def show_preview(self, preview: ShownPreview) -> None:
        """Show what a run would propose now; nothing that is drawn on is touched."""
        self._preview.show(preview, self.classes, below=self._labels)

    def hide_preview(self) -> None:
        """Take that off the screen."""
        self._preview.hide()

    def wake_preview(self) -> None:
        """Show it again where it rested while somebody scrolled."""
        self._preview.wake()

    def display(self) -> Display | None:
        """How the case on the screen is turned; None without one."""
        return None if self._case is None else self._case.display

    def labels(self) -> np.ndarray | None:
        """The live array of the labels on screen; not a copy."""
        return None if self._labels is None else np.asarray(self._labels.data)

    def copy_proposal(self) -> None:
        """Fill what is not looked at with the proposal's structures, as one undoable step."""
        proposal = self.overlays.proposal()
        if self._labels is None or proposal is None:
            return
        where = np.nonzero((np.asarray(self._labels.data) == UNSEEN) & (proposal != 0))
        if where[0].size:
            self._set(where, proposal[where])
        self.overlays.hide_proposal()

    def write(self, places: np.ndarray, values: np.ndarray) -> None:
        """Change the labels at flat places, as one undoable step."""
        if self._labels is not None and places.size:
            self._set(np.unravel_index(places, self._labels.data.shape), values)

    def take(self, labels: np.ndarray) -> None:
        """Change the labels to these, as one undoable step: a box and its values, for there may be very many.

        It is not told as written: whoever changes all of a case saves it at once.
        """
        layer = self._labels
        if layer is None:
            return
        place = box_of(np.asarray(layer.data) != labels)
        if place is None:
            return
        data = np.asarray(layer.data)
        before, after = data[place].copy(), labels[place].copy()
        layer._save_history((place, before, after))
        data[place] = after
        layer.refresh()

    def show_overlay(self, shown: bool) -> None:
        """Show or hide the proposal."""
        self.overlays.show_overlay(shown)

    def at_hand(self) -> AtHand | None:
        """The case as it is on the screen right now; None without one."""
        case, labels, gate = self._case, self._labels, self.gate
        if case is None or labels is None or gate is None or self._is_away:
            return None
        channels, plane = channels_shown(case, self.viewer.layers), self.slice_shown()
        view = box_in_view(labels, plane)
        live = np.asarray(labels.data)
        return AtHand(case, live, channels, int(labels.selected_label), plane, view, gate.locked)

    def draw_within(self, limits: tuple[float, float] | None) -> None:
        """Let drawing tools write only where the channel on the screen is between two values; None: anywhere."""
        hand = self.at_hand()
        if self.gate is not None and hand is not None:
            self.gate.rules[:] = [] if limits is None else [within_rule(hand.channels, *limits)]

    def brightness_drawn(self) -> np.ndarray:
        """How bright the scan is under the last stroke; empty where there was none."""
        hand = self.at_hand()
        return np.zeros(0) if hand is None else brightness_drawn(self._labels, hand.channels)

    def look_at(self, box: Sequence[tuple[int, int]], centre: Sequence[int], places: np.ndarray | None = None) -> None:
        """Go to a place in all planes, close up, and mark it; `places` are its voxels, flat, to be outlined."""
        if self._case is not None:
            self.overlays.mark(box, places, below=self._labels)
            go_to(self.viewer, self._case.display, box, centre)

    def show_doubt_there(self, shown: bool) -> None:
        """Fade the map of doubt in while a region is open, unless a person has one on the screen; fade it out."""
        self.overlays.fade_doubt(shown)

    def show_change(self, places: np.ndarray, values: np.ndarray) -> None:
        """Show what voxels would become; nothing of nothing."""
        if self._case is not None:
            self.overlays.show_change(places, values, self.classes)

    def slice_shown(self) -> tuple[int, int] | None:
        """Axis and number of the slice on the screen; None where none is."""
        return None if self._case is None else slice_shown(self.viewer, self._case.display)

    def show_difference(self, codes: np.ndarray, kind: str) -> None:
        """Show where masks differ; instead of what was there."""
        if self._case is not None:
            self.overlays.show_difference(codes, kind)

    def hide_difference(self) -> None:
        """Take that off the screen."""
        self.overlays.hide_difference()

    def clear(self) -> None:
        """Take our layers off the screen."""
        self._hand = {}
        self._watch(False)
        self._labels = self._case = self.gate = None
        self.channels.clear()
        self.overlays.clear()
        self._preview.clear()
        self._stack.clear()
        self.channels.on_change()  # only now is there no case whose look could be told
        write_letters(self.viewer, None)

    # --- what the panels ask

    def is_ours(self, layer: Any) -> bool:
        """Whether a layer is one of ours, rather than a person's or another plugin's."""
        return self._stack.is_ours(layer)

    def draw_on(self) -> None:
        """Choose the layer of the labels."""
        if self._labels is not None:
            self.viewer.layers.selection.active = self._labels

    @property
    def has_case(self) -> bool:
        """Whether there are labels on the screen to draw on."""
        return self._labels is not None

    def choose_class(self, value: int) -> None:
        """Draw with this class from now on."""
        if self._labels is None:
            return
        self._labels.selected_label = value
        self.viewer.layers.selection.active = self._labels

    def start_painting(self) -> None:
        """Take the brush, unless another drawing tool is in hand."""
        if self._labels is None:
            return
        self.viewer.layers.selection.active = self._labels
        if self._labels.mode == "pan_zoom":
            self._labels.mode = "paint"

    def shade_open(self, shaded: bool) -> None:
        """Show in grey what nobody looked at, or leave it clear."""
        self._shaded = shaded
        self._colour()

    def tint_background(self, tinted: bool) -> None:
        """Show what was called background, while not all of the scan is; a scan that is done is clear."""
        if tinted != self._tinted:
            self._tinted = tinted
            self._colour()

    def set_classes(self, classes: Sequence[ClassFacts]) -> None:
        """Colours and names changed."""
        self.classes = classes
        if self.gate is not None:
            self.gate.lock(locked_values(classes))
        self._colour()
        self.overlays.set_classes(classes)
        self._preview.set_classes(classes)

    def plane(self) -> str | None:
        """Which planes are shown: "axial", "coronal", "sagittal"; None for any other view."""
        return shown_plane(self.viewer)

    def look_from(self, plane: str) -> None:
        """Show axial, coronal or sagittal planes."""
        if self._case is not None:
            show_plane(self.viewer, self._case.display, plane)

    # --- within

    def _colour(self) -> None:
        if self._labels is not None:
            self._labels.colormap = label_colours(
                self.classes, self._shaded, tint=self._tinted, light=self._is_light
            )  # fmt: skip

    def _set(self, where: Place, values: np.ndarray) -> None:
        assert self._labels is not None
        assert self.gate is not None
        with self.gate.only_locks(), self._labels.block_history():
            self._labels.data_setitem(where, values)

    def _letter(self, event: Any = None) -> None:
        self.overlays.turned()
        face(self.viewer, self.display())
        write_letters(self.viewer, self.display())

    def _scrolled(self, event: Any = None) -> None:
        self._preview.scrolled()

    def _watch(self, on: bool) -> None:
        if self._labels is None:
            return
        for names, slot in (
            (EDITS, self._edited),
            (PERHAPS, self._perhaps_edited),
            (("paint",), self._stroked),
            (("selected_label",), self._label_taken),
        ):
            for name in names:
                emitter = getattr(self._labels.events, name)
                (emitter.connect if on else emitter.disconnect)(slot)

    def _edited(self, event: Any = None) -> None:
        self._on_edit(True)

    def _perhaps_edited(self, event: Any = None) -> None:
        self._on_edit(False)

    def _refused(self) -> None:
        if self._labels is not None and not self._labels._staged_history:  # else something came of this stroke
            self.on_refused()

    def _stroked(self, event: Any = None) -> None:
        self._on_stroke()

    def _label_taken(self, event: Any = None) -> None:
        if self._labels is not None:
            self._on_label(int(self._labels.selected_label))

    def _on_removed(self, event: Any) -> None:
        if self._stack.removing:
            return
        layer = event.value
        if layer is self._labels:
            self._on_closed()  # while the array can still be read
            self._watch(False)
            self._labels = self.gate = None
        self.channels.forget(layer)
        self.overlays.forget(layer)
        self._preview.forget(layer)
        self._stack.forget(layer)
