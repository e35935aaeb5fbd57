"""A question: what project to make of a folder."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from ...project.classes import PALETTE
from ..facts import ClassFacts
from ..projects import Found
from .class_table import ClassTable
from .parts import button, checkbox, enable, named, text


class NewProjectDialog(QDialog):
    """What project to make of the scans in a folder."""

    def __init__(self, found: Found, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New MedSSL project")
        self.setMinimumWidth(460)
        self._found = found
        self.folder = named(
            QLineEdit(str(_free(found.folder))), "Project folder", "Where labels, proposals and runs are kept."
        )
        browse = button("Choose …", "Choose another place for the project.", self._browse)
        values = found.values or (1,)
        self.classes = ClassTable(
            [ClassFacts(v, f"structure {v}", PALETTE[(v - 1) % len(PALETTE)], str(v) if v < 10 else "") for v in values]
        )
        self.labels = checkbox(
            f"Take the {len(found.labels)} label files beside them as complete labels",
            "Label files find their scan by name: scan_1.nii.gz and scan_1_label.nii.gz.",
            checked=bool(found.labels),
        )
        self.labels.setVisible(bool(found.labels))
        line = QHBoxLayout()
        line.addWidget(self.folder)
        line.addWidget(browse)
        form = QFormLayout()
        form.addRow("Project folder", line)
        form.addRow("Structures", self.classes)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok = box.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText("Make project")
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        self.folder.textChanged.connect(lambda words: enable(self.ok, bool(words.strip())))
        count = len(found.images)
        layout = QVBoxLayout(self)
        layout.addWidget(text(f"{count} scan{'s' if count != 1 else ''} in {found.folder}. They stay where they are."))
        layout.addLayout(form)
        layout.addWidget(self.labels)
        layout.addWidget(box)

    def value(self) -> tuple[Path, dict[int, str], tuple[Path, ...]]:
        """Project folder, structures, label files to take."""
        taken = self._found.labels if self.labels.isChecked() else ()
        return Path(self.folder.text().strip()).expanduser(), self.classes.value(), taken

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the project", self.folder.text())
        if chosen:
            self.folder.setText(chosen)


def _free(folder: Path) -> Path:
    """A name beside the scans that is not taken yet."""
    base = folder.parent / f"{folder.name}-medssl"
    names = [base, *(base.with_name(f"{base.name}-{n}") for n in range(2, 100))]
    return next((name for name in names if not name.exists()), base)
