"""Mending what can be mended of a project's files; each damaged file is kept under another name first.

Nothing is made up: a changed bit is put right where the checksum tells it, a record is made anew where what it tells of
is whole, and else the file is set aside, so that what there was before it counts, and that is said.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import keep_copy, may_read, put_right, set_aside, unseal, write_atomically
from ..locking import exclusive
from .damage import Damage
from .rebuilding import rebuild_revision, salvage_record, write_salvaged
from .records import CASE_NAME
from .revisions import label_id
from .whole import find_all, labels_of, records

if TYPE_CHECKING:
    from .case import Case
    from .project import Project

_STAYS = ("project.json", "audit.json", "class-change.json")  # nobody can say what was in them


def put_bits_right(root: Path) -> list[str]:
    """Put right the records in which one bit has changed; what was done, in sentences.

    Raises
    ------
    BadFileError
        If a file cannot be written.
    """
    done = []
    for path in records(root):
        if not may_read(path):
            continue
        with exclusive(path):
            data = path.read_bytes()
            try:
                unseal(data)
            except ValueError:
                right = put_right(data)
                if right is None:
                    continue
                kept = keep_copy(path)
                write_atomically(path, [right])
                done.append(f"{path}: the bit that had changed is put right. The file as it was is {_name(kept)}.")
    return done


def mend(project: Project) -> list[str]:
    """Mend a project, but for its runs; what was done, in sentences.

    Raises
    ------
    BadFileError
        If a file cannot be written.
    """
    done = put_bits_right(project.root)
    project.refresh()
    for case in project.cases():
        if case.fault is not None:
            done += _mend_case(project, case)
    project.refresh()
    for damage in find_all(project):
        done += _mend(project, damage)
    project.refresh()
    return done


def _mend_case(project: Project, case: Case) -> list[str]:
    path = case.folder / CASE_NAME
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    record = salvage_record(project, text)
    if record is None:
        return []
    kept = keep_copy(path)
    write_salvaged(path, record)
    return [
        f"{path}: made anew from what was left of it, and from its scan, which is the one that was added. Look whether "
        f"its patient is {record['patient']!r}, and whether it is to be left out. The file as it was is {_name(kept)}."
    ]


def _mend(project: Project, damage: Damage) -> list[str]:
    path, inside = damage.path, damage.path.relative_to(project.root).parts
    if inside[0] in (*_STAYS, "runs") or path.name == CASE_NAME:
        return []
    if path.is_dir() or not may_read(path):  # a right is missing, and nobody knows of any damage
        return []
    case = project.case(damage.case) if damage.case else None
    if case is not None and path.parent == case.labels_folder:
        return _mend_labels(project, case, path)
    if not path.exists():  # labels of a proposal
        path = path.parent / "proposal.json"
    kept = set_aside(path)
    return [f"{path}: set aside as {_name(kept)}. {damage.lost}"] if kept is not None else []


def _mend_labels(project: Project, case: Case, path: Path) -> list[str]:
    if path.name.endswith(".origin.nii.gz"):
        return [f"{path}: set aside as {_name(set_aside(path))}. The labels themselves are untouched."]
    id = label_id(path.name) or path.name.removesuffix(".json")
    labels, record, newest = labels_of(case.labels_folder, id), case.labels_folder / f"{id}.json", case.latest()
    if not record.exists() and newest is not None and newest.id > id:
        left = [set_aside(one) for one in sorted(case.labels_folder.glob(f"{id}.*")) if ".damaged-" not in one.name]
        names = ", ".join(_name(one) for one in left if one is not None)
        return [f"{path}: an interrupted save left these labels, and newer ones are there. Set aside as {names}."]
    asides = [set_aside(record)]
    if labels is not None:
        if rebuild_revision(case, labels, id, project.classes) is not None:
            return [
                f"{labels}: these labels are whole; they are there again as a draft. Look at them, and mark the case "
                "as complete if they are. Who drew them is not known."
            ]
        asides.append(set_aside(labels))
    names = ", ".join(_name(one) for one in asides if one is not None)
    return [f"{case.labels_folder / id}: these labels cannot be used, and earlier ones count. Set aside as {names}."]


def _name(path: Path | None) -> str:
    return "" if path is None else path.name
