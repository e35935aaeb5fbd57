"""What the values of a layer are that becomes labels, and what a scan is called that has no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtWidgets import QDialog, QInputDialog, QVBoxLayout, QWidget

from ..facts import ClassFacts
from .parts import answers, enable, plain, text
from .value_table import ValueTable


class LayerDialog(QDialog):
    """Accepted with `meaning()`: what each value of a layer becomes.

    Parameters
    ----------
    counts : mapping of int to int
        Voxels of each value.
    guessed : mapping of int to int or None
        What each is, to begin with; None: it is left out.
    """

    def __init__(
        self,
        case: str,
        layer: str,
        counts: Mapping[int, int],
        guessed: Mapping[int, int | None],
        classes: Sequence[ClassFacts],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Use a layer as labels")
        self.setMinimumWidth(420)
        self.values = ValueTable(classes, f"What is drawn on “{layer}”?", "leave out", unseen=False)
        self.values.add(list(counts), counts)
        for value, meaning in guessed.items():
            self.values.choose(value, meaning)
        self.values.changed.connect(self._able)
        yes = ("Use as labels", f"It becomes a draft of {case}, as one step of undo.")
        box, self.ok = answers(self, yes, ("Cancel", "Change nothing."))
        layout = QVBoxLayout(self)
        layout.addWidget(text(f"Labels of {case}. What the layer leaves empty stays as it is."))
        layout.addWidget(self.values)
        layout.addWidget(box)
        self._able()

    def meaning(self) -> dict[int, int]:
        """What its values become; others are left out."""
        return self.values.mapping()

    def _able(self) -> None:
        assert self.ok is not None
        enable(self.ok, bool(self.meaning()))


def ask_name(parent: QWidget, layer: str) -> str | None:
    """What a scan is to be called that has no file; None: it is not to be added."""
    words = f"“{layer}” has no file of its own: it is written into the folder of the project. What is the case called?"
    name, yes = QInputDialog.getText(parent, "Add as a case", plain(words), text=layer)
    return str(name).strip() or None if yes else None
