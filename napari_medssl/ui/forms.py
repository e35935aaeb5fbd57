"""Forms made from the options of a method: the metadata of the dataclass fields says title, help, range and unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from .numbers import read_number

NARROWEST = 90  # pixels of a control


class OptionsForm:
    """A form of one options class, made of magicgui widgets; what seldom changes comes last.

    Parameters
    ----------
    cls : type of Options, or of ToolOptions
    usual : mapping, optional
        Values where a person changes nothing; the defaults of `cls` where not given.
    """

    def __init__(self, cls: type[Any], usual: Mapping[str, Any] | None = None) -> None:
        from qtpy.QtWidgets import QGridLayout, QWidget

        from .panels.parts import label, plain

        self.cls = cls
        self._fields = sorted(dataclasses.fields(cls), key=lambda f: bool(f.metadata["advanced"]))
        self._usual = {f.name: f.default for f in self._fields} | dict(usual or {})
        self._widgets = {f.name: _widget(f, self._usual[f.name]) for f in self._fields}
        # As the widgets hold the defaults: a box for numbers rounds 2/3 at some digit, and that is no change.
        self._untouched = {name: widget.value for name, widget in self._widgets.items()}
        self.native = QWidget()
        layout = QGridLayout(self.native)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.setColumnStretch(0, 3)
        layout.setColumnStretch(1, 2)
        for row, field in enumerate(self._fields):
            title, widget = label(_title(field)), self._widgets[field.name].native
            title.setWordWrap(True)  # so that a narrow dock holds it
            title.setToolTip(plain(self._widgets[field.name].tooltip))
            widget.setMinimumWidth(NARROWEST)
            layout.addWidget(title, row, 0)
            layout.addWidget(widget, row, 1)

    def value(self) -> dict[str, Any]:
        """What differs from what is usual, by option name; what cannot be read as a value, as it was typed."""
        now = {name: widget.value for name, widget in self._widgets.items()}
        return {name: value for name, value in now.items() if value != self._untouched[name]}

    def set_value(self, settings: Mapping[str, Any]) -> None:
        """Show these settings; what is usual for the rest."""
        for name, widget in self._widgets.items():
            widget.value = settings.get(name, self._usual[name])

    def on_change(self, slot: Callable[[], None]) -> None:
        """Call `slot` whenever a person changes something."""
        for widget in self._widgets.values():
            widget.changed.connect(lambda *_: slot())


def _title(field: dataclasses.Field[Any]) -> str:
    title, unit = str(field.metadata["title"]), field.metadata["unit"]
    return f"{title} ({unit})" if unit and unit not in title.lower() else title


class _Box:
    """A box for numbers as magicgui's widgets are."""

    def __init__(self, native: Any, tooltip: str) -> None:
        self.native, self.tooltip = native, tooltip
        self.changed = native.valueChanged

    @property
    def value(self) -> Any:
        return self.native.value()

    @value.setter
    def value(self, value: Any) -> None:
        self.native.setValue(value)


class _Words:
    """A line for a number that spans decades; what is no number stays as it was typed."""

    def __init__(self, native: Any, tooltip: str) -> None:
        self.native, self.tooltip = native, tooltip
        self.changed = native.textChanged

    @property
    def value(self) -> Any:
        words = str(self.native.text())
        number = read_number(words)
        return words if number is None else number

    @value.setter
    def value(self, value: Any) -> None:
        self.native.setText(f"{value!r}" if isinstance(value, float) else str(value))


def _widget(field: dataclasses.Field[Any], default: Any) -> Any:
    from magicgui.widgets import create_widget
    from qtpy.QtWidgets import QLineEdit

    from .panels.number_box import NumberBox, WholeBox
    from .panels.parts import named, plain
    from .panels.wheel import calm

    meta, tip = field.metadata, _tip(field, default)
    low, high = meta["low"], meta["high"]
    made: Any
    if meta["choices"]:
        made = create_widget(
            value=default,
            name=field.name,
            widget_type="ComboBox",
            options={"choices": list(meta["choices"]), "tooltip": plain(tip)},
        )
        calm(made.native)
    elif isinstance(default, bool):
        made = create_widget(value=default, name=field.name, widget_type="CheckBox", options={"tooltip": plain(tip)})
        made.native.setText("")  # the label beside it says what it is
    elif isinstance(default, int):
        made = _Box(WholeBox(meta["title"], tip, int(_or(low, 0)), int(_or(high, 10**6))), tip)
    elif isinstance(default, float):
        # Learning rates and decays span decades: a line of text is better than steps that are never right.
        if 0 < abs(default) < 1e-3 or (_or(low, 0) < 1e-3 < _or(high, 1) and default < 0.05):
            made = _Words(named(QLineEdit(), meta["title"], tip), tip)
        else:
            made = _Box(NumberBox(meta["title"], tip, _or(low, -1e6), _or(high, 1e6)), tip)
    else:
        made = create_widget(value=default, name=field.name, options={"tooltip": plain(tip)})
    made.value = default
    made.native.setAccessibleName(meta["title"])
    made.native.setAccessibleDescription(meta["help"])
    return made


def _tip(field: dataclasses.Field[Any], default: Any) -> str:
    meta = field.metadata
    span = "" if meta["low"] is None and meta["high"] is None else f"\nFrom {meta['low']} to {meta['high']}."
    return f"{meta['help']}{span}\nUsually {default}."


def _or(value: Any, default: float) -> float:
    return default if value is None else float(value)
