"""Writing what was drawn as a revision on the case's own grid; off the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import MedSSLError
from ..imaging import UNSEEN
from ..project.origins import compare
from .loading import ShownCase

if TYPE_CHECKING:
    from ..project import Project


@dataclass(frozen=True)
class Finished:
    """What came of finishing a case: Dice of the proposal against it, a sentence, and the revision."""

    dice: float | None
    sentence: str
    revision: str


@dataclass(frozen=True, eq=False)
class Draft:
    """A draft that was saved: the labels as shown, and the revision."""

    shown: np.ndarray
    revision: str


def finished_labels(drawn: np.ndarray) -> np.ndarray:
    """What nobody looked at becomes background: a copy."""
    return np.where(drawn == UNSEEN, np.uint8(0), drawn)


def save_draft(
    project: Project,
    shown: ShownCase,
    drawn: np.ndarray,
    saved: np.ndarray | None,
    *,
    author: str,
    minutes: float,
    strokes: int | None = None,
    session: str = "",
    based_on: str | None,
) -> Draft | None:
    """Save a draft of the labels on screen.

    Parameters
    ----------
    drawn : array of uint8
        A copy of the labels as shown.
    saved : array of uint8 or None
        The same as last saved.
    session : str
        Of this window on this case.

    Returns
    -------
    Draft or None
        None when nothing had changed.
    """
    if saved is not None and np.array_equal(drawn, saved):
        return None
    case = project.case(shown.name)
    latest = case.latest()
    revision = case.save_labels(
        shown.display.back(drawn),
        author=author,
        origin="corrected" if based_on else "drawn",
        minutes=minutes,
        parent=None if latest is None else latest.id,
        run=based_on,
        complete=False,
        strokes=strokes,
        session=session,
    )
    return Draft(drawn, revision.id)


def save_finished(
    project: Project,
    shown: ShownCase,
    drawn: np.ndarray,
    *,
    whole: bool,
    author: str,
    minutes: float,
    strokes: int | None = None,
    session: str = "",
    based_on: str | None,
) -> Finished:
    """Save the labels on screen as complete.

    Parameters
    ----------
    drawn : array of uint8
        A copy of the labels as shown.
    whole : bool
        What is still not looked at is background.
    based_on : str or None
        The run whose proposal the labels began as.
    """
    case = project.case(shown.name)
    labels = finished_labels(drawn) if whole else drawn
    if not (labels != UNSEEN).any():
        raise MedSSLError(
            f"{shown.name}: nothing is labelled yet. Paint first; where there is nothing to paint, Mark as complete."
        )
    proposal = None if shown.proposal is None else shown.proposal.labels
    dice = None if proposal is None else compare(proposal, labels).dice
    untouched = based_on is not None and proposal is not None and np.array_equal(labels, proposal)
    latest = case.latest()
    revision = case.save_labels(
        shown.display.back(labels),
        author=author,
        origin="accepted" if untouched else "corrected" if based_on else "drawn",
        minutes=minutes,
        parent=None if latest is None else latest.id,
        run=based_on,
        complete=True,
        dice_to_proposal=dice,
        strokes=strokes,
        session=session,
    )
    how = "accepted as proposed" if untouched else "corrected and accepted" if based_on else "labelled"
    score = "" if dice is None or untouched else f" The proposal had a Dice of {dice:.3f} against it."
    return Finished(dice, f"{shown.name}: {how}.{score}{_the_rest(drawn, labels, based_on is None)}", revision.id)


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
