"""Two questions: what project to make of a folder, and what the structures are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...project.classes import PALETTE
from ..facts import ClassFacts
from ..icons import swatch
from ..projects import Found
from .parts import button, checkbox, enable, named, text


class ClassTable(QWidget):
    """Names of the structures, one a line; their voxel values are 1, 2, 3, … unless they had others."""

    def __init__(self, classes: Sequence[ClassFacts] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = named(QTableWidget(0, 2), "Structures", "Double-click a name to change it.")
        self.table.setHorizontalHeaderLabels(["Label", "Name"])
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.setColumnWidth(0, 70)
        self.table.verticalHeader().hide()
        add = button("Add a structure", "One more structure to segment.", self.add_row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addWidget(add)
        for info in classes:
            self._append(info.value, info.name, info.colour)

    def value(self) -> dict[int, str]:
        """Voxel value to name; lines without a name are left out."""
        rows = {}
        for row in range(self.table.rowCount()):
            name = self.table.item(row, 1).text().strip()
            if name:
                rows[int(self.table.item(row, 0).text())] = name
        return rows

    def add_row(self) -> None:
        """An empty line, ready to be typed in."""
        used = {int(self.table.item(row, 0).text()) for row in range(self.table.rowCount())}
        value = next(v for v in range(1, 255) if v not in used)
        self._append(value, f"structure {value}", PALETTE[(value - 1) % len(PALETTE)])
        self.table.editItem(self.table.item(self.table.rowCount() - 1, 1))

    def _append(self, value: int, name: str, colour: str) -> None:
        from qtpy.QtCore import Qt

        row = self.table.rowCount()
        self.table.insertRow(row)
        number = QTableWidgetItem(swatch(colour), str(value))
        number.setFlags(number.flags() & ~Qt.ItemFlag.ItemIsEditable)
        self.table.setItem(row, 0, number)
        self.table.setItem(row, 1, QTableWidgetItem(name))


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
        self.classes = ClassTable([ClassFacts(v, f"structure {v}", PALETTE[(v - 1) % len(PALETTE)]) for v in values])
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


class ClassDialog(QDialog):
    """The structures of the open project."""

    def __init__(self, classes: Sequence[ClassFacts], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Structures to segment")
        self.table = ClassTable(classes)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addWidget(box)


def _free(folder: Path) -> Path:
    """A name beside the scans that is not taken yet."""
    base = folder.parent / f"{folder.name}-medssl"
    names = [base, *(base.with_name(f"{base.name}-{n}") for n in range(2, 100))]
    return next((name for name in names if not name.exists()), base)
