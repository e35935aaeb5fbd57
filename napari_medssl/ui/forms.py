"""Forms made from the options of a method: the metadata of the dataclass fields says title, help, range and unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

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
        from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

        self.cls = cls
        self._fields = sorted(dataclasses.fields(cls), key=lambda f: bool(f.metadata["advanced"]))
        self._usual = {f.name: f.default for f in self._fields} | dict(usual or {})
        self._widgets = {f.name: _widget(f, self._usual[f.name]) for f in self._fields}
        # As the widgets show the defaults: a spin box rounds 2/3 to 0.667, and that is no change.
        self._untouched = {name: widget.value for name, widget in self._widgets.items()}
        self.native = QWidget()
        layout = QGridLayout(self.native)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.setColumnStretch(0, 3)
        layout.setColumnStretch(1, 2)
        for row, field in enumerate(self._fields):
            label, widget = QLabel(_title(field)), self._widgets[field.name].native
            label.setWordWrap(True)  # so that a narrow dock holds it
            label.setToolTip(self._widgets[field.name].tooltip)
            widget.setMinimumWidth(NARROWEST)
            layout.addWidget(label, row, 0)
            layout.addWidget(widget, row, 1)

    def value(self) -> dict[str, Any]:
        """What differs from what is usual, by option name; what cannot be read as a value, as it was typed."""
        now = {name: _value(widget) for name, widget in self._widgets.items()}
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


def _value(widget: Any) -> Any:
    try:
        return widget.value
    except (ValueError, SyntaxError):  # half typed
        return str(widget.native.text())


def _widget(field: dataclasses.Field[Any], default: Any) -> Any:
    from magicgui.widgets import create_widget

    meta = field.metadata
    options: dict[str, Any] = {"tooltip": _tip(field, default)}
    kind: str | None = None
    digits = 0
    if meta["choices"]:
        kind, options["choices"] = "ComboBox", list(meta["choices"])
    elif isinstance(default, bool):
        kind = "CheckBox"
    elif isinstance(default, int):
        kind = "SpinBox"
        options |= {"min": int(_or(meta["low"], 0)), "max": int(_or(meta["high"], 10**6))}
    elif isinstance(default, float):
        # Learning rates and decays span decades: text with a check beats a spin box that shows 0.00.
        if 0 < abs(default) < 1e-3 or (_or(meta["low"], 0) < 1e-3 < _or(meta["high"], 1) and default < 0.05):
            kind = "LiteralEvalLineEdit"
        else:
            kind = "FloatSpinBox"
            low, high = float(_or(meta["low"], -1e6)), float(_or(meta["high"], 1e6))
            options |= {"min": low, "max": high, "step": max((high - low) / 100, 1e-4) if high - low < 10 else 1.0}
            digits = max(2, *(_digits(value) for value in (low, high, default)))
    made = create_widget(
        value=default, name=field.name, widget_type=kind, options=options
    )  # fmt: skip
    if digits:
        made.native.setDecimals(digits)
        made.value = default
    if kind == "CheckBox":
        made.native.setText("")  # the label beside it says what it is
    made.native.setAccessibleName(meta["title"])
    made.native.setAccessibleDescription(meta["help"])
    return made


def _digits(value: float) -> int:
    """Digits after the point that it takes to write a number, 4 at most."""
    return next(digits for digits in range(5) if digits == 4 or round(value, digits) == value)


def _tip(field: dataclasses.Field[Any], default: Any) -> str:
    meta = field.metadata
    span = "" if meta["low"] is None and meta["high"] is None else f"\nFrom {meta['low']} to {meta['high']}."
    return f"{meta['help']}{span}\nUsually {default}."


def _or(value: Any, default: float) -> float:
    return default if value is None else float(value)
