"""What there is to see before a project is open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from ..recents import Recent
from .parts import button, formatted, literal, named, text

SHOWN = 6  # recent projects

WORDS = """<p><b>Segment many scans by labelling a few.</b></p>
<p>1. <b>Open</b> a folder of scans (NIfTI, PNG, TIFF, JPEG; convert DICOM first). They stay where they are.</p>
<p>2. <b>Label</b> two or three of them with napari's brush.</p>
<p>3. <b>Train</b>. It goes on in the background; it learns from the unlabelled scans too.</p>
<p>4. <b>Review</b> what is proposed: correct it, accept it.</p>
<p>5. <b>Next</b> brings the case that is most worth a look. Then train again.</p>
<p>You can also drop a folder here.</p>"""


class Welcome(QWidget):
    """Ways to begin: a folder, the sample, the tour, a project that was open before."""

    open_project = Signal()
    open_sample = Signal()
    open_recent = Signal(str)
    forget_recent = Signal(str)
    tour = Signal()
    no_tour = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(formatted(WORDS))
        layout.addWidget(
            button(
                "Open a folder …",
                "A folder that holds a project, or scans to make one of.",
                self.open_project.emit,
            )
        )
        self.sample = button(
            "Try the sample project",
            "16 synthetic abdominal scans, 3 of them labelled. Made on this computer, nothing is downloaded.",
            self.open_sample.emit,
        )
        layout.addWidget(self.sample)
        self.offer = self._make_offer()
        layout.addWidget(self.offer)
        self._heading = text("Recent projects", heading=True)
        self._heading.hide()
        layout.addWidget(self._heading)
        self._list = QVBoxLayout()
        self._list.setSpacing(4)
        layout.addLayout(self._list)
        layout.addStretch(1)
        self._shown: tuple[Recent, ...] = ()
        self.recent: list[QPushButton] = []

    def draw(self, recent: Sequence[Recent], offer_tour: bool) -> None:
        """Show the projects that were open before, and offer the tour to whom it never was."""
        self.offer.setVisible(offer_tour)
        wanted = tuple(recent[:SHOWN])
        if wanted == self._shown:
            return
        self._shown, self.recent = wanted, []
        while (item := self._list.takeAt(0)) is not None:
            item.widget().deleteLater()
        for one in wanted:
            self._list.addWidget(self._line(one))
        self._heading.setVisible(bool(wanted))

    def _make_offer(self) -> QWidget:
        made = QWidget()
        across = QHBoxLayout(made)
        across.setContentsMargins(0, 0, 0, 0)
        across.addWidget(
            button(
                "Take the tour (10 minutes)", "Once round on the sample project, in under ten minutes.", self.tour.emit
            ),
            1,
        )
        across.addWidget(
            button("No tour", "Do not offer it again. It stays under the ? at the top.", self.no_tour.emit)
        )
        made.hide()
        return made

    def _line(self, one: Recent) -> QWidget:
        where = one.root if one.there else f"Not there any more: {one.root}"
        made = button(literal(one.name or Path(one.root).name), where, partial(self.open_recent.emit, one.root))
        made.setEnabled(one.there)
        self.recent.append(made)
        away = QToolButton()
        away.setText("✕")
        away.setAutoRaise(True)
        named(away, f"Forget {one.name}", "Take it off this list. The project itself is not touched.")
        away.clicked.connect(lambda _=False: self.forget_recent.emit(one.root))
        line = QWidget()
        across = QHBoxLayout(line)
        across.setContentsMargins(0, 0, 0, 0)
        across.addWidget(made, 1)
        across.addWidget(away)
        return line
