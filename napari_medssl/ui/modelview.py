"""The model in use, in words: pure. It holds every run against every other: not for the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..runs.champion import candidates, chosen_run, model_before, model_to_use, newest_of
from ..runs.history import PastRun


@dataclass(frozen=True)
class ModelView:
    """The model in use, the candidates, and the way back.

    Attributes
    ----------
    text : str
        Which one it is, and who decided.
    news : tuple of str
        What there is to say of candidates, a sentence each.
    better : str
        The candidate to use instead: the newest that did better; empty without one.
    back : str
        The run to go back to; empty without one.
    is_chosen : bool
        Whether a person chose, so that the choice can be left to the program again.
    """

    text: str = ""
    news: tuple[str, ...] = ()
    better: str = ""
    back: str = ""
    is_chosen: bool = False


def model_view(runs: Sequence[PastRun]) -> ModelView:
    """The model in use among the runs of a project, oldest first."""
    model, newer, before = model_to_use(runs), candidates(runs), model_before(runs)
    if model is None:
        return ModelView()
    better = next((one.run for one in newer if one.standing == "better"), "")
    return ModelView(
        text=f"In use: {model.run} ({_decided(model)}).",
        news=tuple(one.text for one in newer),
        better=better,
        back="" if before is None else before.run,
        is_chosen=chosen_run(runs) is not None,
    )


def _decided(model: PastRun) -> str:
    if model.chosen is None:
        return newest_of(model)
    when = f" on {model.chosen.time[:10]}" if model.chosen.time else ""
    return f"{model.chosen.author or 'a person'} chose it{when}"
