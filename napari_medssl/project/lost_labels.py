"""Label revisions of a case that cannot be read: they do not count, and whoever relies on older ones is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..disk import ages_in, names_in
from ..errors import DamagedFileError, UnreadableFileError
from .damage import Damage, damage_of
from .revisions import Revision, label_id, load_revision

#: Seconds after which a label file without a record is no save under way any more.
UNDER_WAY = 300.0
MEND = "`napari-medssl check PROJECT --repair` makes a draft of them; saving the case again goes on without."
_ENDING = ".json"
_NONE = "None of its labels count."
Read = Callable[[str], Revision | None]


def find_newest(folder: Path, case: str, read: Read, complete: bool) -> tuple[Revision | None, tuple[Damage, ...]]:
    """The newest (complete) revision of a `labels` folder, and what is newer and cannot be read.

    Parameters
    ----------
    read : callable
        Gives the revision of an id, None where it cannot be read.
    """
    try:
        names = names_in(folder)
    except OSError as error:
        return None, (damage_of(UnreadableFileError(folder, error), _NONE, case=case),)
    lost: list[Damage] = []
    newest = None
    for id in sorted((name[: -len(_ENDING)] for name in names if name.endswith(_ENDING)), reverse=True):
        found = read(id)
        if found is None:
            lost += why_lost(folder, case, id)
        elif not found.beside and (found.complete or not complete):
            newest = found
            break
    after = "" if newest is None else newest.id
    return newest, (*lost, *strays(folder, case, [name for name in names if name > after]))


def find_damaged(folder: Path, case: str) -> tuple[Damage, ...]:
    """All label revisions of a folder that cannot be read, oldest first."""
    try:
        names = names_in(folder)
    except OSError as error:
        return (damage_of(UnreadableFileError(folder, error), _NONE, case=case),)
    ids = sorted(name[: -len(_ENDING)] for name in names if name.endswith(_ENDING))
    return (*(one for id in ids for one in why_lost(folder, case, id)), *strays(folder, case, names))


def why_lost(folder: Path, case: str, id: str) -> tuple[Damage, ...]:
    """What is wrong with a revision; nothing where it can be read."""
    try:
        load_revision(folder, id)
    except DamagedFileError as error:
        when = f", saved on {id[:4]}-{id[4:6]}-{id[6:8]}," if id[:8].isdigit() else ""
        lost = f"These labels{when} do not count; earlier ones are untouched."
        if isinstance(error, UnreadableFileError):
            return (damage_of(error, lost, case=case),)
        return (Damage(error.path, error.rule, lost, MEND, case),)
    return ()


def strays(folder: Path, case: str, names: list[str]) -> tuple[Damage, ...]:
    """Label files among those names that have no record, oldest first; files of a save under way are left out."""
    known = {name[: -len(_ENDING)] for name in names if name.endswith(_ENDING)}
    age = ages_in(folder)
    alone = sorted(name for name in names if (id := label_id(name)) and id not in known)
    return tuple(
        Damage(
            folder / name,
            "these labels have no record of who drew them and when, so they do not count",
            "Their save was interrupted, or the record is lost.",
            MEND,
            case,
        )
        for name in alone
        if age(folder / name) > UNDER_WAY
    )
