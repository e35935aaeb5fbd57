"""The pictures of progress: opening them, keeping them up to date, saving them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from ..panels.progress import ProgressPanel
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the entry of the menu."""
    dock.header.progress.connect(lambda: show(dock))


def connect_panel(dock: MedSSLWidget, panel: ProgressPanel) -> None:
    """Connect the panel, which is made when it is first wanted."""
    panel.save_picture.connect(lambda: save_picture(dock, panel))
    panel.save_numbers.connect(lambda: save_numbers(dock))


def show(dock: MedSSLWidget) -> None:
    """Open the dock at the bottom."""
    dock.progress.show(dock.header.text_colour())
    look(dock)


def look(dock: MedSSLWidget) -> None:
    """Read anew what is shown."""
    if dock.progress.is_open:
        dock.session.progress.look(dock.progress.draw)


def save_picture(dock: MedSSLWidget, panel: ProgressPanel) -> None:
    """Ask where to, and save the plots as a picture."""
    image = panel.picture()
    chosen, _ = QFileDialog.getSaveFileName(dock, "Save the picture", "progress.png", "Pictures (*.png)")
    if chosen:
        path = Path(chosen if chosen.lower().endswith(".png") else f"{chosen}.png")
        if image.save(str(path), "PNG"):
            dock.session.board.say("info", f"Picture saved: {path}.")
        else:
            dock.session.board.say("error", f"{path}: the picture could not be written. Choose another place.")


def save_numbers(dock: MedSSLWidget) -> None:
    """Ask where to, and save the tables."""
    chosen = QFileDialog.getExistingDirectory(dock, "A folder for the numbers")
    if chosen:
        dock.session.progress.write(Path(chosen))
