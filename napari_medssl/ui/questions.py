"""What is asked before a decision about a whole case: when, in which words, and what can be answered. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN
from .facts import ClassFacts

FEW = 0.1  # of the slices of a scan (of the pixels of an image, a tenth of that): less was hardly looked through

Reply = Literal["with", "without", "yes", "no"]
TRUTH = "Training takes a complete case as the truth."
BACK = "Undo complete, or one Ctrl+Z, takes it back."


@dataclass(frozen=True)
class Answer:
    """A button: what it stands for, its words and its tooltip."""

    reply: Reply
    words: str
    tip: str


@dataclass(frozen=True)
class Question:
    """A question before something is done; the last answer leaves everything as it is."""

    title: str
    words: str
    answers: tuple[Answer, ...]


NO = Answer("no", "Cancel", "Change nothing.")


def ask_complete(
    case: str, labels: NDArray[np.uint8], seen_proposal: NDArray[np.uint8] | None, classes: Sequence[ClassFacts]
) -> Question | None:
    """What to ask before all that is not painted becomes background; None where there is nothing to ask.

    Parameters
    ----------
    labels : array of uint8
        As drawn.
    seen_proposal : array of uint8 or None
        The proposal, where it is on the screen.
    """
    left = np.zeros(0, np.uint8) if seen_proposal is None else seen_proposal[labels == UNSEEN]
    doubts = [*_little(labels), *_missing(labels, classes)]
    if left.any():
        shown = _names(left, classes)
        words = [
            f"{case}: complete with the proposal, or with what you drew only?",
            f"The proposal on the screen has {shown} where you did not draw. With what you drew only, that becomes "
            "background, like all that is not painted.",
        ]
        answers = (
            Answer("with", "With the proposal", "Your strokes, and the proposal wherever you did not draw: Accept."),
            Answer("without", "With what I drew only", "What is not painted becomes background; no proposal is used."),
        )
        return Question("Complete the case", "\n\n".join([*words, *doubts, f"{TRUTH} {BACK}"]), (*answers, NO))
    if not doubts:
        return None
    words = [f"{case}: is all that is not painted background?", *doubts, f"{TRUTH} {BACK}"]
    answers = (
        Answer("without", "Yes, complete", "What is not painted becomes background."),
        Answer("yes", "Only what I drew", "What is not painted stays 'not looked at': training ignores it."),
    )
    return Question("Complete the case", "\n\n".join(words), (*answers, NO))


def ask_empty(
    case: str, labels: NDArray[np.uint8], proposal: NDArray[np.uint8] | None, classes: Sequence[ClassFacts]
) -> Question | None:
    """What to ask before a case is accepted in which nothing of what was proposed is left; None where some is."""
    if proposal is None or not proposal.any() or ((labels != 0) & ((labels != UNSEEN) | (proposal != 0))).any():
        return None
    words = [
        f"{case}: accept it without any structure?",
        f"The proposal had {_names(proposal, classes)}; in your labels all of that is background.",
        f"{TRUTH} {BACK}",
    ]
    yes = Answer("yes", "Accept as empty", "The case counts as labelled, with background only.")
    return Question("Nothing is left", "\n\n".join(words), (yes, NO))


def ask_whole(
    verb: str, case: str, labels: NDArray[np.uint8], proposal: NDArray[np.uint8], classes: Sequence[ClassFacts]
) -> Question:
    """What to ask before the whole proposal is accepted, made background or decided anew."""
    unseen = labels == UNSEEN
    if verb == "accept":
        count = int(((proposal != 0) & unseen).sum())
        what = (
            f"{_names(proposal, classes)} as proposed wherever you did not draw ({count:,} voxels), the rest background"
        )
        words = [f"{case}: accept the whole case?", f"It will be complete: your strokes, {what}.", f"{TRUTH} {BACK}"]
        yes = Answer("yes", "Accept the case", "Save it as labelled.")
    elif verb == "reject":
        count = int(((proposal != 0) & (unseen | (labels == proposal))).sum())
        words = [
            f"{case}: make background of the whole proposal?",
            f"All of {_names(proposal, classes)} that is as proposed ({count:,} voxels), and all regions, become "
            "background. What you drew otherwise stays.",
            "One Ctrl+Z takes it back.",
        ]
        yes = Answer("yes", "Make background", "Nothing of the proposal is right.")
    else:
        words = [
            f"{case}: decide everything anew?",
            "What is as proposed, and what you made background, is 'not looked at' again. What you drew stays.",
            "One Ctrl+Z takes it back.",
        ]
        yes = Answer("yes", "Decide anew", "Take the decisions about this proposal back.")
    return Question("The whole case", "\n\n".join(words), (yes, NO))


def ask_overwrite(case: str, layer: str, drawn: NDArray[np.uint8], classes: Sequence[ClassFacts]) -> Question | None:
    """What to ask before a layer that is handed over changes what is drawn; None where it would not.

    Parameters
    ----------
    drawn : array of uint8
        What the voxels are now that would become something else.
    """
    if not drawn.size:
        return None
    now = [*([_names(drawn, classes)] if (drawn != 0).any() else []), *(["background"] if (drawn == 0).any() else [])]
    words = [
        f"{case}: use the layer “{layer}” also where something is drawn?",
        f"{voxels_words(drawn.size)} of {_listed(now)} would become what the layer says.",
        "One Ctrl+Z takes it back.",
    ]
    answers = (
        Answer("with", "Use all of it", "What is drawn becomes what the layer says."),
        Answer("without", "Only where I did not draw", "What is drawn stays; the layer fills the rest."),
    )
    return Question("Use a layer as labels", "\n\n".join(words), (*answers, NO))


def ask_as_it_is(case: str, layer: str) -> Question:
    """What to ask of a layer of the size of the scan that does not say where it lies."""
    words = [
        f"{case}: use the layer “{layer}” voxel for voxel?",
        "It has the size of the scan, but does not say where it lies: the program that made it left that out. Say yes "
        "where it was made from this scan, as it is shown here.",
    ]
    yes = Answer("yes", "Yes, voxel for voxel", "Its first voxel is the first one of the scan as shown.")
    return Question("Use a layer as labels", "\n\n".join(words), (yes, NO))


def voxels_words(count: int) -> str:
    """A number of voxels, for people."""
    return f"{count:,} voxel{'' if count == 1 else 's'}"


def _little(labels: NDArray[np.uint8]) -> list[str]:
    """Whether hardly anything was looked at, in a sentence."""
    seen = labels != UNSEEN
    if labels.ndim == 2:
        return [] if seen.mean() >= FEW / 10 else ["You looked at under 1 % of the image."]
    axis = int(np.argmin(labels.shape))
    slices = int(seen.any(axis=tuple(other for other in range(3) if other != axis)).sum())
    if slices >= FEW * labels.shape[axis]:
        return []
    return [f"You drew on {slices} of {labels.shape[axis]} slices."]


def _missing(labels: NDArray[np.uint8], classes: Sequence[ClassFacts]) -> list[str]:
    """Which structures have no voxel, in a sentence."""
    names = [one.name for one in classes if not (labels == one.value).any()]
    return [f"Nothing is drawn of {_listed(names)}."] if names else []


def _names(values: NDArray[np.uint8], classes: Sequence[ClassFacts]) -> str:
    return _listed([one.name for one in classes if (values == one.value).any()]) or "structures"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
