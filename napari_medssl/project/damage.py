"""Files of a project that are not what was written: which, what is lost with them, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import DamagedFileError


@dataclass(frozen=True)
class Damage:
    """A file that cannot be read, or that is not where it should be.

    Attributes
    ----------
    path : Path
        The file.
    what : str
        What is wrong, as a clause.
    lost : str
        What is lost or does not count because of it, in a sentence.
    todo : str
        What to do, in a sentence.
    case, run : str
        Whose it is; "" where it is no case's, or no run's.
    is_gone : bool
        Whether it, or a part of it, is missed only because of a note that it was there (see `inventory`).
    """

    path: Path
    what: str
    lost: str
    todo: str
    case: str = ""
    run: str = ""
    is_gone: bool = False

    def __str__(self) -> str:
        """All of it in a line."""
        whose = f"Case {self.case}: " if self.case else f"Run {self.run}: " if self.run else ""
        return f"{whose}{self.path}: {self.what}. {self.lost} {self.todo}"


def damage_of(error: DamagedFileError, lost: str, *, case: str = "", run: str = "") -> Damage:
    """The damage that an error tells of."""
    todo = f"{error.remedy[:1].upper()}{error.remedy[1:]}."
    return Damage(error.path, error.rule, lost, todo, case, run)
