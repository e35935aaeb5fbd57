"""What values mean that no structure of the project has: a choice for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QWidget

from ...imaging import UNSEEN
from ..facts import ClassFacts
from ..questions import voxels_words
from .parts import combo, label, named, text

MOST = 12  # lines; an atlas may have hundreds of values
ALL = "All of them"


class ValueTable(QWidget):
    """A line for each value; `changed` when a person chose.

    Parameters
    ----------
    words : str
        What there is to choose about.
    leave : str
        What it means to choose nothing.
    unseen : bool
        Whether a value may mean *not looked at*.
    """

    changed = Signal()

    def __init__(
        self,
        classes: Sequence[ClassFacts],
        words: str,
        leave: str,
        parent: QWidget | None = None,
        *,
        unseen: bool = True,
    ) -> None:
        super().__init__(parent)
        self._choices: list[tuple[str, int | None]] = [
            (leave, None), *((one.name, one.value) for one in classes),
            ("background", 0), *([("not looked at", UNSEEN)] if unseen else []),
        ]  # fmt: skip
        self.boxes: dict[int, QComboBox] = {}
        self._rest: tuple[int, ...] = ()
        self.all: QComboBox | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(text(words), 0, 0, 1, 2)

    def add(self, values: Sequence[int], counts: Mapping[int, int] | None = None) -> None:
        """Ask about these values, too; with how many voxels have them, where that is known."""
        new = [value for value in values if value not in self.boxes and value not in self._rest]
        for value in new[: max(0, MOST - len(self.boxes))]:
            count = f" ({voxels_words(counts[value])})" if counts else ""
            self.boxes[value] = self._line(
                f"Value {value}{count}", f"What {value} is in the files.", len(self.boxes) + 1
            )
        self._rest += tuple(value for value in new if value not in self.boxes)
        if self.all is None and len(self.boxes) + len(self._rest) > 1:
            self.all = self._line(ALL, "What all of these values are, and those for which there is no line.", 0)

        if self.all is not None and self._rest:
            self._grid.itemAtPosition(1, 0).widget().setText(f"All {len(self.boxes) + len(self._rest)} values")

    def choose(self, value: int, meaning: int | None) -> None:
        """Choose what a value means; one that has no line of its own stays as it is."""
        if value in self.boxes:
            self.boxes[value].setCurrentIndex([one for _, one in self._choices].index(meaning))

    def mapping(self) -> dict[int, int]:
        """What was chosen, of those values for which something was."""
        chosen = {value: self._choices[box.currentIndex()][1] for value, box in self.boxes.items()}
        if self.all is not None:
            chosen |= dict.fromkeys(self._rest, self._choices[self.all.currentIndex()][1])
        return {value: meaning for value, meaning in chosen.items() if meaning is not None}

    def _line(self, words: str, tip: str, row: int) -> QComboBox:
        box = combo(words, tip)
        for name, _ in self._choices:
            box.addItem(name)
        box.activated.connect(lambda index: self._chosen(words == ALL, index))
        self._grid.addWidget(named(label(words), words, tip), row + 1, 0)
        self._grid.addWidget(box, row + 1, 1)
        return box

    def _chosen(self, for_all: bool, index: int) -> None:
        for box in self.boxes.values() if for_all else ():
            box.setCurrentIndex(index)
        self.changed.emit()
