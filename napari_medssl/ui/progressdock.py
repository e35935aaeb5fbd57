"""The dock with the pictures of progress, at the bottom of napari's window; made when first wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QColor, QPalette

from ..progress import Progress
from .curvedock import ACCENT

if TYPE_CHECKING:
    from .panels.progress import ProgressPanel


class ProgressDock:
    """Shows progress, if the viewer has a window.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
    made : callable
        Told the panel when it was made: to connect its buttons.
    """

    def __init__(self, viewer: Any, made: Callable[[ProgressPanel], None]) -> None:
        self.panel: ProgressPanel | None = None
        self._viewer, self._made = viewer, made
        self._dock: Any = None

    @property
    def is_open(self) -> bool:
        """Whether somebody looks at it."""
        return self.panel is not None and self._dock.isVisible()

    def show(self, text: QColor) -> None:
        """Open the dock; `text` is the theme's colour of text."""
        window = getattr(self._viewer, "window", None)
        if window is None:
            return
        if self.panel is None:
            from .panels.progress import ProgressPanel

            self.panel = ProgressPanel()
            self._dock = window.add_dock_widget(self.panel, name="MedSSL progress", area="bottom", tabify=True)
            self._dock.destroyed.connect(self._gone)
            self._made(self.panel)
            self.set_colour(text)
        self._dock.show()
        self._dock.raise_()

    def draw(self, progress: Progress) -> None:
        """Show what was found."""
        if self.panel is not None:
            self.panel.draw(progress)

    def set_colour(self, text: QColor) -> None:
        """The theme changed."""
        if self.panel is not None:
            background = self.panel.palette().color(QPalette.ColorRole.Window)
            self.panel.set_colours(background.name(), text.name(), ACCENT)

    def close(self) -> None:
        """Take the dock out of the window."""
        if self._dock is not None:
            self._viewer.window.remove_dock_widget(self._dock)

    def _gone(self, dock: Any = None) -> None:
        self.panel = self._dock = None
