"""Which model a person chose to use: `champions/<id>.json`, one file per decision, append-only.

Ids begin with the time, as those of label revisions do. Nothing is ever changed: going back is one more decision.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import damaged, make_folder, names_in, read_record, sweep, write_json
from ..errors import DamagedFileError, ProjectError
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
    """All decisions of the project in a folder, oldest first; damaged ones are left out (see `integrity`)."""
    folder = root / CHAMPIONS
    found = []
    for name in sorted(names_in(folder, _ENDING)):
        with suppress(DamagedFileError):
            found.append(read_decision(folder / name))
    return tuple(one for one in found if one is not None)


def read_decision(path: Path) -> Decision | None:
    """One decision; None where the file is gone.

    Raises
    ------
    DamagedFileError
        If it is damaged.
    """
    values = read_record(path)
    if values is None:
        return None
    run = values.get("run", 0)
    if run is not None and not isinstance(run, str):
        raise damaged(path, why="it is no decision")
    return Decision(run, str(values.get("author", "")), str(values.get("time", "")))


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
        sweep(folder)
        id, _ = new_revision_id(sorted(name[: -len(_ENDING)] for name in names_in(folder, _ENDING)))
        write_json(folder / f"{id}{_ENDING}", asdict(decision), new=True)
    return decision
