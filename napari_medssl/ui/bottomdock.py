"""A dock with plots at the bottom of napari's window: made when first wanted, there until a person closes it."""

from __future__ import annotations

from typing import Any

from qtpy.QtGui import QColor, QPalette

ACCENT = "#56B4E9"


class BottomDock:
    """Holds a panel of plots, if the viewer has a window; a child says which panel (`_make`).

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
    name : str
        What is written on the dock.

    Attributes
    ----------
    panel : QWidget or None
        None while the dock is not there. It has `set_colours(background, text, accent)`.
    """

    def __init__(self, viewer: Any, name: str) -> None:
        self.panel: Any = None
        self._viewer, self._name = viewer, name
        self._dock: Any = None

    @property
    def is_open(self) -> bool:
        """Whether somebody looks at it."""
        return self.panel is not None and bool(self._dock.isVisible())

    def set_colour(self, text: QColor) -> None:
        """The theme changed; `text` is its colour of text."""
        if self.panel is not None:
            background = self.panel.palette().color(QPalette.ColorRole.Window)
            self.panel.set_colours(background.name(), text.name(), ACCENT)

    def hide(self) -> None:
        """Take the dock off the screen, until it is wanted again."""
        if self._dock is not None:
            self._dock.hide()

    def close(self) -> None:
        """Take the dock out of the window, unless that has gone: napari lets go of it when it is closed."""
        window = getattr(self._viewer, "window", None)
        if self._dock is not None and window is not None and hasattr(window, "_qt_window"):
            window.remove_dock_widget(self._dock)

    def _open(self, text: QColor) -> bool:
        """Have the dock there and in sight; False where there is no window."""
        window = getattr(self._viewer, "window", None)
        if window is None:
            return False
        if self.panel is None:
            self.panel = self._make()
            self._dock = window.add_dock_widget(self.panel, name=self._name, area="bottom", tabify=True)
            self._dock.destroyed.connect(self._gone)
            self.set_colour(text)
        self._dock.show()
        return True

    def _make(self) -> Any:
        raise NotImplementedError

    def _gone(self, dock: Any = None) -> None:
        self.panel = self._dock = None
