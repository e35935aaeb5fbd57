"""The case list in words: what stands in each column, what it is sorted by, what it is found by. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from ..project import Refused
from ..project.names import natural_key
from .casefacts import CaseFacts, last_of
from .windowwords import in_window

_natural = lru_cache(maxsize=1 << 15)(natural_key)  # names are sorted by again and again

Column = Literal["case", "status", "doubt", "seen", "patient", "model", "minutes", "comment"]
Action = Literal[
    "open", "flag", "unflag", "comment", "history", "exclude", "include", "audit", "again", "forget"
]  # what may be asked of lines

#: status: what the list says, in the order that it sorts by
STATUS_ORDER = ("proposed", "draft", "new", "labelled", "excluded", "missing", "unreadable", "refused")


@dataclass(frozen=True)
class Heading:
    """A column: its title, what it tells, whether it is shown unasked."""

    title: str
    tip: str
    shown: bool = False


HEADINGS: dict[Column, Heading] = {
    "case": Heading("Case", "The name of the case. Double-click to open it.", True),
    "status": Heading("Status", "What has been done with the case.", True),
    "doubt": Heading("Doubt", "Expected error of the proposal to show: 0 is sure, 1 is a guess.", True),
    "seen": Heading("Labelled", "Part of the scan that somebody looked at. 100 % where the case is complete."),
    "patient": Heading("Patient", "Whose scan it is."),
    "model": Heading("Proposal of", "The run whose proposal is shown."),
    "minutes": Heading("Minutes", "Time spent drawing on it, over all its saves."),
    "comment": Heading("Comment", "⚑ marks a case to come back to; then what was written about it."),
}
COLUMNS: tuple[Column, ...] = tuple(HEADINGS)


@dataclass(frozen=True)
class Line:
    """One line of the list: a case, or a file that was not taken.

    `key` is the case's name, or the file's path.
    """

    key: str
    case: CaseFacts
    refused: bool = False


@dataclass(frozen=True)
class Continue:
    """The case to go on with, and the words for it."""

    case: str
    words: str
    why: str


def lines(cases: Sequence[CaseFacts], refused: Sequence[Refused]) -> list[Line]:
    """All lines, cases first."""
    files = (
        Line(one.path, CaseFacts(_file_name(one.path), "refused", note=in_window(one.reason), comment=""), True)
        for one in refused
    )
    return [*(Line(case.name, case) for case in cases), *files]


def cell(case: CaseFacts, column: Column, statuses: Callable[[str], str]) -> str:
    """What stands in a column."""
    match column:
        case "case":
            return case.name
        case "status":
            return statuses(case.status) + (" · audit" if case.audit else "")
        case "doubt":
            return "" if case.score is None else f"{case.score:.2f}"
        case "seen":
            return "" if case.seen is None else share_text(case.seen)
        case "patient":
            return case.patient
        case "model":
            return case.run or ""
        case "minutes":
            return "" if not case.minutes else f"{case.minutes:.0f}" if case.minutes >= 9.5 else f"{case.minutes:.1f}"
        case "comment":
            return " ".join(part for part in ("⚑" if case.flagged else "", case.comment) if part)


def share_text(share: float) -> str:
    """A share in per cent that says 0 and 100 only where it is so."""
    if 0 < share < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")


def sort_key(column: Column) -> Callable[[Line], Any]:
    """What lines are sorted by; lines that say nothing in the column come first when it ascends."""
    keys: dict[Column, Callable[[CaseFacts], Any]] = {
        "case": lambda case: (),
        "status": lambda case: STATUS_ORDER.index(case.status) if case.status in STATUS_ORDER else 99,
        "doubt": lambda case: -1.0 if case.score is None else case.score,
        "seen": lambda case: -1.0 if case.seen is None else case.seen,
        "patient": lambda case: _natural(case.patient),
        "model": lambda case: _natural(case.run or ""),
        "minutes": lambda case: case.minutes,
        "comment": lambda case: (not case.flagged, not case.comment, case.comment.casefold()),
    }
    key = keys[column]
    return lambda line: (key(line.case), _natural(line.case.name))


def matches(line: Line, words: str, status: str) -> bool:
    """Whether a line is of the wanted status (any where empty) and holds all the words (in name, patient, comment)."""
    case = line.case
    if status == "flagged":
        wanted = case.flagged
    elif status == "unusable":
        wanted = case.status in ("missing", "unreadable", "refused")
    else:
        wanted = not status or case.status == status
    if not wanted:
        return False
    if not words:
        return True
    text = f"{case.name}\n{case.patient}\n{case.comment}\n{case.note}".casefold()
    return all(word in text for word in words.casefold().split())


def tip(line: Line, statuses: Callable[[str], str]) -> list[str]:
    """All that is known of a line, for a tooltip and for screen readers."""
    case = line.case
    told = [f"{case.name}: {cell(case, 'status', statuses)}"]
    told += (
        [f"Doubt {case.score:.2f}, by {case.run}" if case.run else f"Doubt {case.score:.2f}"]
        if (case.score is not None)
        else []
    )
    told += [f"{share_text(case.seen)} looked at"] if case.seen is not None else []
    told += [f"Patient {case.patient}"] if case.patient and case.patient != case.name else []
    told += [f"{cell(case, 'minutes', statuses)} minutes"] if case.minutes else []
    told += ["Flagged"] if case.flagged else []
    told += [case.comment] if case.comment else []
    return told + ([case.note] if case.note else [])


def possible(chosen: Sequence[Line], frozen: bool) -> dict[Action, str]:
    """What can be asked of the chosen lines: the action, and why not where it cannot be now ("" where it can).

    Parameters
    ----------
    chosen : sequence of Line
    frozen : bool
        The audit set is fixed already.
    """
    cases = [line.case for line in chosen if not line.refused]
    files = [line for line in chosen if line.refused]
    able: dict[Action, str] = {}
    if files and not cases:
        return {"again": "", "forget": ""}
    if not cases:
        return {}
    if len(cases) == 1:
        able["open"] = ""
    able["unflag" if all(case.flagged for case in cases) else "flag"] = ""
    if len(cases) == 1:
        able["comment"] = able["history"] = ""
    statuses = {case.status for case in cases}
    if statuses == {"excluded"}:
        able["include"] = ""
    elif "excluded" not in statuses:
        able["exclude"] = ""
    if statuses & {"missing", "unreadable"}:
        able["again"] = ""
    able["audit"] = "The audit set is fixed already: all models are to be measured alike." if frozen else ""
    return able


def continue_with(cases: Sequence[CaseFacts], author: str, suggested: str | None, why: str) -> Continue | None:
    """What a person goes on with who opens the project: the draft that was drawn on last, else what is suggested."""
    last = last_of(author, cases)
    if last is not None and last.status == "draft":
        return Continue(last.name, f"Continue with {last.name}", "You drew on it last; it is not marked as complete.")
    if suggested is None:
        return None
    said = f"You completed {last.name} last. Next: {why}." if last is not None else f"Suggested: {why}."
    return Continue(suggested, f"{'Continue' if last is not None else 'Begin'} with {suggested}", said)


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
