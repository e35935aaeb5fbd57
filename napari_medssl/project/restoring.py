"""Making an earlier label revision the newest again, as a new revision: the history only grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..errors import ProjectError
from .revisions import Origin, Revision
from .saving import ANYTHING

if TYPE_CHECKING:
    from .case import Case

_NOTE = "restored: "


def restore_revision(case: Case, id: str, *, author: str, over: str | None = ANYTHING) -> Revision:
    """Save an earlier revision again as the newest; complete or a draft as it was, and each voxel keeps its origin.

    Parameters
    ----------
    case : Case
    id : str
        The revision.
    author : str
        Who restores it.
    over : str or None
        The newest revision that the person knows of, as of `Case.save_labels`; by default whatever there is.

    Raises
    ------
    NewerRevision
        If somebody else has saved a newer one than `over` meanwhile.
    ProjectError
        If there is no such revision, it counts as the newest already, or it has classes that the project lost.
    BadFileError
        If its file is gone or damaged.
    """
    revision, newest = case.revision(id), case.latest()
    if newest is not None and newest.id == id:
        raise ProjectError(f"Case {case.name}: these labels are the newest already.")
    labels = case.read_labels(revision)
    assert labels is not None
    return case.save_labels(
        labels.array,
        author=author,
        origin=cast(Origin, revision.origin),
        parent=revision.id,
        run=revision.run,
        complete=revision.complete,
        note=f"{_NOTE}{revision.id}",
        dice_to_proposal=revision.dice_to_proposal,
        origins=case.read_origins(revision),
        over=over,
    )


def is_restored(revision: Revision) -> bool:
    """Whether a revision is an earlier one again, and no work on its case."""
    return revision.note.startswith(_NOTE)
