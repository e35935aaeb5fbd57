"""The head of the dock: which project, how far, the five verbs, and what there is to say."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..recents import Recent
from ..state import PanelState
from .parts import SMALLEST, Line, button, enable, literal, named, plain, show_text, text

ALWAYS = ("Project or folder of scans …", "Sample project")  # of the menu; the others need a project
HELP = (
    ("Keys", "What each key does; to search and to print.", "keys"),
    ("Take the tour", "Ten minutes on the sample project, step by step. It goes on where you left it.", "tour"),
    ("Documentation", "What everything means. Kept on this computer.", "documentation"),
    (
        "Copy diagnostics",
        "Versions, this computer, the last message and the run's log, for whoever helps. No names of patients.",
        "diagnostics",
    ),
)
SIGNS = {"info": "ℹ", "warning": "⚠", "error": "✕"}


class Header(QWidget):
    """Signals are named for what the person wants.

    Attributes
    ----------
    message : QFrame
        What there is to say. Its place is below the pages: it comes and goes, and nothing is to move under the mouse.
    """

    page = Signal(str)
    open_project = Signal()
    open_sample = Signal()
    add_scans = Signal()
    import_labels = Signal()
    check_scans = Signal()
    open_recent = Signal(str)
    edit_classes = Signal()
    progress = Signal()
    refresh = Signal()
    next_case = Signal()
    dismissed = Signal()
    keys = Signal()
    tour = Signal()
    documentation = Signal()
    diagnostics = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = Line("No project open")  # never two lines: nothing is to move under the mouse
        self._counts = text()
        self.bar = named(QProgressBar(), "Labelled cases", "Share of the cases that are labelled.")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.bar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # the words beside it come first
        self.open = QPushButton("Open")
        self.open.setMinimumWidth(SMALLEST)
        named(self.open, "Open", "Open a project, or make one of a folder of scans. You can also drop a folder here.")
        menu = QMenu(self.open)
        menu.setToolTipsVisible(True)
        self._entries = {}
        for words, tip, signal in (
            (
                "Project or folder of scans …",
                "A folder that holds a project, or scans to make one of.",
                self.open_project,
            ),
            (
                "Sample project",
                "16 synthetic abdominal scans, 3 of them labelled. Made on this computer.",
                self.open_sample,
            ),
            ("Add scans to this project …", "More scans; they stay where they are.", self.add_scans),
            (
                "Import labels …",
                "Masks made elsewhere become labels of their cases. You see first what would come of them.",
                self.import_labels,
            ),
            (
                "Check the scans …",
                "Read all scans and say what is odd: voxel sizes, values, duplicates, patients.",
                self.check_scans,
            ),
            ("Structures …", "Name the structures to segment.", self.edit_classes),
            (
                "Progress …",
                "Do proposals get better, does the work get less, what is mixed up? Plots at the bottom.",
                self.progress,
            ),
            ("Look again", "Read the project anew: somebody else may have changed it.", self.refresh),
        ):
            action = menu.addAction(words)
            action.setToolTip(plain(tip))
            action.triggered.connect(lambda _=False, s=signal: s.emit())
            self._entries[words] = action
        self.help = self._make_help(menu)
        menu.addMenu(self.help)
        self._recent = QMenu("Recent projects", menu)
        self._recent.setToolTipsVisible(True)
        menu.insertMenu(self._entries["Sample project"], self._recent)
        self._shown: tuple[Recent, ...] = ()
        self.open.setMenu(menu)
        self._pages = QButtonGroup(self)
        self._pages.setExclusive(True)
        verbs = QHBoxLayout()
        verbs.setSpacing(4)
        verbs.addWidget(self.open)
        self.verbs: dict[str, QPushButton] = {"Open": self.open}
        for name, tip in (
            ("Label", "Draw on the case on screen, with napari's own tools."),
            ("Train", "Learn from the labelled and the unlabelled scans."),
            ("Review", "Look at a proposal and its doubt, correct it, accept it."),
        ):
            made = button(name, tip, partial(self.page.emit, name))
            made.setCheckable(True)
            self._pages.addButton(made)
            self.verbs[name] = made
            verbs.addWidget(made)
        self.verbs["Label"].setChecked(True)
        self.verbs["Next"] = button("Next", "Open the case that is most worth a look. (Alt+G)", self.next_case.emit)
        verbs.addWidget(self.verbs["Next"])
        self.message = QFrame()
        self.message.setObjectName("MedSSLMessage")
        self._sign = text()
        self._sign.setWordWrap(False)
        self._words = text()
        close = self._close = QToolButton()
        close.setText("✕")
        close.setAutoRaise(True)
        named(close, "Dismiss the message", "Take this message away.")
        close.clicked.connect(lambda _=False: self.dismissed.emit())
        line = QHBoxLayout(self.message)
        line.setContentsMargins(6, 4, 4, 4)
        line.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._words, 1)
        line.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.message.hide()
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        how_far = QHBoxLayout()
        how_far.addWidget(self._counts)
        how_far.addWidget(self.bar, 1)
        self._counts.setWordWrap(False)
        question = named(QPushButton("?"), "Help", "Keys, a tour, the documentation, diagnostics.")
        question.setFixedWidth(26)
        question.setStyleSheet("QPushButton::menu-indicator { image: none; width: 0px; }")  # the line is short of room
        question.setMenu(self.help)
        self.question = question
        top.addWidget(question)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addLayout(how_far)
        layout.addLayout(verbs)

    def _make_help(self, parent: QWidget) -> QMenu:
        made = QMenu("Help", parent)
        made.setToolTipsVisible(True)
        for words, tip, signal in HELP:
            action = made.addAction(words)
            action.setToolTip(plain(tip))
            action.triggered.connect(partial(self._ask_help, signal))
        return made

    def _ask_help(self, signal: str, checked: bool = False) -> None:
        getattr(self, signal).emit()

    def draw(self, state: PanelState) -> None:
        """Show a state."""
        show_text(self._title, state.title)
        self._title.setToolTip(plain(state.title))
        show_text(self._counts, state.counts)
        self.bar.setVisible(state.has_project or bool(state.busy))
        if state.busy and not state.has_project:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, max(1, state.progress[1]))
            self.bar.setValue(state.progress[0])
        for name in ("Label", "Train", "Review"):
            enable(self.verbs[name], state.has_project)
        enable(self.verbs["Next"], state.next_case is not None)
        tip = f"Open {state.next_case}: {state.next_why}" if state.next_case else "Open the case most worth a look."
        self.verbs["Next"].setToolTip(plain(f"{tip} (Alt+G)"))
        self._draw_recent(state.recent)
        for words, entry in self._entries.items():
            entry.setEnabled(state.has_project or words in ALWAYS)
        level, words = ("info", state.busy) if state.busy else state.message or ("info", "")
        self._sign.setText("…" if state.busy else SIGNS[level])
        self._close.setVisible(not state.busy)
        self._words.setText(words)
        self._words.setAccessibleName(f"{level}: {words}" if words else "")
        self.message.setVisible(bool(words))
        if self.message.property("level") != level:
            self.message.setProperty("level", level)

    def _draw_recent(self, recent: tuple[Recent, ...]) -> None:
        self._recent.setEnabled(bool(recent))
        if recent == self._shown:
            return
        self._shown = recent
        self._recent.clear()
        for one in recent:
            action = self._recent.addAction(literal(one.name or one.root))
            action.setToolTip(plain(one.root if one.there else f"Not there any more: {one.root}"))
            action.setEnabled(one.there)
            action.triggered.connect(partial(self._open_recent, one.root))

    def _open_recent(self, root: str, checked: bool = False) -> None:
        self.open_recent.emit(root)

    def choose(self, name: str) -> None:
        """Mark the page that is open."""
        self.verbs[name].setChecked(True)

    def text_colour(self) -> QColor:
        """The colour that the theme gives to text."""
        return self._title.palette().color(QPalette.ColorRole.WindowText)
