"""`classes`: list the structures of a project, add, rename, join, move or remove some."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MedSSLError
from ..terminal.screen import Screen
from .damage import open_project
from .parsing import parse_classes, parse_mapping

if TYPE_CHECKING:
    from ..project import ClassInfo
    from ..project.migration import ChangePlan, ClassChange

HELP = "list or change the structures of a project"
STATES = (0, 255)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    for flag, pair, text in (
        ("--add", "VALUE=NAME", "a new structure"),
        ("--rename", "VALUE=NAME", "another name for a structure"),
        ("--turn", "VALUE=VALUE", "what becomes of what is drawn: a structure, 0 (background), 255 (not looked at)"),
    ):
        parser.add_argument(flag, nargs="+", action="extend", default=[], metavar=pair, help=text)
    parser.add_argument("--yes", action="store_true", help="change what is drawn, and not only say what would change")
    parser.add_argument("--finish", action="store_true", help="finish a change that was interrupted")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """List, plan or change."""
    from ..project.migration import apply_change, finish_change, plan_change

    project = open_project(arguments.project, screen)
    if arguments.finish:
        ended = finish_change(project)
        screen.say(f"Finished: {ended}." if ended else "No change was interrupted.")
    change = wanted_change(
        project.classes,
        parse_classes(arguments.add),
        parse_classes(arguments.rename),
        parse_mapping(arguments.turn, "--turn"),
    )
    plan = plan_change(project, change)
    if plan.moves and not arguments.yes:
        _tell(plan, screen)
        screen.say("Nothing is changed yet: --yes does it.")
    elif plan.moves:
        with project.lock(getpass.getuser()) as lease:
            counting = screen.counting("Cases")
            apply_change(project, change, author=getpass.getuser(), lease=lease, told=counting)
        screen.say(f"Changed: {plan.words}. {len(plan.cases)} cases got new label revisions.")
    elif change.classes != project.classes:
        project.set_classes(change.classes)
    screen.table(
        "",
        [">label", "name", "colour", "key", "locked"],
        [(c.value, c.name, c.colour, c.key, "locked" if c.locked else "") for c in project.classes],
    )
    return {
        "classes": [one.to_json() for one in project.classes],
        "plan": {
            "changes": plan.moves,
            "voxels": plan.voxels,
            "cases": plan.cases,
            "revisions": plan.revisions,
            "runs": plan.runs,
            "done": bool(plan.moves) and arguments.yes,
        },
    }


def wanted_change(
    now: Sequence[ClassInfo], added: Mapping[int, str], renamed: Mapping[int, str], turned: Mapping[int, int]
) -> ClassChange:
    """What the flags ask for.

    Raises
    ------
    MedSSLError
        When they name a structure that is not there, or add one that is.
    """
    from ..project import ClassInfo
    from ..project.classes import with_free_keys
    from ..project.migration import ClassChange

    known = {one.value: one for one in now}
    _must_be("--rename", renamed, known)
    _must_be("--turn", turned, known)
    for value in added:
        if value in known and value not in turned:
            raise MedSSLError(f"--add {value}: there is a structure of this label already.")
    stay = {value for value in known if turned.get(value, value) == value} | added.keys() | set(STATES)
    free = set(turned.values()) - stay  # labels that nobody has, or has any more
    kept: dict[int, ClassInfo] = {value: ClassInfo(value, name) for value, name in added.items()}
    for one in now:
        value = turned.get(one.value, one.value)
        if value == one.value or (value in free and value not in kept):
            key = str(value) if one.key == str(one.value) and value <= 9 else one.key
            kept[value] = replace(one, value=value, name=renamed.get(one.value, one.name), key=key)
    older_first = sorted(kept.values(), key=lambda one: one.value in added)  # a new one does not take a key away
    return ClassChange(with_free_keys(older_first), turned)


def _must_be(flag: str, values: Iterable[int], known: Iterable[int]) -> None:
    there = set(known)
    for value in values:
        if value not in there:
            listed = ", ".join(str(one) for one in sorted(there)) or "none"
            raise MedSSLError(f"{flag} {value}: there is no structure of this label. There are: {listed}.")


def _tell(plan: ChangePlan, screen: Screen) -> None:
    for value, words in plan.moves.items():
        screen.say(f"{words}: {plan.voxels.get(value, 0):,} voxels")
    screen.say(f"{len(plan.cases)} cases would get {plan.revisions} new label revisions; the {plan.kept} there stay.")
    if plan.runs:
        screen.say(f"Runs that would not be used any more, unless they learnt without labels: {', '.join(plan.runs)}.")
