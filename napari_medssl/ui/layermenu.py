"""Entries for other people's layers in napari's menus: the right click on a layer, and *Layers*."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

MENU = "napari/layers/context"
_offered: list[bool] = []  # once per process: the menu is napari's, not a viewer's


def offer() -> None:
    """Put the entries into the menu of a right click on a layer, where this napari lets us.

    A manifest cannot: of menus on layers, only those of the menu bar are open to it.
    """
    if _offered:
        return
    with suppress(ImportError, AttributeError, ValueError):
        from napari._app_model import get_app_model
        from napari._app_model.actions._layerlist_context_actions import LLSCK, Action

        for name, title, act, kind in (
            ("use_as_labels", "MedSSL: use as labels of this case", use_as_labels, "labels"),
            ("add_as_case", "MedSSL: add as a case", add_as_case, "image"),
        ):
            rule = {"id": MENU, "when": LLSCK.active_layer_type == kind, "group": "0_medssl"}
            get_app_model().register_action(
                Action(id=f"napari-medssl.layer.{name}", title=title, callback=act, menus=[rule])
            )
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
