"""What an import of labels would do, before anything is saved; and doing just that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ProjectError
from ..imaging import UNSEEN, pair_counts
from .classes import voxel_counts
from .importing import ImportReport, OnProgress
from .importing_labels import Meant, join_each, labels_to_save, read_meanings, save_each
from .joining import Joined
from .label_files import LabelFiles, find_labels

if TYPE_CHECKING:
    from .case import Case
    from .classes import ClassInfo
    from .project import Project


@dataclass(frozen=True)
class PlannedLabels:
    """The labels that a case would get.

    Attributes
    ----------
    case : str
    files : tuple of Path
        What they are made of.
    means : tuple of (int, int)
        Values in the files and the classes they are taken for, where these differ.
    voxels : tuple of (int, int)
        The classes they show, with the number of voxels.
    before : {"", "draft", "labelled"}
        What the case has now.
    notes : tuple of str
        What was taken for granted, and what of the labels before is kept and what is not, a sentence each.
    newest : str or None
        The revision that it has now.
    """

    case: str
    files: tuple[Path, ...]
    means: tuple[tuple[int, int], ...] = ()
    voxels: tuple[tuple[int, int], ...] = ()
    before: Literal["", "draft", "labelled"] = ""
    notes: tuple[str, ...] = ()
    newest: str | None = None


@dataclass(frozen=True)
class LabelPlan:
    """What an import would do.

    Attributes
    ----------
    cases : tuple of PlannedLabels
        In the project's order.
    refused, skipped, offers : tuple of (Path, str)
        As in `ImportReport`.
    strange : tuple of str
        Structures that files show and that the project does not have: without these files, more could be taken.
    open_values : tuple of int
        Values in the files of which nobody said what they mean: with a mapping, more could be taken.
    found, meant, mapping, bring_over, replace
        What `import_planned` goes by.
    """

    cases: tuple[PlannedLabels, ...] = ()
    refused: tuple[tuple[Path, str], ...] = ()
    skipped: tuple[tuple[Path, str], ...] = ()
    offers: tuple[tuple[Path, str], ...] = ()
    open_values: tuple[int, ...] = ()
    found: LabelFiles = field(default_factory=lambda: LabelFiles({}))
    meant: Meant = field(default_factory=Meant)
    bring_over: bool = False
    replace: bool = False
    strange: tuple[str, ...] = ()


def plan_labels(
    project: Project,
    paths: Path | str | Iterable[Path | str],
    mapping: Mapping[int, int] | None = None,
    on_progress: OnProgress | None = None,
    *,
    bring_over: bool = False,
    replace: bool = False,
    leave_out: Collection[str] = (),
) -> LabelPlan:
    """Say what `import_labels` would do with the same arguments; nothing is saved.

    Parameters
    ----------
    on_progress : callable, optional
        Called with (done, total); what it raises ends the reading.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    ProjectError
        If no file belongs to a case.
    """
    found = find_labels(project, paths, leave_out)
    count = len(found.of)

    def told(before: int) -> OnProgress | None:
        return None if on_progress is None else lambda done, _: on_progress(before + done, 2 * count)

    meant = read_meanings(project, found.of, mapping, on_progress=told(0))
    spoken_of, planned = None if replace else meant.spoken_of, list[PlannedLabels]()

    def plan(case: Case, joined: Joined) -> bool:
        newest = case.latest()  # first: what is saved while this is found out is newer than what is said
        array, kept = labels_to_save(case, joined, spoken_of, project.classes)
        if array is None:
            return False
        planned.append(
            PlannedLabels(
                case.name,
                joined.files,
                _means(joined.files, meant),
                tuple((value, n) for value, n in voxel_counts(joined.labels.array).items() if 0 < value < UNSEEN),
                "" if newest is None else "labelled" if newest.complete else "draft",
                (*joined.notes, *filter(None, [kept, _lost(case, array, project.classes)])),
                None if newest is None else newest.id,
            )
        )
        return True

    left = join_each(project, found.of, meant, plan, bring_over, told(count))
    return LabelPlan(
        tuple(planned), (*found.refused, *left.refused), (*found.skipped, *left.skipped), tuple(left.offers),
        _open_values(meant, project.classes), found, meant, bring_over, replace,
        tuple(dict.fromkeys(meant.strange.values())),
    )  # fmt: skip


def import_planned(
    project: Project,
    plan: LabelPlan,
    cases: Collection[str],
    author: str = "",
    on_progress: OnProgress | None = None,
    session: str = "",
) -> ImportReport:
    """Save what was planned for these cases as revisions; the report tells of all files that were not taken.

    Labels that somebody saved since it was planned are not replaced, but for those of one's own `session` (see
    `Case.save_labels`).

    Raises
    ------
    ProjectError
        If a case was not planned, or the project cannot be written to.
    """
    known = {one.case for one in plan.cases}
    strange = [name for name in cases if name not in known]
    if strange:
        raise ProjectError(f"There is no label file that can be used for: {', '.join(strange)}.")
    wanted = {one.case for one in plan.cases if one.case in cases}
    files = {name: several for name, several in plan.found.of.items() if name in wanted}
    found = LabelFiles(plan.found.of, plan.refused, plan.skipped)
    return save_each(
        project, found, files, plan.meant, author, on_progress, bring_over=plan.bring_over, replace=plan.replace,
        over={one.case: _known(project.case(one.case), one, session) for one in plan.cases if one.case in wanted},
    )  # fmt: skip


def _known(case: Case, planned: PlannedLabels, session: str) -> str | None:
    newest = case.latest()
    own = newest is not None and bool(session) and newest.session == session
    return newest.id if own and newest is not None else planned.newest


def _means(files: Sequence[Path], meant: Meant) -> tuple[tuple[int, int], ...]:
    pairs = ((value, meant.meanings[file].mapping.get(value, value)) for file in files for value in meant.values[file])
    return tuple(dict.fromkeys((value, becomes) for value, becomes in pairs if value != becomes))


def _lost(case: Case, array: NDArray[np.uint8], classes: Sequence[ClassInfo]) -> str:
    """What of the structures drawn before would be something else, in a sentence; "" where nothing would."""
    before = case.read_labels()
    if before is None:
        return ""
    pairs = pair_counts(before.array, array)
    gone = {one.name: int(pairs[one.value].sum() - pairs[one.value, one.value]) for one in classes}
    said = ", ".join(f"{n:,} voxels of {name}" for name, n in gone.items() if n)
    return f"Case {case.name}: {said}, drawn before, change." if said else ""


def _open_values(meant: Meant, classes: Sequence[ClassInfo]) -> tuple[int, ...]:
    known = {0, UNSEEN, *(one.value for one in classes)}
    found: set[int] = set()
    for file, values in meant.values.items():
        if file in meant.strange:
            continue
        meaning = meant.meanings.get(file)
        foreign = {value for value in values if (meaning.mapping.get(value, value) if meaning else value) not in known}
        if not foreign and file in meant.unusable:  # 0 and 255, which could be two things
            foreign = {UNSEEN} & set(values)
        found |= foreign
    return tuple(sorted(found))
