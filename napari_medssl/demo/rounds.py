"""One round of the demo: train both ways, measure both, let the reader correct what is most doubtful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..runs.status import CurvePoint

if TYPE_CHECKING:
    from ..runs.status import RunStatus
    from .setup import Demo

METHODS = {"supervised": "supervised only", "bcp": "BCP"}
READER = "simulated reader"


@dataclass(frozen=True)
class Outcome:
    """What one method reached in one round; `scores` as `inference.evaluation.score_table` makes them."""

    method: str
    run: str
    steps: int
    seconds: float
    scores: dict[str, Any]
    loss: Sequence[CurvePoint] = ()


@dataclass(frozen=True)
class Correction:
    """A case that the reader corrected; `score` is its expected error, `dice` that of the proposal to the result."""

    case: str
    score: float | None
    dice: float | None


@dataclass(frozen=True)
class Round:
    """One round. `minutes` is the time budget of each training."""

    number: int
    labelled: int
    unlabelled: int
    minutes: float
    outcomes: Mapping[str, Outcome]
    corrections: tuple[Correction, ...] = field(default=())


def measure_outcome(demo: Demo, method: str, run: str, status: RunStatus) -> Outcome:
    """Measure a run's proposals on every case that nobody has labelled."""
    from ..inference.evaluation import measure, proposals_of, score_table

    project = demo.project
    proposals = proposals_of(project, run)
    scores = {
        name: measure(project, project.case(name), proposals[name], demo.truth[name]) for name in demo.unlabelled()
    }
    table = score_table(run, {c.value: c.name for c in project.classes}, scores)
    seconds = status.finished.seconds if status.finished else 0.0
    return Outcome(method, run, status.step, seconds, table, status.loss)


def correct_doubtful(demo: Demo, others: list[Demo], count: int) -> tuple[Correction, ...]:
    """Let the reader correct the `count` cases of `demo` that its model doubts most, and label them in `others` too."""
    from ..imaging import read_labels
    from ..runs.champion import set_aside
    from ..runs.history import read_history
    from ..selection.candidates import suggest
    from .reader import correct

    made = []
    avoid = set_aside(read_history(demo.project))
    for suggestion in suggest(demo.project, avoid)[:count]:
        case = demo.project.case(suggestion.case)
        proposal = case.latest_proposal(avoid)
        if proposal is None:
            continue
        result = correct(proposal.read_labels().array, read_labels(demo.truth[case.name]).array)
        saved = case.save_labels(result, author=READER, origin="corrected", run=proposal.run, note=suggestion.reason)
        for other in others:
            other.project.case(case.name).save_labels(result, author=READER, origin="corrected")
        made.append(Correction(case.name, suggestion.score, saved.dice_to_proposal))
    for one in (demo, *others):
        one.project.refresh()
    return tuple(made)
