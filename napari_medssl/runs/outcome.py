"""What came of a run, by its journal: how far its training got, and how good the model is that it deploys. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .events import CheckpointSaved, RunEvent, RunFinished, RunStarted, Stepped, Validated

ENOUGH = 0.95  # of a budget: time bounds a run, and its last moments are told by no event


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    trained : bool
        Whether its training is over and left a model.
    share : float
        Part of its budget that it trained for, 0 to 1.
    steps : int
        Steps that it trained for.
    deployed : Validated or None
        How good the model is that it deploys, on held-out cases; None where it was never measured.
    """

    trained: bool = False
    share: float = 0.0
    steps: int = 0
    deployed: Validated | None = None

    @property
    def completed(self) -> bool:
        """Whether it trained to the end of its budget."""
        return self.trained and self.share >= ENOUGH


def add(outcome: Outcome, event: RunEvent) -> Outcome:
    """The outcome after one more event."""
    match event:
        case RunStarted():
            return replace(outcome, trained=False)
        case Stepped():
            return replace(outcome, share=event.progress, steps=event.step)
        case Validated():
            # the engine deploys at each best measurement, so the last of them is the model on disk
            return replace(outcome, deployed=event if event.best else outcome.deployed)
        case CheckpointSaved(deployed=True):
            return replace(outcome, trained=True)
        case RunFinished(reason="completed"):
            return replace(outcome, trained=event.model is not None or outcome.trained, share=1.0)
        case RunFinished(reason="discarded"):
            return Outcome()
    return outcome


def tell_outcome(events: Iterable[RunEvent]) -> Outcome:
    """What a run's events tell."""
    outcome = Outcome()
    for event in events:
        outcome = add(outcome, event)
    return outcome
