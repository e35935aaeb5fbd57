"""Boxes for numbers: the only ones there are, so that each reads a comma as it reads a point, in every locale."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QLocale, QSignalBlocker
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QSizePolicy, QSpinBox

from ..numbers import may_become_number, number_text, read_number
from .parts import named
from .wheel import calm

FURTHEST = 1e9
DIGITS = 10  # after the point, that are kept


class _Reading:
    """What both kinds of boxes make of words; goes before a spin box of Qt."""

    def validate(self: Any, words: str, at: int) -> tuple[QValidator.State, str, int]:
        """What is no number (yet)."""
        if words == self.specialValueText() != "" or self._number(words) is not None:
            return QValidator.State.Acceptable, words, at
        state = QValidator.State
        return state.Intermediate if may_become_number(self._bare(words)) else state.Invalid, words, at

    def valueFromText(self: Any, words: str) -> Any:
        """The number that was typed; the one that is there where its own words were left as they are."""
        now = self.value()
        if self._bare(words) == self.textFromValue(now):  # it may be shown in fewer digits than it has
            return now
        value = self._number(words)
        return self.minimum() if value is None else min(max(value, self.minimum()), self.maximum())

    def _number(self: Any, words: str) -> float | None:
        return read_number(self._bare(words))

    def _bare(self: Any, words: str) -> str:
        return words.removeprefix(self.prefix()).removesuffix(self.suffix())

    def say_at_least(self: Any, words: str) -> None:
        """What is shown instead of the smallest value; what somebody is typing stays."""
        if words == self.specialValueText():
            return
        edit = self.lineEdit()
        typed, at = edit.text() if edit.isModified() else None, edit.cursorPosition()
        self.setSpecialValueText(words)
        if typed is not None:
            with QSignalBlocker(edit):
                edit.setText(typed)
                edit.setCursorPosition(at)
                edit.setModified(True)


class NumberBox(_Reading, QDoubleSpinBox):
    """A box for a number that may have a fraction; it is shown in as few digits as say it.

    Parameters
    ----------
    name, tip : str
    low, high : float
    """

    def __init__(self, name: str, tip: str, low: float = -FURTHEST, high: float = FURTHEST) -> None:
        super().__init__()
        self.setLocale(QLocale.c())
        self.setDecimals(DIGITS)
        self.setRange(low, high)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)  # a number that is half typed is none
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # its widest is no reason to widen
        calm(named(self, name, tip))

    def textFromValue(self, value: float) -> str:
        """As few digits as say it."""
        return number_text(value, self.decimals())


class WholeBox(_Reading, QSpinBox):
    """A box for a whole number."""

    def __init__(self, name: str, tip: str, low: int, high: int) -> None:
        super().__init__()
        self.setLocale(QLocale.c())
        self.setRange(low, high)
        calm(named(self, name, tip))

    def textFromValue(self, value: int) -> str:
        """Without marks between digits."""
        return str(value)

    def _number(self, words: str) -> int | None:
        value = read_number(self._bare(words))
        return None if value is None or value != int(value) else int(value)
