"""Which case to look at next, and why, in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

UNSURE = 0.6  # expected error from which a figure says less than words


@dataclass(frozen=True)
class Candidate:
    """A case that may be suggested.

    Attributes
    ----------
    score : float or None
        Expected error of its newest proposal, 0 to 1; None without one.
    expected_dice : mapping
        What the model promises per class.
    draft : bool
        Whether somebody began to label it.
    """

    case: str
    score: float | None = None
    expected_dice: Mapping[str, float] = field(default_factory=dict)
    draft: bool = False


@dataclass(frozen=True)
class Suggestion:
    """A case and the reason to take it next."""

    case: str
    score: float | None
    reason: str


def rank_cases(candidates: Iterable[Candidate]) -> list[Suggestion]:
    """Begun cases first, then the least sure proposals, then cases without one; ties by name.

    The worst-looking proposal teaches most when it is corrected; a case that somebody began should not stay half done.
    """
    ordered = sorted(candidates, key=lambda c: (not c.draft, c.score is None, -(c.score or 0.0), c.case))
    return [Suggestion(c.case, c.score, _reason(c)) for c in ordered]


def _reason(candidate: Candidate) -> str:
    if candidate.draft:
        return "Somebody began to label it."
    if candidate.score is None:
        return "No model has seen it yet."
    if not candidate.expected_dice:
        return "The model found nothing here."
    dice = candidate.expected_dice
    worst = min(dice, key=lambda name: (dice[name], name))
    if not any(dice.values()):  # of a structure that is proposed at all, some of it is expected to be right
        return "The model proposes no structure here, but is not sure that there is none."
    least = f"it is least sure of {worst}" if dice[worst] else f"it proposes no {worst}, but is not sure of that"
    if candidate.score >= UNSURE:
        return f"The model is unsure almost everywhere in this scan; {least}."
    expected = f" (expected Dice {dice[worst]:.2f})" if dice[worst] else ""
    return f"The model expects an error of {100 * candidate.score:.0f}\N{NO-BREAK SPACE}%; {least}{expected}."
