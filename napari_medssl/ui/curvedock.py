"""The curves' dock at the bottom of napari's window: made when first wanted, there until a person closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QColor, QPalette

from .runview import RunView

if TYPE_CHECKING:
    from .panels.curves import CurvePanel

ACCENT = "#56B4E9"


class CurveDock:
    """Shows curves, if the viewer has a window.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
    """

    def __init__(self, viewer: Any) -> None:
        self.panel: CurvePanel | None = None
        self._pinned = ""
        self._viewer = viewer
        self._dock: Any = None

    def show(self, run: RunView, text: QColor, *, pinned: bool = False) -> None:
        """Show a run's curves; `text` is the theme's colour of text. When `pinned`, another run does not replace it."""
        self._pinned = run.name if pinned else ""
        window = getattr(self._viewer, "window", None)
        if window is None:
            return
        if self.panel is None:
            from .panels.curves import CurvePanel

            self.panel = CurvePanel()
            self._dock = window.add_dock_widget(self.panel, name="MedSSL curves", area="bottom", tabify=True)
            self._dock.destroyed.connect(self._gone)
            self.set_colour(text)
        self._dock.show()
        self.draw(run)

    def draw(self, run: RunView) -> None:
        """A run went on; nothing while there are no curves to see."""
        if self.panel is not None and self._pinned in ("", run.name):
            self.panel.draw(run)

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
