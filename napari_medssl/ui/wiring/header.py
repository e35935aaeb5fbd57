"""The head of the dock and the welcome: opening, pages, the next case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDialog, QFileDialog

from ..panels.class_dialog import ClassDialog

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


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
    chosen = QFileDialog.getExistingDirectory(dock, "A project, or a folder of scans")
    if chosen:
        dock.open_folder(chosen)


def ask_scans(dock: MedSSLWidget) -> None:
    """Ask for more scans."""
    files, _ = QFileDialog.getOpenFileNames(
        dock, "Scans to add", "", "Scans (*.nii *.nii.gz *.hdr *.png *.tif *.tiff *.jpg *.jpeg)"
    )
    if files:
        dock.session.add_scans([Path(f) for f in files])


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
