"""The curves' dock at the bottom of napari's window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QColor

from .bottomdock import BottomDock
from .runview import RunView

if TYPE_CHECKING:
    from .panels.curves import CurvePanel


class CurveDock(BottomDock):
    """Shows curves, if the viewer has a window.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__(viewer, "MedSSL curves")
        self._pinned = ""

    def show(self, run: RunView, text: QColor, *, pinned: bool = False) -> None:
        """Show a run's curves; `text` is the theme's colour of text. When `pinned`, another run does not replace it."""
        self._pinned = run.name if pinned else ""
        if self._open(text):
            self.draw(run)

    def draw(self, run: RunView) -> None:
        """A run went on; nothing while there are no curves to see."""
        if self.panel is not None and self._pinned in ("", run.name):
            self.panel.draw(run)

    def _make(self) -> CurvePanel:
        from .panels.curves import CurvePanel

        return CurvePanel()
