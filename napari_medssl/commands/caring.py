"""What `check` says and does about a project's own files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..terminal.screen import Screen
from .damage import damage_json, say_damage

if TYPE_CHECKING:
    from ..project import Project
    from ..project.damage import Damage

MANY = 1000  # shown of each; machines get all


def care_for(
    project: Project, screen: Screen, repair: bool, clear: str | None, gone: Sequence[str] = ()
) -> tuple[list[dict[str, Any]], list[str]]:
    """Say which files are damaged or left over; mend them, clear proposals and forget what is gone, where asked for.

    Returns
    -------
    list of dict
        What is still damaged, as JSON values.
    list of str
        What was done, in sentences.
    """
    from ..project.leftovers import find_aside, find_empty_runs, find_temporary

    done: list[str] = []
    if repair:
        done = mend_all(project)
    if clear is not None:
        done.append(_clear(project, clear))
    done += [_forget(project, name) for name in gone]
    for sentence in done:
        screen.say(sentence)
    damage = find_everything(project)
    say_damage(damage, screen, MANY)
    left = [*find_temporary(project.root), *find_empty_runs(project.root)]
    if left:
        screen.say(f"{len(left)} leftovers of writers that were killed, such as {left[0]}: --repair removes them.")
    aside = find_aside(project.root)
    if aside:
        screen.say(f"{len(aside)} damaged files are kept aside, such as {aside[0]}.")
    return [damage_json(one) for one in damage], done


def find_everything(project: Project) -> list[Damage]:
    """Every file of a project, its runs and its cache that is not what was written."""
    from ..project.whole import find_all
    from .damage import of_runs

    found = [*find_all(project), *of_runs(project)]
    told = {one.path for one in found}
    return [*found, *(one for one in (*_models(project), *_cached(project)) if one.path not in told)]


def mend_all(project: Project) -> list[str]:
    """Mend what can be mended; what was done, in sentences."""
    from ..project.leftovers import remove_leftovers
    from ..project.repair import mend

    done = [*mend(project), *remove_leftovers(project.root)]
    for damage in _cached(project):
        damage.path.unlink(missing_ok=True)
        done.append(f"{damage.path}: removed; it is made anew when it is needed.")
    return done


def _models(project: Project) -> list[Damage]:
    """Models and states of runs that are damaged; loads torch where there are any."""
    from ..errors import MedSSLError
    from ..project.damage import Damage

    found = []
    paths = [path for run in project.runs() for path in sorted(project.run_folder(run).glob("*.safetensors"))]
    for path in paths:
        from ..inference.tensor_file import load_tensors

        try:
            load_tensors(path)
        except MedSSLError as error:
            what = str(error).removeprefix(f"{path}: ").rstrip(".")
            found.append(
                Damage(path, what, "It is not used; proposals and labels are untouched.", "", run=path.parent.name)
            )
    return found


def _cached(project: Project) -> list[Damage]:
    from ..project.damage import Damage
    from ..training.kept import is_kept

    lost, todo = "Nothing is lost: it is made anew when it is needed.", "--repair removes it."
    return [
        Damage(path, "a preprocessed scan is damaged", lost, todo)
        for folder in sorted(project.cache_folder.glob("*"))
        if len(folder.name) == 16
        for path in sorted(folder.glob("*.npy"))
        if not is_kept(path)
    ]


def _forget(project: Project, name: str) -> str:
    """Note that a case or a run was taken away on purpose, where it is gone."""
    from ..errors import ProjectError
    from ..project.inventory import forget
    from ..project.records import is_gone
    from .damage import of_runs

    if any(case.name == name and is_gone(case.folder) for case in project.cases()):
        forget(project.root, "case", name)
        project.refresh()
        return f"Case {name}: forgotten. What is left in its folder is untouched."
    if any(one.run == name and one.is_gone for one in of_runs(project)):
        forget(project.root, "run", name)
        return f"Run {name}: what is gone of it is forgotten."
    raise ProjectError(f"{name}: nothing of a case or run of this name is gone, so there is nothing to forget.")


def _clear(project: Project, which: str) -> str:
    from ..errors import ProjectError
    from ..project.leftovers import clear_proposals, old_proposals
    from ..runs.process import is_running

    if which != "older" and which not in project.runs():
        raise ProjectError(f"There is no run {which!r}; this project has: {', '.join(project.runs()) or 'none yet'}.")
    busy = [run for run in project.runs() if (which in ("older", run)) and is_running(project.run_folder(run))]
    if busy:
        raise ProjectError(f"Run {busy[0]} is running. Clear proposals when it is done.")
    folders = old_proposals(project, which)
    freed = clear_proposals(folders)
    return f"{len(folders)} proposals removed; {freed / 1e6:.1f} MB are free. Labels made from them are untouched."
