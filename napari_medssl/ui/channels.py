"""The scan itself on the screen: its channels, which of them are visible, in which colours and windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .loading import ShownCase
from .making import make_images
from .stack import LayerStack
from .window_level import Window, Wish, dragged, first_window, fulfil, is_ct, make_wish, matching

if TYPE_CHECKING:
    from napari.layers import Image

# Of several channels that are seen at once; told apart with every kind of colour vision, and together they are white.
MIXED = ("magenta", "green", "cyan", "yellow", "bop orange", "blue")


@dataclass(frozen=True)
class ChannelLook:
    """A channel: visible or not, and the name of its colour where several are mixed."""

    name: str
    visible: bool
    colour: str = ""


@dataclass(frozen=True)
class ViewLook:
    """How the scan looks. `presets` are (name, title); `window` is that of the channel `chosen`, `usual` its usual one.

    Without a window (no case, or a colour image) `window` is None.
    """

    channels: tuple[ChannelLook, ...] = ()
    chosen: str = ""
    presets: tuple[tuple[str, str], ...] = ()
    preset: str = ""
    window: Window | None = None
    usual: Window | None = None
    is_ct: bool = False
    has_case: bool = False


class Channels:
    """The image layers of the case on the screen; what was chosen stays so for the next case of the same kind.

    Attributes
    ----------
    on_change : callable
        Called when anything of it looks different, also through napari's own controls.
    """

    def __init__(self, stack: LayerStack) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._stack = stack
        self._layers: dict[str, Image] = {}
        self._presets: dict[str, tuple[Window, ...]] = {}
        self._wishes: dict[tuple[str, bool], Wish] = {}
        self._wanted: tuple[str, ...] = ()  # the channels that were visible in the case before
        self._chosen = ""
        self._quiet = False

    def show(self, case: ShownCase) -> None:
        """Put the channels of a case on the screen, as those of the case before were looked at."""
        self.clear()
        self._presets = {one.name: one.presets for one in case.channels if one.presets and not case.rgb}
        names = [one.name for one in case.channels]
        visible = [name for name in self._wanted if name in names] or names[:1]
        self._chosen = self._chosen if self._chosen in visible else visible[-1]
        for image, said in make_images(case):
            self._stack.add(image, "image", said)
            if "channel" in said:
                self._layers[said["channel"]] = image
                image.visible = said["channel"] in visible
        for name, presets in self._presets.items():
            wish = self._wishes.get((name, is_ct(presets)))
            begin = first_window(presets) if wish is None else fulfil(wish, presets)
            if wish is not None or begin is not presets[0]:
                self._set(name, begin)
        self._dress()
        for layer in self._layers.values():
            for event in (layer.events.contrast_limits, layer.events.visible):
                event.connect(self._changed)
        self.on_change()

    def clear(self) -> None:
        """The layers are gone, or about to go."""
        for layer in self._layers.values():
            layer.events.contrast_limits.disconnect(self._changed)
            layer.events.visible.disconnect(self._changed)
        self._layers, self._presets = {}, {}
        self.on_change()

    def begin_anew(self) -> None:
        """Another project: what was chosen for scans of the one before means nothing here."""
        self._wishes, self._wanted, self._chosen = {}, (), ""
        self.on_change()

    def forget(self, layer: Any) -> None:
        """The person removed a layer."""
        self._layers = {name: kept for name, kept in self._layers.items() if kept is not layer}
        self.on_change()

    # --- what people choose

    def choose(self, name: str) -> None:
        """The window that is changed is this channel's from now on."""
        if name in self._layers:
            self._chosen = name
            self.on_change()

    def set_visible(self, names: Iterable[str]) -> None:
        """Show these channels and no others: one in grey, several in colours, mixed."""
        wanted = set(names)
        before = {name for name, layer in self._layers.items() if layer.visible}
        new = [name for name in self._layers if name in wanted - before]
        self._wanted = tuple(name for name in self._layers if name in wanted)
        self._quiet = True
        for name, layer in self._layers.items():
            layer.visible = name in wanted
        self._quiet = False
        if new:
            self._chosen = new[-1]
        elif self._chosen not in wanted and self._wanted:
            self._chosen = self._wanted[-1]
        self._dress()
        self.on_change()

    def set_preset(self, name: str) -> None:
        """Look through this preset."""
        found = next((one for one in self._presets.get(self._chosen, ()) if one.name == name), None)
        if found is not None:
            self.set_window(found)

    def set_window(self, window: Window) -> None:
        """Look through this window, in this case and the next one of its kind."""
        if self._chosen in self._layers and window.width > 0:
            self._set(self._chosen, window)

    def window(self) -> Window | None:
        """The window in hand; None without one, as with colour images."""
        layer = self._layers.get(self._chosen)
        if layer is None or self._chosen not in self._presets:
            return None
        low, high = (float(limit) for limit in layer.contrast_limits)
        return Window(low, high)

    def drag(self, begin: Window, right: float, down: float) -> None:
        """The window was `begin` when a drag began, which has come so many pixels to the right and down."""
        if self._chosen in self._presets:
            self.set_window(dragged(begin, right, down, self._presets[self._chosen][0]))

    def look(self) -> ViewLook:
        """How the scan looks now."""
        several = sum(layer.visible for layer in self._layers.values()) > 1
        shown = tuple(
            ChannelLook(name, bool(layer.visible), str(layer.colormap.name) if several and layer.visible else "")
            for name, layer in self._layers.items()
        )
        presets, window = self._presets.get(self._chosen, ()), self.window()
        preset = None if window is None else matching(window, presets)
        return ViewLook(
            channels=shown,
            chosen=self._chosen if self._layers else "",
            presets=tuple((one.name, one.title) for one in presets),
            preset="" if preset is None else preset.name,
            window=window,
            usual=presets[0] if presets else None,
            is_ct=is_ct(presets),
            has_case=self._stack.case is not None,
        )

    # --- within

    def _set(self, name: str, window: Window) -> None:
        self._layers[name].contrast_limits = (window.low, window.high)

    def _dress(self) -> None:
        """One channel is grey; several have colours that add up."""
        shown = [layer for layer in self._layers.values() if layer.visible]
        several = len(shown) > 1
        for number, layer in enumerate(shown):
            layer.colormap = MIXED[number % len(MIXED)] if several else "gray"
            # what is added to nothing is the lowest one's own
            layer.blending = "additive" if several and number else "translucent"

    def _changed(self, event: Any = None) -> None:
        """Also by napari's own sliders: what is seen is what is carried on."""
        if self._quiet:
            return
        for name, layer in self._layers.items():
            low, high = (float(limit) for limit in layer.contrast_limits)
            presets = self._presets.get(name)
            if presets and high > low:
                self._wishes[name, is_ct(presets)] = make_wish(Window(low, high), presets)
        visible = tuple(name for name, layer in self._layers.items() if layer.visible)
        if visible and visible != self._wanted:
            self._wanted = visible
            self._dress()
        self.on_change()
