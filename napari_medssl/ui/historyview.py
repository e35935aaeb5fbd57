"""The label revisions of a case in words, newest first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..project import Revision

HEADS = ("Saved", "By", "State", "How", "Minutes", "Note")
_HOW = {"drawn": "drawn", "accepted": "accepted as proposed", "corrected": "corrected", "imported": "imported"}


@dataclass(frozen=True)
class HistoryLine:
    """One revision: its cells in the order of `HEADS`, and whether it is the one that counts."""

    revision: str
    cells: tuple[str, ...]
    counts: bool


@dataclass(frozen=True)
class History:
    """All revisions of a case that can be read, newest first; `newest` is the id of the one that counts."""

    case: str
    lines: tuple[HistoryLine, ...]
    newest: str | None


def history_of(case: str, revisions: Sequence[Revision], newest: str | None) -> History:
    """What to show of a case's revisions, given oldest first."""
    return History(case, tuple(_line(one, one.id == newest) for one in reversed(revisions)), newest)


def _line(revision: Revision, counts: bool) -> HistoryLine:
    when = datetime.fromisoformat(revision.time).astimezone()
    state = "kept beside" if revision.beside else "complete" if revision.complete else "draft"
    how = _HOW.get(revision.origin, revision.origin)
    if revision.run and revision.origin != "drawn":
        how += f", {revision.run}"
    cells = (
        f"{when:%Y-%m-%d %H:%M}",
        revision.author or "not known",
        f"{state} · counts" if counts else state,
        how,
        f"{revision.minutes:.1f}" if revision.minutes else "",
        revision.note,
    )
    return HistoryLine(revision.id, cells, counts)
