"""The Review page: see the proposal and its doubt, correct, accept."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ..colours import MAP_TITLES
from ..insideview import InsideState
from ..state import CaseActions, PanelState
from .parts import button, checkbox, combo, enable, show_text, text

LOOK, STOP = "Look inside", "Stop looking"


class ReviewPage(QWidget):
    """Buttons for what keys do too."""

    correct = Signal()
    accept = Signal(bool)  # and go on with the next
    proposal_toggled = Signal()
    map_toggled = Signal(str)
    map_chosen = Signal(str)
    run_chosen = Signal(str)
    next_case = Signal()
    look_inside = Signal(str)  # the model of this run
    stop_looking = Signal()
    picture_chosen = Signal(str)  # empty: none

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = text("No case open", heading=True)
        self._proposal = text()
        self.proposal = checkbox("Proposal (Alt+O)", "Show or hide the outline of the model's proposal (Alt+O).")
        self.proposal.clicked.connect(lambda _: self.proposal_toggled.emit())
        self.map = checkbox("Doubt (Alt+U)", "Show or hide where the model is unsure: bright is unsure (Alt+U).")
        self.map.clicked.connect(lambda _: self.map_toggled.emit(self.chosen_map()))
        self.maps = combo("Map of doubt", "Which measure of doubt to show.")
        self.maps.activated.connect(lambda _: self.map_chosen.emit(self.chosen_map()))
        self.runs = combo(
            "Proposal of", "Whose proposal to show. One that did worse in a comparison is never shown first."
        )
        self.runs.activated.connect(lambda _: self.run_chosen.emit(self.runs.currentData()))
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
            name="Accept",
        )
        self.accept_next = button(
            "Accept, next (Alt+D)",
            "Accept, and open the suggested case. (Alt+D)",
            lambda: self.accept.emit(True),
            name="Accept and open next",
        )
        self._next = text()
        self._inside_title = text("Look inside a model", heading=True)
        self.models = combo("Model to look into", "Whose model to look into: the run that trained it.")
        self.inside_button = button(
            LOOK,
            "Show what the model makes of this case: features before and after training, and, where the run has them, "
            "restoration, attention, and what each part of it says.",
            self._inside_clicked,
        )
        self.pictures = combo("Picture of the inside", "Which picture to show over the scan.")
        self.pictures.activated.connect(lambda _: self._picture_activated())
        self._caption, self._inside_text = text(), text()
        shown = QHBoxLayout()
        shown.addWidget(self.proposal)
        shown.addWidget(self.map)
        shown.addStretch(1)
        line = QHBoxLayout()
        line.addWidget(self.accept_button)
        line.addWidget(self.accept_next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._title)
        layout.addWidget(self._proposal)
        layout.addWidget(self.runs)
        layout.addLayout(shown)
        layout.addWidget(self.maps)
        layout.addWidget(self.correct_button)
        layout.addLayout(line)
        layout.addWidget(self._next)
        inside = QHBoxLayout()
        inside.addWidget(self.models)
        inside.addWidget(self.inside_button)
        layout.addSpacing(8)
        layout.addWidget(self._inside_title)
        layout.addLayout(inside)
        layout.addWidget(self.pictures)
        layout.addWidget(self._caption)
        layout.addWidget(self._inside_text)
        layout.addStretch(1)
        self._drawn_maps: tuple[str, ...] | None = None
        self._inside = InsideState()
        self._drawn_runs: tuple[tuple[str, str], ...] = ()
        self.runs.hide()

    def draw(self, state: PanelState, visible: frozenset[str], picture: str | None = None) -> None:
        """Show a state; `visible` are the overlays that are on, `picture` that of the inside of a model."""
        actions = state.actions
        show_text(self._title, actions.title)
        show_text(self._proposal, actions.proposal_text)
        show_text(self._next, f"Next: {state.next_case}. {state.next_why}" if state.next_case else state.next_why)
        enable(self.correct_button, actions.can_correct)
        for widget in (self.accept_button, self.accept_next, self.proposal):
            enable(widget, actions.can_accept)
        enable(self.map, bool(actions.maps))
        self.maps.setVisible(len(actions.maps) > 1)
        self._draw_runs(actions)
        if actions.maps != self._drawn_maps:
            chosen = self.chosen_map()
            self._drawn_maps = actions.maps
            self.maps.clear()
            for name in actions.maps:
                self.maps.addItem(MAP_TITLES.get(name, name).capitalize(), name)
            self.maps.setCurrentIndex(max(0, self.maps.findData(chosen)))
        self._draw_inside(state.inside, picture)
        self.draw_overlays(visible)

    def _draw_runs(self, actions: CaseActions) -> None:
        """Whose proposals there are for the case, where there is a choice."""
        if actions.proposals != self._drawn_runs:
            self._drawn_runs = actions.proposals
            self.runs.clear()
            for run, why in actions.proposals:
                self.runs.addItem(f"⚠ Proposal of {run}" if why else f"Proposal of {run}", run)
                self.runs.setItemData(self.runs.count() - 1, why or run, Qt.ItemDataRole.ToolTipRole)
            self.runs.setVisible(len(actions.proposals) > 1)
        if actions.proposal is not None:
            self.runs.setCurrentIndex(self.runs.findData(actions.proposal))

    def draw_overlays(self, visible: frozenset[str]) -> None:
        """Tick what is on."""
        self.proposal.setChecked("proposal" in visible)
        self.map.setChecked(bool(visible - {"proposal"}))

    def chosen_map(self) -> str:
        """The measure of doubt that is chosen."""
        return self.maps.currentData() or "entropy"

    def draw_picture(self, name: str | None) -> None:
        """This picture of the inside of a model is on, or none."""
        self.pictures.setCurrentIndex(max(0, self.pictures.findData(name or "")))
        caption = next((picture.caption for picture in self._inside.pictures if picture.name == name), "")
        show_text(self._caption, caption[:1].upper() + caption[1:])

    def _draw_inside(self, inside: InsideState, picture: str | None) -> None:
        before, self._inside = self._inside, inside
        if inside.runs != before.runs or inside.usual != before.usual:
            chosen = inside.usual if inside.usual != before.usual else self.models.currentData()
            self.models.clear()
            for run in inside.runs:
                self.models.addItem(run, run)
            self.models.setCurrentIndex(max(0, self.models.findData(chosen)))
        enable(self.models, bool(inside.runs) and not inside.busy)
        enable(self.inside_button, inside.can_look)
        self.inside_button.setText(STOP if inside.busy else LOOK)
        if inside.pictures != before.pictures:
            self.pictures.clear()
            self.pictures.addItem("Nothing of the inside", "")
            for one in inside.pictures:
                self.pictures.addItem(one.title[:1].upper() + one.title[1:], one.name)
        self.pictures.setVisible(bool(inside.pictures))
        show_text(self._inside_text, inside.text)
        self.draw_picture(picture)

    def _inside_clicked(self) -> None:
        if self._inside.busy:
            self.stop_looking.emit()
        else:
            self.look_inside.emit(self.models.currentData() or "")

    def _picture_activated(self) -> None:
        self.picture_chosen.emit(self.pictures.currentData() or "")
