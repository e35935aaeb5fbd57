"""What an import of labels would do, and did, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..imaging import UNSEEN
from ..project import ImportReport, LabelPlan, PlannedLabels
from .facts import ClassFacts
from .questions import voxels_words
from .windowwords import in_window

NOW = {"": "no labels", "draft": "a draft", "labelled": "labels"}
BELOW = "below"  # the list stands above the table of values
SHOWN = 3  # reasons in a message


@dataclass(frozen=True)
class CaseLine:
    """A case that would get labels: its name, what it has now, what they show, their files, and all there is to say."""

    case: str
    now: str
    shows: str
    files: str
    details: str
    ticked: bool


def case_lines(plan: LabelPlan, classes: Sequence[ClassFacts]) -> list[CaseLine]:
    """A line for each case; cases that have labels are not ticked."""
    names = {one.value: one.name for one in classes}
    return [_line(one, names) for one in plan.cases]


@dataclass(frozen=True)
class LeftLine:
    """A file that would not be taken: in short, and all there is to say."""

    words: str
    details: str


def left_lines(plan: LabelPlan) -> list[LeftLine]:
    """Files that would not be taken, each with why."""
    return [_left_line(path, in_window(why, BELOW)) for path, why in dict.fromkeys((*plan.refused, *plan.skipped))]


def plan_words(plan: LabelPlan) -> str:
    """What was found, in a sentence."""
    left = len(dict.fromkeys(path for path, _ in (*plan.refused, *plan.skipped)))
    cases = f"Labels for {_count(len(plan.cases), 'case')}" if plan.cases else "Labels for no case"
    return f"{cases}; {_count(left, 'file')} {'is' if left == 1 else 'are'} not taken." if left else f"{cases}."


def report_words(report: ImportReport) -> str:
    """What an import did: how many cases, which files were not taken, and why."""
    done = f"Labels of {_count(len(report.added), 'case')} imported."
    left = [*report.refused, *report.skipped]
    return f"{done} {_left(left)}".strip()


def value_name(value: int, names: dict[int, str]) -> str:
    """What a class value is called."""
    return {0: "background", UNSEEN: "not looked at", **names}.get(value, str(value))


def _line(one: PlannedLabels, names: dict[int, str]) -> CaseLine:
    shown = [f"{value_name(value, names)} ({voxels_words(n)})" for value, n in one.voxels]
    means = [f"{value} is {value_name(becomes, names)}" for value, becomes in one.means]
    shows = ", ".join(shown) or "background only"
    files = ", ".join(file.name for file in one.files)
    kept = "What it has stays in its history. " if one.before else ""
    words = [f"{one.case} has {NOW[one.before]} now. {kept}The files show {shows}."]
    words += [f"In the files {', '.join(means)}."] if means else []
    details = [" ".join(words), *one.notes, *(str(file) for file in one.files)]
    said = f"{shows} · {', '.join(means)}" if means else shows
    return CaseLine(one.case, NOW[one.before], said, files, "\n".join(details), not one.before)


def _left_line(path: Path, why: str) -> LeftLine:
    said = _sentence(path, why)
    return LeftLine(f"{path.name}{said.removeprefix(str(path))}", said)


def _left(left: Iterable[tuple[Path, str]]) -> str:
    found = dict.fromkeys(left)
    if not found:
        return ""
    said = " ".join(_sentence(path, why) for path, why in list(found)[:SHOWN])
    more = f" … and {len(found) - SHOWN} more." if len(found) > SHOWN else ""
    return f"{_count(len(found), 'file')} {'was' if len(found) == 1 else 'were'} not taken: {said}{more}"


def _sentence(path: Path, why: str) -> str:
    """A refusal is a sentence that names its file; why a file was left alone is a clause."""
    return in_window(why) if why.startswith(str(path)) else f"{path}: {why.rstrip('.')}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
