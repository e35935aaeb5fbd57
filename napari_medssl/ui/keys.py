"""Keys: Alt and a letter, which napari leaves free. Bound on the viewer, given back when the widget closes.

A drop-down or a list in the dock would take the letter for itself, so the dock has them as shortcuts of its own, too.

Not F, V, L, P, W, H: with Alt these open napari's menus; nor S, C, T: napari takes pictures with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget


def bind(viewer: Any, keys: Mapping[str, Callable[[], None]]) -> list[str]:
    """Bind keys that nobody has; returns those that were free."""
    bound = []
    for key, action in keys.items():
        if key_taken(viewer, key):
            continue  # another plugin's: its owner keeps it, the buttons still work

        def press(viewer: Any, action: Callable[[], None] = action) -> None:
            action()

        viewer.bind_key(key, press, overwrite=False)
        bound.append(key)
    return bound


def bind_within(dock: QWidget, keys: Mapping[str, Callable[[], None]], bound: list[str]) -> None:
    """Let the keys that could be bound work while the keyboard is in the dock, too; they go with it."""
    for key in bound:
        shortcut = QShortcut(QKeySequence(key.replace("-", "+")), dock)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(keys[key])


def release(viewer: Any, keys: list[str]) -> None:
    """Give keys back."""
    for key in keys:
        viewer.bind_key(key, None)


def key_taken(viewer: Any, key: str) -> bool:
    """Whether the viewer has a binding for this key."""
    from napari.utils.key_bindings import coerce_keybinding

    return coerce_keybinding(key) in viewer.keymap
