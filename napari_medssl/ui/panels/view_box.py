"""How the scan is looked at: window, channels, three planes."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..channels import ChannelLook, ViewLook
from ..icons import swatch
from ..window_level import Window, window_of
from .number_box import NumberBox
from .parts import button, checkbox, combo, enable, label, literal, show_text, text

DRAG = (
    "Drag over the scan with Shift and the right mouse button: to the sides for the window, up and down for the level."
)
OWN = "Window of your own"
COLOURS = {  # as napari names them
    "magenta": "#ff00ff",
    "green": "#00ff00",
    "cyan": "#00ffff",
    "yellow": "#ffff00",
    "bop orange": "#f8ad20",
    "blue": "#0000ff",
}
GREY = "#808080"


class ViewBox(QWidget):
    """The part "View" of a page; the pages' boxes all show the same."""

    preset_chosen = Signal(str)
    window_set = Signal(object)  # Window
    channels_chosen = Signal(object)  # tuple of names
    channel_taken = Signal(str)
    planes_toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.presets = combo("Window", f"Which values are black and which are white. {DRAG}")
        self.presets.activated.connect(lambda _: self._chosen(self.presets.currentData() or ""))
        self.planes = button(
            "Planes",
            "Show the other two planes beside this one, linked by a cross-hair. (Ctrl+Alt+X)",
            self.planes_toggled.emit,
            name="Planes beside each other",
        )
        self.planes.setCheckable(True)
        self.width_box = self._spin("Width of the window", f"How many values lie between black and white. {DRAG}")
        self.level_box = self._spin("Level of the window", f"The value in the middle between black and white. {DRAG}")
        self.channel = combo("Channel of the window", "Which channel the window belongs to.")
        self.channel.activated.connect(lambda _: self.channel_taken.emit(self.channel.currentData() or ""))
        self._unit, self._says = label(), text(faint=True)
        self._checks: list[QCheckBox] = []
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.presets, 1)
        first.addWidget(self.planes)
        for word, box in (("W", self.width_box), ("L", self.level_box)):
            letter = label(word)
            letter.setBuddy(box)
            second.addWidget(letter)
            second.addWidget(box, 1)
        second.addWidget(self._unit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(text("View", heading=True))
        layout.addLayout(first)
        layout.addLayout(second)
        layout.addLayout(self._grid)
        layout.addWidget(self.channel)
        layout.addWidget(self._says)
        self._drawn: ViewLook | None = None
        self.draw(ViewLook())

    def draw(self, look: ViewLook) -> None:
        """Show how the scan looks."""
        before, self._drawn = self._drawn, look
        if look == before:
            return
        if before is None or look.presets != before.presets:
            self.presets.clear()
            for name, title in look.presets:
                self.presets.addItem(title, name)
            if look.presets:
                self.presets.addItem(OWN, "")
        self.presets.setCurrentIndex(self.presets.findData(look.preset))
        for widget in (self.presets, self.width_box, self.level_box):
            enable(widget, look.window is not None)
        enable(self.planes, look.has_case)
        show_text(self._says, "A colour image is shown as it is." if look.has_case and look.window is None else "")
        self._unit.setText("HU" if look.is_ct else "")
        if look.window is not None and look.usual is not None:
            self._draw_window(look.window, look.usual)
        else:
            for box in (self.width_box, self.level_box):
                with QSignalBlocker(box):
                    box.clear()  # the figures of the scan before
        names = [one.name for one in look.channels]
        if before is None or names != [one.name for one in before.channels]:
            self._make_checks(names)
        self._draw_channels(look.channels, look.chosen)

    def show_planes(self, shown: bool) -> None:
        """Whether the other planes are on the screen."""
        self.planes.setChecked(shown)

    def _draw_window(self, window: Window, usual: Window) -> None:
        places = 0 if usual.width >= 50 else 1 if usual.width >= 5 else 2 if usual.width >= 0.5 else 5
        for box, value in ((self.width_box, window.width), (self.level_box, window.level)):
            with QSignalBlocker(box):
                box.setDecimals(places)
                box.setSingleStep(max(10.0**-places, round(usual.width / 50, places)))
                if not box.hasFocus() or abs(box.value() - value) > 10.0**-places:  # nobody's typing is disturbed
                    box.setValue(value)
        self.width_box.setMinimum(10.0**-places)

    def _make_checks(self, names: list[str]) -> None:
        for old in self._checks:
            self._grid.removeWidget(old)
            old.deleteLater()
        self._checks = []
        for number, name in enumerate(names if len(names) > 1 else []):
            made = checkbox(
                literal(name), f"Show the channel {name}. Several at once are mixed in colours; one alone is grey."
            )
            made.setSizePolicy(
                QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed
            )  # a long name is no reason to widen
            made.clicked.connect(lambda _: self._ticked())
            self._grid.addWidget(made, number // 2, number % 2)
            self._checks.append(made)

    def _draw_channels(self, channels: tuple[ChannelLook, ...], chosen: str) -> None:
        for check, one in zip(self._checks, channels, strict=False):
            check.setChecked(one.visible)
            check.setIcon(swatch(COLOURS.get(one.colour, GREY)))
        shown = [one.name for one in channels if one.visible]
        if [self.channel.itemData(row) for row in range(self.channel.count())] != shown:
            self.channel.clear()
            for name in shown:
                self.channel.addItem(f"Window of {name}", name)
        self.channel.setCurrentIndex(self.channel.findData(chosen))
        self.channel.setVisible(len(shown) > 1)

    def _ticked(self) -> None:
        assert self._drawn is not None
        pairs = zip(self._checks, self._drawn.channels, strict=True)
        self.channels_chosen.emit(tuple(one.name for check, one in pairs if check.isChecked()))

    def _chosen(self, name: str) -> None:
        if name:
            self.preset_chosen.emit(name)
        elif self._drawn is not None:  # one's own is what the boxes say; there is nothing to do
            self.presets.setCurrentIndex(self.presets.findData(self._drawn.preset))

    def _typed(self) -> None:
        self.window_set.emit(window_of(self.level_box.value(), self.width_box.value()))

    def _spin(self, name: str, tip: str) -> NumberBox:
        made = NumberBox(name, tip)
        made.setMinimumWidth(48)
        made.valueChanged.connect(lambda _: self._typed())
        return made
