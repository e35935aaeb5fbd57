"""Three planes beside each other: napari's canvas and, in a dock below, the other two, linked by a cross-hair.

The place is that of napari's sliders, which it keeps for all three axes; so whatever moves them moves the cross-hair.
The other planes are painted from the arrays of the layers (see `orthoslice`): a second canvas would take more time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer

from .display import PLANES, Display
from .layers import CaseLayers
from .orthoslice import DEPTH, Sheet, paint_plane
from .planes import go_through, shown_plane, voxel_shown
from .window_drag import PlacePointer

if TYPE_CHECKING:
    from .panels.ortho import OrthoPanel, PlaneView

#: What a layer says when it looks different.
TELLS = (
    "visible", "opacity", "contrast_limits", "colormap", "contour", "blending", "gamma",
    "paint", "labels_update", "data", "set_data", "inserted", "removed", "reordered",
)  # fmt: skip


class OrthoDock:
    """Shows the other planes, if the viewer has a window.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
    layers : CaseLayers
    on_toggle : callable
        Told whether the planes are shown.
    """

    def __init__(self, viewer: Any, layers: CaseLayers, on_toggle: Callable[[bool], None]) -> None:
        self.panel: OrthoPanel | None = None
        self._viewer, self._layers, self._on_toggle = viewer, layers, on_toggle
        self._dock: Any = None
        self._soon = QTimer()
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.draw)
        self._events = (viewer.dims.events.point, viewer.dims.events.order, viewer.dims.events.ndisplay)
        self._listening = False
        self._pointer = PlacePointer(viewer, lambda: self.is_open and self._volume() is not None, self._go)

    @property
    def is_open(self) -> bool:
        """Whether the planes are on the screen."""
        return self.panel is not None and self._listening

    def toggle(self) -> None:
        """Show the other planes, or hide them."""
        if self.is_open:
            self.hide()
        else:
            self.show()

    def hide(self) -> None:
        """Take the dock off the screen, until it is wanted again."""
        if self.is_open:
            self._dock.hide()

    def show(self) -> None:
        """Open the dock."""
        window = getattr(self._viewer, "window", None)
        if window is None:
            return
        if self.panel is None:
            self.panel = self.make_panel()
            self._dock = window.add_dock_widget(self.panel, name="MedSSL planes", area="bottom")
            self._dock.destroyed.connect(self._gone)
            self._dock.visibilityChanged.connect(self._seen)
        self._dock.show()
        self._dock.raise_()

    def make_panel(self) -> OrthoPanel:
        """A panel that does what it is told."""
        from .panels.ortho import OrthoPanel

        panel = OrthoPanel(tuple(PLANES))
        panel.pointed.connect(self.point)
        panel.stepped.connect(self.step)
        return panel

    def close(self) -> None:
        """Take the dock out of the window, and let go of the viewer."""
        self._on_toggle = lambda shown: None  # whom it told may be gone before the dock
        self._pointer.close()
        self._soon.stop()
        self._listen(False)
        if self._dock is not None:
            self._viewer.window.remove_dock_widget(self._dock)

    # --- what people do

    def point(self, plane: str, row: int, column: int) -> None:
        """Go to a pixel of a plane, in all planes."""
        display = self._volume()
        if display is None:
            return
        voxel = voxel_shown(self._viewer, display)
        _, down, right = PLANES[plane]
        voxel[down], voxel[right] = row, column
        go_through(self._viewer, display, voxel)

    def step(self, plane: str, slices: int) -> None:
        """Go through the slices of a plane."""
        display = self._volume()
        if display is None:
            return
        voxel = voxel_shown(self._viewer, display)
        across = PLANES[plane][0]
        voxel[across] = min(max(voxel[across] + slices, 0), display.shape[across] - 1)
        go_through(self._viewer, display, voxel)

    # --- what is shown

    def draw(self) -> None:
        """Paint the planes that are not on napari's canvas, and put the cross-hair on it."""
        if self.panel is None or not self._listening:
            return
        self.panel.draw(self.views())
        display = self._volume()
        if display is not None:
            self._layers.cross.show(voxel_shown(self._viewer, display))

    def views(self) -> dict[str, PlaneView]:
        """The planes to show, by name; all three when napari's canvas shows none of them."""
        display = self._volume()
        if display is None:
            return {}
        on_canvas = shown_plane(self._viewer) if self._viewer.dims.ndisplay == 2 else None
        voxel, sheets = voxel_shown(self._viewer, display), read_sheets(self._viewer.layers, display)
        return {name: _view(name, display, voxel, sheets) for name in PLANES if name != on_canvas}

    # --- within

    def _go(self, place: np.ndarray) -> None:
        """To a place of the world."""
        display = self._volume()
        if display is not None:
            at = zip(place[-3:], display.translate, display.scale, display.shape, strict=True)
            voxel = [min(max(round((mm - start) / size), 0), count - 1) for mm, start, size, count in at]
            go_through(self._viewer, display, voxel)

    def _volume(self) -> Display | None:
        display = self._layers.display()
        return display if display is not None and len(display.shape) == 3 == self._viewer.dims.ndim else None

    def _listen(self, on: bool) -> None:
        if on == self._listening:
            return
        self._listening = on
        for event in self._events:
            (event.connect if on else event.disconnect)(self._later)
        every = self._viewer.layers.events  # tells what each layer tells, too
        (every.connect if on else every.disconnect)(self._told)
        if not on:
            self._layers.cross.hide()

    def _told(self, event: Any) -> None:
        if event.type in TELLS and not self._layers.cross.is_layer(event.source):
            self._later()

    def _later(self, event: Any = None) -> None:
        """Once for all that happens at the same time."""
        if not self._soon.isActive():
            self._soon.start(0)

    def _seen(self, visible: bool) -> None:
        """The dock came on the screen or went, also by its own cross."""
        shown = self._dock is not None and not self._dock.isHidden()
        self._listen(shown)
        if shown:
            self._later()
        self._on_toggle(shown)

    def _gone(self, dock: Any = None) -> None:
        """The dock is no more; before, it went from the screen. With the window, whom to tell may have gone first."""
        self._listen(False)
        self.panel = self._dock = None


def read_sheets(layers: Any, display: Display) -> tuple[Sheet, ...]:
    """What is visible of our layers, lowest first."""
    found = []
    for layer in layers:
        data = layer.data
        ours = layer.visible and "medssl" in layer.metadata and hasattr(layer, "colormap")
        if not ours or not isinstance(data, np.ndarray) or data.shape[:3] != display.shape:
            continue
        if hasattr(layer, "contour"):
            table = label_table(layer.colormap, layer.opacity)
            found.append(Sheet(data, table, contour=int(layer.contour)))
        else:
            table = (np.asarray(layer.colormap.map(np.linspace(0, 1, DEPTH))) * 255).astype(np.uint8)
            table[:, 3] = (table[:, 3] * layer.opacity).astype(np.uint8)
            low, high = (float(limit) for limit in layer.contrast_limits) if data.ndim == 3 else (0.0, 1.0)
            found.append(Sheet(data, table, (low, high), added=str(layer.blending) == "additive"))
    return tuple(found)


def label_table(colormap: Any, opacity: float) -> np.ndarray:
    """Colours of all 256 labels, as napari shows them."""
    table = np.zeros((DEPTH, 4), np.float32)
    table[:] = colormap.color_dict[None]
    for value, colour in colormap.color_dict.items():
        if value is not None:
            table[value] = colour
    table[:, 3] *= opacity
    return np.asarray(table * 255 + 0.5, np.uint8)


def _view(name: str, display: Display, voxel: list[int], sheets: tuple[Sheet, ...]) -> PlaneView:
    from .panels.ortho import PlaneView

    across, down, right = PLANES[name]
    size = (display.shape[down], display.shape[right])
    return PlaneView(
        picture=paint_plane(sheets, across, voxel[across], size),
        pixel=(display.scale[down], display.scale[right]),
        cross=(voxel[down], voxel[right]),
        letters=display.letters(np.eye(3)[right], -np.eye(3)[down]),
        text=f"{name.capitalize()} {voxel[across] + 1} / {display.shape[across]}",
    )
