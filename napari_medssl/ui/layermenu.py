"""Entries for other people's layers in napari's menus: the right click on a layer, and *Layers*."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

ENTRIES = (
    ("napari-medssl.use_as_labels", "MedSSL: use as labels of this case", "active_layer_type == 'labels'"),
    ("napari-medssl.add_as_case", "MedSSL: add as a case", "active_layer_type == 'image'"),
)
MENU = "napari/layers/context"
_offered: list[bool] = []  # once per process: the menu is napari's, not a viewer's


def offer() -> None:
    """Put the entries into the menu of a right click on a layer, where this napari lets us.

    A manifest cannot: of menus on layers, only those of the menu bar are open to it.
    """
    if _offered:
        return
    with suppress(ImportError, AttributeError, ValueError):
        from app_model.expressions import parse_expression
        from app_model.types import CommandRule, MenuItem
        from napari._app_model import get_app_model

        items = [
            (MENU, MenuItem(command=CommandRule(id=name, title=title), when=parse_expression(when), group="0_medssl"))
            for name, title, when in ENTRIES
        ]
        get_app_model().menus.append_menu_items(items)
        _offered.append(True)


def use_as_labels() -> None:
    """Make labels of the case on the screen of the layer in hand."""
    _use_in_hand("labels")


def add_as_case() -> None:
    """Make a case of the layer in hand."""
    _use_in_hand("case")


def _use_in_hand(what: str) -> None:
    import napari

    from . import wiring
    from .samples import dock_of

    viewer: Any = napari.current_viewer()
    if viewer is not None:
        layer = viewer.layers.selection.active
        dock = dock_of(viewer)
        viewer.layers.selection.active = layer
        wiring.handover.use_in_hand(dock, what)
