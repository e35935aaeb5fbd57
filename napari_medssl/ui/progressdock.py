"""The dock with the pictures of progress, at the bottom of napari's window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QColor

from ..progress import Progress
from .bottomdock import BottomDock

if TYPE_CHECKING:
    from .panels.progress import ProgressPanel


class ProgressDock(BottomDock):
    """Shows progress, if the viewer has a window.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
    made : callable
        Told the panel when it was made: to connect its buttons.
    """

    def __init__(self, viewer: Any, made: Callable[[ProgressPanel], None]) -> None:
        super().__init__(viewer, "MedSSL progress")
        self._made = made

    def show(self, text: QColor) -> None:
        """Open the dock; `text` is the theme's colour of text."""
        if self._open(text):
            self._dock.raise_()

    def draw(self, progress: Progress) -> None:
        """Show what was found."""
        if self.panel is not None:
            self.panel.draw(progress)

    def _make(self) -> ProgressPanel:
        from .panels.progress import ProgressPanel

        panel = ProgressPanel()
        self._made(panel)
        return panel
