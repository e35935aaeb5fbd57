"""What there is to see before a project is open."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from .parts import button, text

WORDS = """<p><b>Segment many scans by labelling a few.</b></p>
<p>1. <b>Open</b> a folder of scans (NIfTI, PNG, TIFF, JPEG). They stay where they are.</p>
<p>2. <b>Label</b> two or three of them with napari's brush.</p>
<p>3. <b>Train</b>. It goes on in the background; it learns from the unlabelled scans too.</p>
<p>4. <b>Review</b> what is proposed: correct it, accept it.</p>
<p>5. <b>Next</b> brings the case that is most worth a look. Then train again.</p>
<p>You can also drop a folder here.</p>"""


class Welcome(QWidget):
    """Two ways to begin."""

    open_project = Signal()
    open_sample = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(text(WORDS))
        layout.addWidget(
            button(
                "Open a folder …",
                "A folder that holds a project, or scans to make one of.",
                self.open_project.emit,
            )
        )
        layout.addWidget(
            button(
                "Try the sample project",
                "16 synthetic abdominal scans, 3 of them labelled. Made on this computer, nothing is downloaded.",
                self.open_sample.emit,
            )
        )
        layout.addStretch(1)
