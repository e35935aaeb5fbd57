"""Which model is used where nobody names one: the champion, and the candidates to take its place.

Where no person decided, the newest model that did not do worse than another (`guard.py`) is in use. A person may choose
one instead (`project/champions.py`); then newer ones are candidates until they are chosen, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import RunError
from ..project.champions import Decision, decide_champion
from .guard import figures, judge_all
from .history import PastRun, read_history
from .lineage import is_model, seen_before
from .margin import Standing, compare, margin_of
from .words import count

if TYPE_CHECKING:
    from ..project import Project

Role = Literal["in use", "candidate", "set aside", ""]


@dataclass(frozen=True)
class Candidate:
    """A model newer than the one that a person chose.

    Attributes
    ----------
    standing : str or None
        Beside the one in use, on the held-out scans that both were measured on; None: there are none.
    text : str
        In a sentence.
    """

    run: str
    standing: Standing | None
    text: str


def chosen_run(runs: Sequence[PastRun]) -> PastRun | None:
    """The run that a person chose; None where the program chooses."""
    return next((past for past in runs if past.chosen is not None and is_model(past)), None)


def set_aside(runs: Sequence[PastRun]) -> dict[str, str]:
    """Runs that are not to be used unless a person names them, and why.

    Those that did worse in a comparison, those newer than the one that a person chose, and those that learnt classes
    which were changed since. Unless classes were changed, there is always a run left.

    Parameters
    ----------
    runs : sequence of PastRun
        Those of a project, oldest first.
    """
    aside, champion = _did_worse(runs) | _retired(runs), chosen_run(runs)
    if champion is None:
        return aside
    why = f"{champion.run} is in use: {_by(champion.chosen)} chose it."
    later = {past.run: why for past in _newer(champion, runs) if is_model(past) or past.task == "predict"}
    return {run: words for run, words in (later | aside).items() if run != champion.run}


def model_to_use(runs: Sequence[PastRun]) -> PastRun | None:
    """The run whose model is used where nobody names one: the chosen one, else the newest that is not set aside.

    Parameters
    ----------
    runs : sequence of PastRun
        Those of a project, oldest first.
    """
    return next(iter(models_to_use(runs)), None)


def models_to_use(runs: Sequence[PastRun]) -> tuple[PastRun, ...]:
    """The runs whose models may be used where nobody names one, the first choice first; see `model_to_use`."""
    champion = chosen_run(runs)
    models = [past for past in runs if is_model(past)]
    models = [past for past in models if past.outcome.trained] or models  # a paused one only where there is no other
    aside = set_aside(runs)
    rest = tuple(past for past in reversed(models) if past.run not in aside and past is not champion)
    return rest if champion is None else (champion, *rest)


def model_before(runs: Sequence[PastRun]) -> PastRun | None:
    """The run to go back to: the newest one older than that in use which is not set aside."""
    now = model_to_use(runs)
    older = runs[: list(runs).index(now)] if now is not None else ()
    names = {past.run for past in older}
    return next((past for past in models_to_use(runs) if past.run in names), None)


def candidates(runs: Sequence[PastRun]) -> tuple[Candidate, ...]:
    """Models newer than the one that a person chose, newest first, and how they compare with it."""
    champion = chosen_run(runs)
    if champion is None:
        return ()
    marked = _did_worse(runs)
    newer = [past for past in _newer(champion, runs) if is_model(past) and past.outcome.trained]
    return tuple(_beside(past, champion, runs) for past in reversed(newer) if past.run not in marked)


def newest_of(model: PastRun) -> str:
    """Why the program chose a model, to follow "It is"; of one that was not measured, nobody knows how well it did."""
    return "the newest; not measured" if model.outcome.deployed is None else "the newest that did not do worse"


def tell_roles(runs: Sequence[PastRun]) -> dict[str, tuple[Role, str]]:
    """The role of each run that has one, with a sentence."""
    told: dict[str, tuple[Role, str]] = {run: ("set aside", why) for run, why in set_aside(runs).items()}
    told |= {one.run: ("candidate", one.text) for one in candidates(runs)}
    champion = model_to_use(runs)
    if champion is not None:
        by = f"{_by(champion.chosen)} chose it." if champion.chosen else f"It is {newest_of(champion)}."
        told[champion.run] = ("in use", f"Its model is used where you name no other. {by}")
    return told


def use_model(project: Project, run: str | None, *, author: str = "") -> Decision:
    """Use the model of a run from now on; with None, leave the choice to the program again.

    Raises
    ------
    RunError
        When the run has no model that segments.
    ProjectError
        When there is no such run, or the decision cannot be written down.
    """
    if run is not None and run in project.runs():
        models = [past.run for past in read_history(project) if is_model(past)]
        if run not in models:
            raise RunError(
                f"Run {run} has no model that makes proposals. Choose one of: {', '.join(models) or 'none yet'}."
            )
    return decide_champion(project, run, author=author)


def _did_worse(runs: Sequence[PastRun]) -> dict[str, str]:
    """Runs that lost a comparison with, or as, labels only, and which."""
    aside = {}
    for verdict in judge_all(runs).values():
        if verdict.standing == "worse":
            aside[verdict.run] = f"It did worse than labels only: {figures(verdict)}."
        elif verdict.standing == "better":
            aside[verdict.against] = f"{verdict.run} did better with the same labels: {figures(verdict)}."
    return aside


def _retired(runs: Sequence[PastRun]) -> dict[str, str]:
    """Runs that learnt other classes, and which."""
    return {past.run: retirement(past) for past in runs if past.retired}


def retirement(past: PastRun) -> str:
    """Why a run that learnt other classes is of no use, in a sentence."""
    return f"It learnt the structures as they were before they changed: {past.retired}."


def _newer(champion: PastRun, runs: Sequence[PastRun]) -> list[PastRun]:
    """Runs after the chosen one; predictions with its own model are its own."""
    later = runs[list(runs).index(champion) + 1 :]
    return [past for past in later if not (past.task == "predict" and past.start_from == champion.run)]


def _beside(past: PastRun, champion: PastRun, runs: Sequence[PastRun]) -> Candidate:
    mine, theirs = past.outcome.deployed, champion.outcome.deployed
    alike = past.plan is not None and champion.plan is not None and past.plan.spacing == champion.plan.spacing
    known = seen_before(past, runs) | seen_before(champion, runs)
    both = sorted(entry.case for entry in past.held_out & champion.held_out if entry.case not in known)
    if mine is None or theirs is None or not alike:
        both = []
    else:
        both = [case for case in both if case in mine.by_case and case in theirs.by_case]
    if len(both) < 2 or mine is None or theirs is None:
        text = f"Candidate {past.run}: not measured on the same held-out scans as the one in use, {champion.run}."
        return Candidate(past.run, None, text)
    dice, its = (sum(one.by_case[case] for case in both) / len(both) for one in (mine, theirs))
    differences = [mine.by_case[case] - theirs.by_case[case] for case in both]
    standing = compare(dice - its, margin_of(differences, len(both)))
    scans = count(len(both), "held-out scan")
    said = {"better": "better", "as good": "no clear difference", "worse": "worse"}[standing]
    text = (
        f"Candidate {past.run}: Dice {dice:.2f} against {its:.2f} of the one in use, {champion.run}, "
        f"on {scans} ({said})."
    )
    return Candidate(past.run, standing, text)


def _by(decision: Decision | None) -> str:
    return (decision.author if decision is not None else "") or "a person"
