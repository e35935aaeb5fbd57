"""Which model a person chose to use: `champions/<id>.json`, one file per decision, append-only.

Ids begin with the time, as those of label revisions do. Nothing is ever changed: going back is one more decision.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import make_folder, names_in, read_json_or_none, write_json
from ..errors import ProjectError
from .refusals import one_clear_line
from .revisions import new_revision_id

if TYPE_CHECKING:
    from .project import Project

CHAMPIONS = "champions"
_ENDING = ".json"


@dataclass(frozen=True)
class Decision:
    """What somebody decided about the model to use.

    Attributes
    ----------
    run : str or None
        The run whose model is to be used; None: the choice is left to the program again.
    author, time : str
        Who, and when (ISO 8601, UTC).
    """

    run: str | None
    author: str = ""
    time: str = ""


def read_decisions(root: Path) -> tuple[Decision, ...]:
    """All decisions of the project in a folder, oldest first; files that are not whole are passed over."""
    folder = root / CHAMPIONS
    found = []
    for name in sorted(names_in(folder, _ENDING)):
        values = read_json_or_none(folder / name)
        if values is not None and "run" in values:
            run = values["run"]
            decided = Decision(
                None if run is None else str(run), str(values.get("author", "")), str(values.get("time", ""))
            )
            found.append(decided)
    return tuple(found)


def decide_champion(project: Project, run: str | None, *, author: str = "") -> Decision:
    """Write down that the model of `run` is to be used from now on; with None, that the program chooses again.

    Raises
    ------
    ProjectError
        If there is no such run, or the decision cannot be written down.
    """
    if run is not None and run not in project.runs():
        raise ProjectError(f"There is no run {run!r}; this project has: {', '.join(project.runs()) or 'none yet'}.")
    folder = project.root / CHAMPIONS
    decision = Decision(run, author, datetime.now(UTC).isoformat())
    with one_clear_line("The choice of the model was not saved", folder):
        make_folder(folder)
        id, _ = new_revision_id(sorted(name[: -len(_ENDING)] for name in names_in(folder, _ENDING)))
        write_json(folder / f"{id}{_ENDING}", asdict(decision), new=True)
    return decision
