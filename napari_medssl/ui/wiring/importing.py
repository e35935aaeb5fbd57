"""Labels from elsewhere: asked for in the menu, or dropped on the dock."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDialog

from ...project.filenames import is_label_folder, is_named_label
from ...project.matching import plain
from ..panels.import_dialog import ImportLabelsDialog

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the entry of the menu."""
    dock.header.import_labels.connect(partial(ask_labels, dock))


def ask_labels(dock: MedSSLWidget, paths: Sequence[Path] = ()) -> None:
    """Ask which labels to import, show what would come of them, and import them."""
    session = dock.session
    dialog = ImportLabelsDialog(paths, session.imports.plan, session.state.classes, dock)
    if dialog.exec_() == QDialog.DialogCode.Accepted and dialog.plan is not None:
        session.imports.save(dialog.plan, dialog.chosen())


def drop(dock: MedSSLWidget, paths: Sequence[Path]) -> None:
    """A folder is opened; with a project open, labels are imported and scans are added to it."""
    has_project = dock.session.state.has_project
    labels = [path for path in paths if has_project and is_meant_as_labels(dock, path)]
    scans = [path for path in paths if path not in labels]

    def import_them() -> None:
        if labels:
            QTimer.singleShot(0, partial(ask_labels, dock, labels))  # a dialog must hold up neither drag nor mailbox

    if len(scans) == 1 and scans[0].is_dir():
        QTimer.singleShot(0, partial(dock.open_folder, scans[0]))
    elif scans and has_project:
        dock.session.add_scans(scans, import_them)  # their labels may be among those dropped
    elif scans:
        QTimer.singleShot(0, partial(dock.open_folder, scans[0].parent))
    else:
        import_them()


def is_meant_as_labels(dock: MedSSLWidget, path: Path) -> bool:
    """Whether a file or folder is named like labels, or like a structure of the project, or lies where labels do."""
    structures = {plain(one.name) for one in dock.session.state.classes}
    if path.is_dir():
        return is_label_folder(path.name)
    named = is_named_label(path) or is_label_folder(path.parent.name)
    return named or bool({plain(path.name.split(".")[0]), plain(path.parent.name)} & structures)
