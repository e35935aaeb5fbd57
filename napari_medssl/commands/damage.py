"""Which files of a project cannot be read: told at the end of every command on a project, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MedSSLError
from ..terminal.screen import Screen

if TYPE_CHECKING:
    from ..project import Project
    from ..project.damage import Damage

SHOWN = 10  # for people; machines get all


def open_project(
    place: Path, screen: Screen, more: Callable[[Project], Iterable[Damage]] = lambda project: ()
) -> Project:
    """Open a project for a command; what of it cannot be read is told when the command ends.

    Parameters
    ----------
    more : callable
        Gives what the command has found beside, to be told with it.

    Raises
    ------
    ProjectError
        If there is none, it is unreadable, or a newer version wrote it.
    """
    from ..project import Project

    project = Project.open(place)
    screen.at_the_end(lambda failed: {"damage": tell_damage(project, screen, more, failed)})
    return project


def tell_damage(
    project: Project, screen: Screen, more: Callable[[Project], Iterable[Damage]], failed: bool
) -> list[dict[str, Any]]:
    """Say which files cannot be read and what that means; also as JSON values.

    Parameters
    ----------
    failed : bool
        Whether the command has failed: where nothing can be told, it has said why.
    """
    from ..project.integrity import find_damage

    try:
        project.refresh()  # the command may have changed it
        found = [*find_damage(project), *of_runs(project), *more(project)]
    except (MedSSLError, OSError) as error:
        if not failed:
            screen.note(f"Which files cannot be read could not be told: {error}")
        return []
    damage = list({(one.path, one.what): one for one in found}.values())
    say_damage(damage, screen, SHOWN)
    if len(damage) > SHOWN:
        screen.say(f"⚠ And {len(damage) - SHOWN} more: napari-medssl check {project.root}")
    return [damage_json(one) for one in damage]


def say_damage(damage: Sequence[Damage], screen: Screen, most: int) -> None:
    """A line each."""
    for one in damage[:most]:
        screen.say(f"⚠ {one}".strip())


def of_runs(project: Project) -> list[Damage]:
    """Specs and journals of runs that cannot be read."""
    from ..project.damage import Damage
    from ..project.inventory import read_inventory
    from ..runs.history import MODEL_NAME, read_history, unreadable_runs
    from ..runs.journal import JOURNAL_NAME
    from ..runs.spec import SPEC_NAME

    found = []
    for run, why in unreadable_runs(project).items():
        path = project.run_folder(run) / SPEC_NAME
        what, lost = why.removeprefix(f"{path}: ").rstrip("."), "Nothing of this run counts meanwhile."
        found.append(Damage(path, what, lost, "Its model and its journal are untouched.", run=run))
    history = read_history(project)
    for past in history:
        if past.unread:
            path = project.run_folder(past.run) / JOURNAL_NAME
            what = past.unread.removeprefix(f"{path}: ").rstrip(".")
            found.append(
                Damage(
                    path,
                    what,
                    "Its figures may lack something.",
                    "The rest counts.",
                    run=past.run,
                    is_gone=past.is_short,
                )
            )
        if past.lost_model and not past.retired:
            path, lost = project.run_folder(past.run) / MODEL_NAME, "Its model cannot be used, nor begun with."
            found.append(Damage(path, "it is gone", lost, _restore(past.run), run=past.run, is_gone=True))
    known = {*(past.run for past in history), *(one.run for one in found)}
    for run in sorted(read_inventory(project.root).runs.keys() - known):
        lost = "What this run learnt and said is not known."
        found.append(Damage(project.run_folder(run), "the run is gone", lost, _restore(run), run=run, is_gone=True))
    return found


def _restore(run: str) -> str:
    return (
        "Restore it from a backup; where it was removed on purpose, "
        f"`napari-medssl check PROJECT --forget {run}` says so."
    )


def damage_json(damage: Damage) -> dict[str, Any]:
    """A damage as JSON values."""
    return {
        "file": str(damage.path),
        "what": damage.what,
        "lost": damage.lost,
        "todo": damage.todo,
        "case": damage.case or None,
        "run": damage.run or None,
    }
