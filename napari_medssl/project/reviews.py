"""What people decided about the proposal of a run for a case, place by place: append-only, a file per case and run.

The labels themselves are in the revisions; this says how they came about, and is what a list of reviewed places needs
when the case is opened again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..disk import make_folder, read_json_or_none, write_json
from .names import check_name
from .refusals import one_clear_line

if TYPE_CHECKING:
    from pathlib import Path

    from .case import Case

Verb = Literal["accept", "reject", "redo", "correct"]
Scope = Literal["region", "slice", "class", "case"]
REVIEWS_FOLDER = "reviews"


@dataclass(frozen=True)
class Decision:
    """What was decided about a part of a proposal.

    Attributes
    ----------
    verb : {"accept", "reject", "redo", "correct"}
        "redo" takes the earlier decision back; "correct" says that somebody painted there.
    scope : {"region", "slice", "class", "case"}
    what : str
        The key of the region, "axis/index" of a slice as shown, the value of a class; "" for the whole case.
    author, time : str
        Who, and when (ISO 8601, UTC).
    """

    verb: Verb
    scope: Scope
    what: str
    author: str
    time: str


def decide(verb: Verb, scope: Scope, what: str, author: str) -> Decision:
    """A decision made now."""
    return Decision(verb, scope, what, author, datetime.now(UTC).isoformat())


def read_decisions(case: Case, run: str) -> tuple[Decision, ...]:
    """What was decided about the proposal of a run, oldest first; what is not understood is left out."""
    values = read_json_or_none(_path(case, run))
    listed = values.get("decisions") if values is not None else None
    found = (_decision(one) for one in listed or ())
    return tuple(one for one in found if one is not None)


def add_decisions(case: Case, run: str, decisions: tuple[Decision, ...]) -> None:
    """Add to what was decided about the proposal of a run; what is there stays.

    Raises
    ------
    ProjectError
        If it cannot be written; nothing is changed then.
    """
    path = _path(case, run)
    with one_clear_line(f"Case {case.name}: what you decided was not noted", path):
        make_folder(path.parent)
        values = read_json_or_none(path) or {"run": run}
        values["decisions"] = [*values.get("decisions", ()), *(asdict(one) for one in decisions)]
        write_json(path, values)


def _path(case: Case, run: str) -> Path:
    return case.folder / REVIEWS_FOLDER / f"{check_name(run, 'run')}.json"


def _decision(values: Any) -> Decision | None:
    try:
        # whatever text stands there; the last line sees that it is one of the words that are known
        one = Decision(*(str(values[name]) for name in Decision.__dataclass_fields__))  # type: ignore[arg-type]
    except (KeyError, TypeError):
        return None
    return one if one.verb in get_args(Verb) and one.scope in get_args(Scope) else None
