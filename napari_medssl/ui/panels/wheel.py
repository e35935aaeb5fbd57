"""The mouse wheel scrolls pages; it never changes what somebody chose and only passes over."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt


class _Calm(QObject):
    """Lets the wheel through to one control only from a click on it until the pointer, or the keyboard, goes away."""

    def __init__(self, control: Any) -> None:
        super().__init__(control)
        self._clicked = False
        control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel
        control.installEventFilter(self)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """A wheel that is not meant for the control is its page's."""
        kind = event.type()
        if kind == QEvent.Type.FocusIn:
            self._clicked = event.reason() == Qt.FocusReason.MouseFocusReason
        elif kind == QEvent.Type.MouseButtonPress:
            self._clicked = True
        elif kind in (QEvent.Type.FocusOut, QEvent.Type.Leave):
            self._clicked = False
        elif kind == QEvent.Type.Wheel and not (self._clicked and watched.hasFocus()):
            event.ignore()  # so that Qt offers it to what the control lies in
            return True
        return False


def calm(control: Any) -> Any:
    """Keep the wheel from a drop-down, a box for numbers, a slider or tabs that nobody clicked into; returns it."""
    _Calm(control)
    return control
