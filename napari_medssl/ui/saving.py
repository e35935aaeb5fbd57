"""Writing what was drawn as a revision on the case's own grid; off the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MedSSLError
from ..imaging import UNSEEN
from ..project import NewerRevision
from ..project.origins import compare
from .loading import ShownCase

if TYPE_CHECKING:
    from ..project import Case, Project, Revision


@dataclass(eq=False)
class Basis:
    """What the labels on the screen go on from; read and written in the lane of saves.

    Attributes
    ----------
    revision : str or None
        The revision that they were made from: as opened, or as this window saved last.
    over : str or None
        The newest one that the person knows of; a save over a newer one is refused.
    saved : array of uint8 or None
        The labels as shown when last saved: a save of the same again is left out.
    left : bool
        The case is not on the screen any more: nobody can be asked, and what is refused is kept beside the newer one.
    """

    revision: str | None
    over: str | None
    saved: np.ndarray | None = None
    left: bool = False

    def follow(self, case: Case) -> None:
        """Go on from what is left where labels were deleted or damaged: that is nobody's newer work."""
        latest = case.latest()
        newest = None if latest is None else latest.id
        if self.over is not None and (newest is None or newest < self.over):
            self.over = newest
        if self.revision is not None and not case.has_revision(self.revision):
            self.revision = newest if newest is not None and newest < self.revision else None


@dataclass(frozen=True)
class Work:
    """What is known of the work that is saved; see `Case.save_labels`. `run` is that of the proposal it began as."""

    author: str
    minutes: float = 0.0
    strokes: int | None = None
    session: str = ""
    run: str | None = None


@dataclass(frozen=True, eq=False)
class Saved:
    """What came of a save.

    Attributes
    ----------
    shown : array of uint8
        The labels as shown.
    revision : Revision
        With `beside`, where somebody else's newer labels stay the newest.
    sentence : str
        What to say of it; empty for a draft.
    """

    shown: np.ndarray
    revision: Revision
    sentence: str = ""


def finished_labels(drawn: np.ndarray) -> np.ndarray:
    """What nobody looked at becomes background: a copy."""
    return np.where(drawn == UNSEEN, np.uint8(0), drawn)


def save_draft(
    project: Project, shown: ShownCase, drawn: np.ndarray, basis: Basis, work: Work, *, always: bool = False
) -> Saved | None:
    """Save a draft of the labels on screen.

    Parameters
    ----------
    drawn : array of uint8
        A copy of the labels as shown.
    always : bool
        Save a revision of its own, also where no voxel changed.

    Returns
    -------
    Saved or None
        None when nothing had changed.

    Raises
    ------
    NewerRevision
        If somebody else saved newer labels than the person knows of, and the case is on the screen.
    """
    if not always and basis.saved is not None and np.array_equal(drawn, basis.saved):
        return None
    origin = "corrected" if work.run else "drawn"
    return Saved(drawn, _save(project, shown, drawn, basis, work, origin=origin, complete=False))


def save_finished(
    project: Project, shown: ShownCase, drawn: np.ndarray, basis: Basis, work: Work, *, whole: bool
) -> Saved:
    """Save the labels on screen as complete.

    Parameters
    ----------
    drawn : array of uint8
        A copy of the labels as shown.
    whole : bool
        What is still not looked at is background.

    Raises
    ------
    NewerRevision
        As `save_draft`.
    """
    labels = finished_labels(drawn) if whole else drawn
    if not (labels != UNSEEN).any():
        raise MedSSLError(
            f"{shown.name}: nothing is labelled yet. Paint first; where there is nothing to paint, Mark as complete."
        )
    seen = shown.proposal if work.run is None or shown.proposal is None or shown.proposal.run == work.run else None
    proposal = None if seen is None else seen.labels  # none of a later run
    dice = None if proposal is None else compare(proposal, labels).dice
    untouched = work.run is not None and proposal is not None and np.array_equal(labels, proposal)
    origin = "accepted" if untouched else "corrected" if work.run else "drawn"
    revision = _save(project, shown, labels, basis, work, origin=origin, complete=True, dice_to_proposal=dice)
    how = "accepted as proposed" if untouched else "corrected and accepted" if work.run else "labelled"
    score = "" if dice is None or untouched else f" The proposal had a Dice of {dice:.3f} against it."
    sentence = f"{shown.name}: {how}.{score}{_the_rest(drawn, labels, work.run is None)}"
    return Saved(labels, revision, sentence)


def _save(
    project: Project, shown: ShownCase, labels: np.ndarray, basis: Basis, work: Work, *, complete: bool, **facts: Any
) -> Revision:
    """Save over what the person knows of; where nobody can be asked any more, beside what is newer."""
    case = project.case(shown.name)
    basis.follow(case)
    array, facts = shown.display.back(labels), {**vars(work), "parent": basis.revision, **facts}
    try:
        revision = case.save_labels(array, complete=complete, over=basis.over, **facts)
        basis.revision = basis.over = revision.id
    except NewerRevision as newer:
        if newer.revision is None or not basis.left:
            raise
        revision = case.save_labels(array, complete=False, beside=newer.revision, **facts)
    basis.saved = labels
    return revision


def _the_rest(drawn: np.ndarray, labels: np.ndarray, by_hand: bool) -> str:
    """What became of the voxels that were not painted, in sentences after a space."""
    left = float((labels == UNSEEN).mean())
    if left:
        share = ("under 1" if left < 0.01 else f"{int(100 * left)}") + "\N{NO-BREAK SPACE}%"
        words = f" What you did not draw ({share} of the scan) stays 'not looked at': training ignores it."
        if not (labels == 0).any():
            words += " Draw a little background, too: without any, models find structures everywhere."
        return words
    if not labels.any():
        return " Nothing is painted, so all of it is background. If that was a mistake, Ctrl+Z takes it back."
    if by_hand and (drawn == UNSEEN).any():
        return " What you did not paint is background now; Ctrl+Z takes that back."
    return ""
