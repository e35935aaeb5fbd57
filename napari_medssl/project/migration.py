"""Changing classes that people have drawn: a plan that says what would become of what, and the change itself.

Nothing that was drawn is changed: each case concerned gets new revisions, made from its newest one and from its newest
complete one. The order of writing makes the change safe to interrupt: first `class-change.json`, which says what is to
be done, then the revisions, at last `project.json`, in one step. `finish_change` goes on from wherever it stopped.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..disk import damaged, read_record, write_json
from ..errors import ProjectError
from ..imaging import UNSEEN, Labels
from ..locking import exclusive
from .classes import ClassInfo, check_classes
from .origins import NONE
from .refusals import one_clear_line
from .revisions import Origin, Revision
from .saving import Provenance, write_revision
from .settings import change_settings

if TYPE_CHECKING:
    from .case import Case
    from .lease import Lease
    from .project import Project

PENDING_NAME = "class-change.json"
PATIENCE = 600.0  # seconds to wait for another window that is in the middle of it
_NOTE = "classes changed: "
_STATES = {0: "background", UNSEEN: "not looked at"}


@dataclass(frozen=True)
class ClassChange:
    """What the classes are to be.

    Parameters
    ----------
    classes : tuple of ClassInfo
        All of them, afterwards.
    values : mapping of int to int
        What becomes of voxels: value now to value afterwards, which is that of a class, 0 (background) or 255 (not
        looked at). Those that are not named stay as they are.
    """

    classes: tuple[ClassInfo, ...]
    values: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ChangePlan:
    """What a change would do.

    Attributes
    ----------
    moves : mapping of int to str
        What becomes of each value that changes, by its value now: "liver → abdomen".
    voxels : mapping of int to int
        Voxels that change in the newest revisions, by their value now.
    cases : tuple of str
        Those that get new revisions.
    revisions : int
        New revisions to be written.
    kept : int
        Revisions of those cases that stay as they are.
    runs : tuple of str
        Runs that are not used any more, because they learnt what the classes are now.
    """

    change: ClassChange
    moves: Mapping[int, str]
    voxels: Mapping[int, int]
    cases: tuple[str, ...]
    revisions: int
    kept: int
    runs: tuple[str, ...]

    @property
    def words(self) -> str:
        """All of it in a line: "liver → abdomen, cyst → background"."""
        return ", ".join(self.moves.values())


def plan_change(project: Project, change: ClassChange) -> ChangePlan:
    """What a change would do; nothing is written. Reads the records of all revisions.

    Raises
    ------
    ProjectError
        If the change leaves a class that is drawn without a value to go to, two classes clash, or labels that would
        have to change cannot be read.
    """
    values = _moves(project, change)
    if values:
        _refuse_lost(project)
    voxels: Counter[int] = Counter()
    cases, revisions, kept = [], 0, 0
    for case in project.cases():
        concerned = list(_concerned(case, values, "")) if values else []
        if concerned:
            cases.append(case.name)
            revisions += len(concerned)
            kept += len(case.revisions())
            newest = concerned[-1].voxels
            voxels.update({value: newest[value] for value in values if value in newest})
    runs = tuple(project.runs()) if values else ()
    words = _words(project.classes, change.classes, values)
    still = tuple(run for run in runs if run not in project.retired_runs)
    return ChangePlan(change, words, dict(sorted(voxels.items())), tuple(cases), revisions, kept, still)


def apply_change(
    project: Project,
    change: ClassChange,
    *,
    author: str,
    lease: Lease | None = None,
    told: Callable[[int, int], None] = lambda done, all: None,
) -> ChangePlan:
    """Change the classes, and what is drawn with them.

    Parameters
    ----------
    lease : Lease, optional
        This window's: nothing is changed while another one lives, where somebody may draw with what goes.
    told : callable
        Told the number of cases done and of all to do.

    Returns
    -------
    ChangePlan
        What was done.

    Raises
    ------
    ProjectError
        If the change cannot be, the project is open elsewhere, an earlier change was not finished, or the disk refuses.
        What was written stays valid; `finish_change` goes on.
    """
    others = [] if lease is None else lease.others
    if others:
        raise ProjectError(
            f"This project is open elsewhere too: {'; '.join(map(str, others))}. Close it there, so that nobody draws "
            "with structures that go; then change them."
        )
    plan = plan_change(project, change)
    pending = {
        "id": secrets.token_hex(3),
        "classes": [one.to_json() for one in check_classes(change.classes)],
        "values": {str(value): new for value, new in _moves(project, change).items()},
        "words": plan.words,
        "runs": list(plan.runs),
        "author": author,
        "time": datetime.now(UTC).isoformat(),
    }
    path = project.root / PENDING_NAME
    with one_clear_line("The structures were not changed", path), exclusive(path, PATIENCE):
        try:
            write_json(path, pending, new=True)
        except FileExistsError:
            raise ProjectError(
                f"{project.root}: an earlier change of the structures was not finished. Open the project anew: that "
                "finishes it. Then change them again."
            ) from None
        _go_on(project, pending, told)
    return plan


def finish_change(project: Project, told: Callable[[int, int], None] = lambda done, all: None) -> str:
    """Finish a change that was interrupted; what it was in words, empty where there was none.

    Raises
    ------
    DamagedFileError
        If what is to be done is damaged: nothing is done then.
    ProjectError
        If the disk refuses.
    """
    path = project.root / PENDING_NAME
    if read_record(path) is None:
        return ""
    with one_clear_line("The change of the structures was not finished", path), exclusive(path, PATIENCE):
        pending = read_record(path)
        if pending is None:  # another window was in the middle of it, and is done
            project.refresh()
            return ""
        try:
            _check_pending(pending)
        except (KeyError, TypeError, ValueError, AttributeError, ProjectError) as error:
            raise damaged(path, why="it is no change of structures") from error
        _go_on(project, pending, told)
    return str(pending["words"])


def _check_pending(pending: Mapping[str, Any]) -> None:
    """Make sure that each field is what it should be; a `TypeError` or one of its kind where it is not."""
    for values in pending["classes"]:
        ClassInfo.from_json(values)
    if not all(str(int(value)) == value and type(new) is int for value, new in pending["values"].items()):
        raise TypeError("no values")
    words = (pending["id"], pending["words"], pending["author"], pending["time"])
    if not isinstance(pending["runs"], list) or not all(isinstance(one, str) for one in (*words, *pending["runs"])):
        raise TypeError("no change")


def is_of_class_change(revision: Revision) -> bool:
    """Whether a revision came of a change of classes, and not of work on its case."""
    return revision.note.startswith(_NOTE)


def _go_on(project: Project, pending: Mapping[str, Any], told: Callable[[int, int], None]) -> None:
    project.refresh()
    values = {int(value): int(new) for value, new in pending["values"].items()}
    mark = f"[{pending['id']}]"
    if not any(one["id"] == pending["id"] for one in project.changes):
        cases = [(case, found) for case in project.cases() if (found := list(_concerned(case, values, mark)))]
        for number, (case, revisions) in enumerate(cases):
            told(number, len(cases))
            for revision in revisions:
                _renew(case, revision, values, f"{_NOTE}{pending['words']} {mark}", str(pending["author"]))
        told(len(cases), len(cases))
        entry = {name: pending[name] for name in ("id", "words", "values", "runs", "author", "time")}
        change_settings(
            project.root, lambda now: {"classes": pending["classes"], "changes": [*now.get("changes", ()), entry]}
        )
    with one_clear_line("The change of the structures was not ended", project.root):
        (project.root / PENDING_NAME).unlink(missing_ok=True)
    project.refresh()


def _concerned(case: Case, values: Mapping[int, int], mark: str) -> Iterator[Revision]:
    """The newest complete revision and the newest of all, where they hold a value that moves and are not done yet."""
    revisions = case.revisions()
    done = {one.parent for one in revisions if mark and one.note.endswith(mark)}
    before = [one for one in revisions if not one.beside and not (mark and one.note.endswith(mark))]
    complete = [one for one in before if one.complete]
    for revision in {one.id: one for one in (*complete[-1:], *before[-1:])}.values():
        if revision.id not in done and values.keys() & revision.voxels.keys():
            yield revision


def _renew(case: Case, revision: Revision, values: Mapping[int, int], note: str, author: str) -> None:
    """Write the revision that follows from another by moving values; each voxel keeps its origin."""
    labels = case.read_labels(revision)
    origins = case.read_origins(revision)
    assert labels is not None
    table = np.arange(256, dtype=np.uint8)
    for value, new in values.items():
        table[value] = new
    moved = table[labels.array]
    if origins is not None:
        origins = np.where(moved == UNSEEN, np.uint8(NONE), origins)
    origin = cast(Origin, revision.origin)
    provenance = Provenance(author, origin, 0.0, revision.id, None, revision.complete, note, None)
    with one_clear_line(f"Case {case.name}: the labels with other structures were not saved", case.labels_folder):
        write_revision(case.labels_folder, Labels(moved, case.grid), origins, {}, provenance)


def _moves(project: Project, change: ClassChange) -> dict[int, int]:
    """The values that change.

    Raises
    ------
    ProjectError
        Where one goes nowhere.
    """
    after = {*_STATES, *(one.value for one in check_classes(change.classes))}
    moves = {}
    for one in project.classes:
        new = change.values.get(one.value, one.value)
        if new not in after:
            raise ProjectError(
                f"Class {one.value} {one.name!r} would be gone, and nothing is said of what is drawn with it. Make it "
                "another class, background, or not looked at."
            )
        if new != one.value:
            moves[one.value] = new
    return moves


def _refuse_lost(project: Project) -> None:
    """Refuse to change what is drawn while some of it cannot be read: that would keep its values."""
    for case in project.cases():
        lost = () if case.fault is not None else case.lost_labels() or case.lost_labels(complete=True)
        if case.fault is not None or lost:
            raise ProjectError(f"The structures were not changed. {case.trouble or lost[0]}")


def _words(before: tuple[ClassInfo, ...], after: tuple[ClassInfo, ...], values: Mapping[int, int]) -> dict[int, str]:
    now = {one.value: one.name for one in before}
    then = _STATES | {one.value: one.name for one in after}
    return {
        value: f"{now[value]} → {then[new]}" if now[value] != then[new] else f"{now[value]} {value} → {new}"
        for value, new in values.items()
    }
