"""The head of the dock and the welcome: opening, pages, the next case."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDialog, QFileDialog

from ..panels.check_view import CheckDialog
from ..panels.class_dialog import ClassDialog
from ..panels.dialogs import NewProjectDialog

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget
    from ..projects import Found


def connect(dock: MedSSLWidget) -> None:
    """Connect the header and the welcome."""
    head, session = dock.header, dock.session
    for signal in (dock.welcome.open_project, head.open_project):
        signal.connect(lambda: ask_folder(dock))
    for signal in (dock.welcome.open_sample, head.open_sample):
        signal.connect(dock.open_sample)
    head.page.connect(lambda name: take_up(dock, name))
    head.add_scans.connect(lambda: ask_scans(dock))
    head.edit_classes.connect(lambda: ask_classes(dock))
    head.check_scans.connect(lambda: ask_check(dock))
    for recent in (dock.welcome.open_recent, head.open_recent):
        recent.connect(dock.open_folder)
    dock.welcome.forget_recent.connect(session.list_recent)
    session.list_recent()
    head.refresh.connect(session.refresh)
    head.next_case.connect(session.open_next)
    head.dismissed.connect(session.dismiss)


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """Alt+G goes to the next case."""
    return {"Alt-G": dock.session.open_next}


def take_up(dock: MedSSLWidget, page: str) -> None:
    """Turn to a page; to label means to have the brush in hand."""
    dock.show_page(page)
    if page == "Label":
        dock.layers.start_painting()


def ask_folder(dock: MedSSLWidget) -> None:
    """Ask for a project or a folder of scans."""
    # files are shown, too: one sees whether it is the right folder
    chosen = QFileDialog.getExistingDirectory(dock, "A project, or a folder of scans", "", QFileDialog.Option(0))
    if chosen:
        dock.open_folder(chosen)


def ask_scans(dock: MedSSLWidget) -> None:
    """Ask for more scans."""
    files, _ = QFileDialog.getOpenFileNames(
        dock, "Scans to add", "", "Scans (*.nii *.nii.gz *.hdr *.png *.tif *.tiff *.jpg *.jpeg)"
    )
    if files:
        dock.session.add_scans([Path(f) for f in files])


def ask_project(dock: MedSSLWidget, found: Found) -> None:
    """Ask what project to make of the scans in a folder, which are checked meanwhile, and make it."""
    dialog = NewProjectDialog(found, partial(dock.session.checks.files, found.images, found.labels), dock)
    if dialog.exec_() == QDialog.DialogCode.Accepted:
        new = dialog.value()
        dock.session.create_project(new.root, new.images, new.classes, new.labels, new.patients)


def ask_check(dock: MedSSLWidget) -> None:
    """Check the scans of the open project; leave out what a person ticks."""
    project = dock.session.board.facts.project
    if project is None:
        return
    dialog = CheckDialog(partial(dock.session.checks.project, project.root), dock)
    if dialog.exec_() == QDialog.DialogCode.Accepted:
        for reason, names in itertools.groupby(sorted(dialog.view.why().items(), key=itemgetter(1)), itemgetter(1)):
            dock.session.list.exclude([name for name, _ in names], reason)


def ask_classes(dock: MedSSLWidget) -> None:
    """Ask what the structures are to be."""
    desk = dock.session.classes
    dialog = ClassDialog(dock.session.state.classes, desk.plan, dock)
    if dialog.exec_() != QDialog.DialogCode.Accepted or dialog.change is None:
        return
    if dialog.change.values:
        desk.change(dialog.change)
    else:
        desk.save(dialog.change.classes)
