"""The Review page: see the proposal and its doubt, go through the regions, correct, accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ..state import CaseActions, PanelState
from .inside_box import InsideBox
from .overlay_box import OverlayBox
from .parts import button, combo, enable, plain, reopen_button, show_text, text
from .region_list import RegionBox
from .view_box import ViewBox

if TYPE_CHECKING:
    from ..overlays import Look


class ReviewPage(QWidget):
    """Buttons for what keys do too."""

    correct = Signal()
    accept = Signal(bool)  # and go on with the next
    run_chosen = Signal(str)
    reopened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = text("No case open", heading=True)
        self._proposal = text()
        self.runs = combo(
            "Proposal of", "Whose proposal to show. One that did worse in a comparison is never shown first."
        )
        self.runs.activated.connect(lambda _: self.run_chosen.emit(self.runs.currentData()))
        self.overlays, self.regions, self.inside = OverlayBox(), RegionBox(), InsideBox()
        self.view = ViewBox()
        self.correct_button = button(
            "Correct (Alt+E)",
            "Copy the proposal into your labels, to correct it with napari's brush. One Ctrl+Z takes it back. (Alt+E)",
            self.correct.emit,
            name="Correct the proposal",
        )
        self.accept_button = button(
            "Accept (Alt+A)",
            "Save as labelled: your strokes, and the proposal wherever you did not draw. (Alt+A)",
            lambda: self.accept.emit(False),
            name="Accept the case",
        )
        self.accept_next = button(
            "Accept, next (Alt+D)",
            "Accept, and open the suggested case. (Alt+D)",
            lambda: self.accept.emit(True),
            name="Accept the case and open the next",
        )
        self.reopen = reopen_button(self.reopened.emit)
        self._next = text()
        line = QHBoxLayout()
        line.addWidget(self.accept_button)
        line.addWidget(self.accept_next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        for widget in (self._title, self._proposal, self.runs, self.overlays, self.regions):
            layout.addWidget(widget)
        layout.addSpacing(6)
        layout.addWidget(text("The whole case", heading=True))
        layout.addWidget(self.correct_button)
        layout.addLayout(line)
        layout.addWidget(self.reopen)
        layout.addWidget(self._next)
        layout.addWidget(self.view)
        layout.addWidget(self.inside)
        layout.addStretch(1)
        self._drawn_runs: tuple[tuple[str, str], ...] = ()
        self.runs.hide()

    def draw(self, state: PanelState, look: Look) -> None:
        """Show a state; `look` is how the overlays look."""
        actions = state.actions
        show_text(self._title, actions.title)
        show_text(self._proposal, actions.proposal_text)
        show_text(self._next, f"Next: {state.next_case}. {state.next_why}" if state.next_case else state.next_why)
        enable(self.correct_button, actions.can_correct)
        for widget in (self.accept_button, self.accept_next):
            enable(widget, actions.can_accept)
        self.reopen.setVisible(actions.can_reopen)
        self._draw_runs(actions)
        self.overlays.draw(actions.maps, actions.can_accept, state.review)
        self.overlays.draw_look(look)
        self.regions.draw(state.review)
        self.inside.draw(state.inside, look.picture)

    def _draw_runs(self, actions: CaseActions) -> None:
        """Whose proposals there are for the case, where there is a choice."""
        if actions.proposals != self._drawn_runs:
            self._drawn_runs = actions.proposals
            self.runs.clear()
            for run, why in actions.proposals:
                self.runs.addItem(f"⚠ Proposal of {run}" if why else f"Proposal of {run}", run)
                self.runs.setItemData(self.runs.count() - 1, plain(why or run), Qt.ItemDataRole.ToolTipRole)
            self.runs.setVisible(len(actions.proposals) > 1)
        if actions.proposal is not None:
            self.runs.setCurrentIndex(self.runs.findData(actions.proposal))
