"""What people decided about the proposal of a run for a case, place by place: append-only, a file per case and run.

The labels themselves are in the revisions; this says how they came about, and is what a list of reviewed places needs
when the case is opened again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..disk import damaged, keep_copy, read_record, write_json
from ..errors import DamagedFileError
from ..locking import exclusive
from .names import check_name
from .refusals import one_clear_line

if TYPE_CHECKING:
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
    """What was decided about the proposal of a run, oldest first; a damaged file counts as none."""
    with suppress(DamagedFileError):
        return load_decisions(_path(case, run))
    return ()


def load_decisions(path: Path) -> tuple[Decision, ...]:
    """The decisions of a file, oldest first; none where there is no such file.

    Raises
    ------
    DamagedFileError
        If it is damaged.
    """
    listed = (read_record(path) or {}).get("decisions", [])
    if not isinstance(listed, list):
        raise damaged(path, why="it is no list of decisions")
    found = (_decision(one) for one in listed)
    return tuple(one for one in found if one is not None)


def add_decisions(case: Case, run: str, decisions: tuple[Decision, ...]) -> None:
    """Add to what was decided about the proposal of a run; what is there stays, a damaged file under another name.

    Raises
    ------
    ProjectError
        If it cannot be written; nothing is changed then.
    """
    path = _path(case, run)
    with one_clear_line(f"Case {case.name}: what you decided was not noted", path), exclusive(path):
        try:
            load_decisions(path)
            values = read_record(path) or {"run": run}
        except DamagedFileError:
            keep_copy(path)
            values = {"run": run}
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
