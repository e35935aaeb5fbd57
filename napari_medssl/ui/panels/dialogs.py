"""A question: what project to make of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qtpy.QtWidgets import (
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...project.classes import PALETTE, ClassInfo
from ..classrows import change_of, trouble_of
from ..facts import ClassFacts
from ..projects import Found
from .check_view import MOST, CheckView, Start
from .class_table import ClassTable
from .parts import answers, button, checkbox, enable, named, plain, text


@dataclass(frozen=True)
class NewProject:
    """What project to make: its folder, the scans and label files to take, structures, and patients by scan."""

    root: Path
    images: tuple[Path, ...]
    classes: tuple[ClassInfo, ...]
    labels: tuple[Path, ...] = ()
    patients: dict[str, str] = field(default_factory=dict)


class NewProjectDialog(QDialog):
    """What project to make of the scans in a folder; they are checked meanwhile."""

    def __init__(self, found: Found, start: Start, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New MedSSL project")
        self.setMinimumSize(600, 600)  # room for what the check will find
        self._found = found
        self.folder = named(
            QLineEdit(str(_free(found.folder))), "Project folder", "Where labels, proposals and runs are kept."
        )
        browse = button("Choose …", "Choose another place for the project.", self._browse)
        self.classes = ClassTable(_structures(found))
        self.classes.changed.connect(self._able)
        self.labels = checkbox(
            f"Take the {len(found.labels)} label files beside them as complete labels",
            "Label files find their scan by name: scan_1.nii.gz and scan_1_label.nii.gz.",
            checked=bool(found.labels),
        )
        self.labels.setVisible(bool(found.labels))
        self.patients = checkbox(
            "Scans of one patient",
            "By their names or folders some scans are of one patient. They are kept together when models are measured.",
            checked=True,
        )
        self.patients.hide()
        self.check = CheckView(start)
        self.check.ended.connect(self._checked)
        self.finished.connect(lambda _: self.check.stop())
        line = QHBoxLayout()
        line.addWidget(self.folder)
        line.addWidget(browse)
        form = QFormLayout()
        form.addRow("Project folder", line)
        form.addRow("Structures", self.classes)
        named_so = (
            "As their label files are called: a file for each." if found.structures else "What is to be segmented."
        )
        form.addRow("", text(f"{named_so} Double-click a name to change it.", faint=True))
        make = ("Make project", "Make the project folder, and open it. The scans themselves are not touched.")
        box, self.ok = answers(self, make, ("Cancel", "Make no project."))
        self.folder.textChanged.connect(lambda _: self._able())
        count = len(found.images)
        layout = QVBoxLayout(self)
        layout.addWidget(text(f"{count} scan{'s' if count != 1 else ''} in {found.folder}. They stay where they are."))
        layout.addLayout(form)
        layout.addWidget(self.labels)
        self.left = _left_list(found.left)
        layout.addWidget(self.left)
        layout.addWidget(self.check, 1)
        layout.addWidget(self.patients)
        layout.addWidget(box)
        self._able()

    def value(self) -> NewProject:
        """What was chosen; scans that are ticked are left out."""
        without, report = set(self.check.left_out()), self.check.report
        return NewProject(
            root=Path(self.folder.text().strip()).expanduser(),
            images=tuple(path for path in self._found.images if str(path) not in without),
            classes=change_of(self.classes.rows).classes,
            labels=self._found.labels if self.labels.isChecked() else (),
            patients=dict(report.patients) if report is not None and self.patients.isChecked() else {},
        )

    def _checked(self) -> None:
        """Nothing more is read."""
        shared = {} if self.check.report is None else self.check.report.patients
        if shared:
            self.patients.setText(f"{len(shared)} scans are of {len(set(shared.values()))} patients")
            self.patients.show()
        self._able()

    def _able(self) -> None:
        fine = bool(self.folder.text().strip()) and not trouble_of(self.classes.rows)
        enable(self.ok, self.check.over and fine)

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the project", self.folder.text())
        if chosen:
            self.folder.setText(chosen)


def _structures(found: Found) -> list[ClassFacts]:
    """What the label files show: by name where each structure has its files, else by value."""
    names = dict(enumerate(found.structures, 1)) or {v: f"structure {v}" for v in found.values or (1,)}
    return [ClassFacts(v, name, PALETTE[(v - 1) % len(PALETTE)], str(v) if v < 10 else "") for v, name in names.items()]


def _left_list(left: Sequence[tuple[Path, str]]) -> QTreeWidget:
    """Files of the folder that are not taken, by reason; hidden where there are none."""
    made = named(QTreeWidget(), "Not taken", "Files in the folder that do not become cases, and why.")
    by_reason: dict[str, list[Path]] = {}
    for path, why in left:
        by_reason.setdefault(why, []).append(path)
    made.setHeaderLabels([f"Not taken: {len(left)} file{'' if len(left) == 1 else 's'}"])
    for why, paths in by_reason.items():
        first = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        top = QTreeWidgetItem([f"{first}: {why}"])
        top.setToolTip(0, plain(why))
        for path in paths[:MOST]:
            child = QTreeWidgetItem([str(path)])
            child.setToolTip(0, plain(str(path)))
            top.addChild(child)
        if len(paths) > MOST:
            top.addChild(QTreeWidgetItem([f"{len(paths) - MOST} more"]))
        made.addTopLevelItem(top)
    made.setMaximumHeight(made.fontMetrics().lineSpacing() * 6)
    made.setVisible(bool(left))
    return made


def _free(folder: Path) -> Path:
    """A name beside the scans that is not taken yet."""
    base = folder.parent / f"{folder.name}-medssl"
    names = [base, *(base.with_name(f"{base.name}-{n}") for n in range(2, 100))]
    return next((name for name in names if not name.exists()), base)
