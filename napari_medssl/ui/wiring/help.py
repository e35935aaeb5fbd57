"""Help: the card of keys, the pages of the documentation, the diagnostics, the tour."""

from __future__ import annotations

import sysconfig
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog

from ...errors import MedSSLError
from .. import faults, keycard
from ..panels.keys_card import KeysCard
from ..panels.reader import Reader

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the menu of help."""
    head = dock.header
    head.keys.connect(lambda: show_keys(dock))
    head.documentation.connect(lambda: show_page(dock, "index.md"))
    head.diagnostics.connect(lambda: copy_diagnostics(dock))
    dock.session.board.on_fault = lambda error: faults.show(partial(copy_diagnostics, dock))


def show_keys(dock: MedSSLWidget) -> KeysCard:
    """Open the card of keys."""
    from napari.settings import get_settings

    from . import keys as wired

    card = KeysCard(keycard.rows(wired(dock), dock.bound, get_settings().shortcuts.shortcuts), dock)
    card.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    card.copied.connect(partial(_copy, dock, "The keys are on the clipboard."))
    card.saved.connect(partial(_save, dock))
    card.show()
    return card


def show_page(dock: MedSSLWidget, name: str) -> None:
    """Open a page of the documentation."""
    folder = docs_folder()
    if folder is None:
        dock.session.board.failed(
            MedSSLError("The documentation is not installed. It is the folder 'docs' of the source of napari-medssl.")
        )
        return
    reader = Reader(folder, dock)
    reader.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    reader.open(name)
    reader.show()


def docs_folder() -> Path | None:
    """Where the pages are: beside the package in a checkout, else where the wheel put them."""
    beside = Path(__file__).resolve().parents[3] / "docs"
    installed = Path(sysconfig.get_path("data")) / "share" / "doc" / "napari-medssl"
    return next((folder for folder in (beside, installed) if (folder / "in-napari.md").is_file()), None)


def copy_diagnostics(dock: MedSSLWidget) -> None:
    """Put on the clipboard what helps to mend a fault."""
    said = "Diagnostics are on the clipboard, without names of patients and folders. Read them before you send them."
    dock.session.help.diagnose(partial(_copy, dock, said))


def _copy(dock: MedSSLWidget, said: str, words: str) -> None:
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(words)
        dock.session.board.say("info", said)


def _save(dock: MedSSLWidget, words: str) -> None:
    chosen, _ = QFileDialog.getSaveFileName(dock, "Save the keys", "napari-medssl-keys.txt", "Text (*.txt)")
    if chosen:
        dock.session.help.save(Path(chosen), words)
