"""Keys: Alt and a letter, which napari leaves free. Bound on the viewer, given back when the widget closes.

Not F, V, L, P, W, H: with Alt these open napari's menus; nor S, C, T: napari takes pictures with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


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


def release(viewer: Any, keys: list[str]) -> None:
    """Give keys back."""
    for key in keys:
        viewer.bind_key(key, None)


def key_taken(viewer: Any, key: str) -> bool:
    """Whether the viewer has a binding for this key."""
    from napari.utils.key_bindings import coerce_keybinding

    return coerce_keybinding(key) in viewer.keymap
