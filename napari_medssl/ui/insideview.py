"""What the Review page says of looking inside a model. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..runs.history import PastRun

if TYPE_CHECKING:
    from .loading import ShownInside


@dataclass(frozen=True)
class InsidePicture:
    """A picture that can be shown: its layer's name, what it is, and what goes with it."""

    name: str
    title: str
    caption: str


@dataclass(frozen=True)
class Inside:
    """What is known of the inside of a run's model, with the case on the screen; `busy` while it is looked at."""

    run: str
    busy: bool = False
    pictures: tuple[InsidePicture, ...] = ()
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, shown: ShownInside) -> Inside:
        """Of what a look found."""
        pictures = tuple(InsidePicture(one.name, one.title, one.caption) for one in shown.pictures)
        return cls(shown.run, False, pictures, shown.missing)


@dataclass(frozen=True)
class InsideState:
    """What the page draws.

    Attributes
    ----------
    runs : tuple of str
        Those with a model, the newest first.
    usual : str
        The one to begin with: whose proposal is on the screen, or the newest.
    """

    runs: tuple[str, ...] = ()
    usual: str = ""
    can_look: bool = False
    busy: bool = False
    text: str = ""
    pictures: tuple[InsidePicture, ...] = ()


def inside_state(runs: Sequence[PastRun], proposal: str | None, inside: Inside | None, has_case: bool) -> InsideState:
    """What to show, given the runs of the project, the run of the proposal, and what is known of the inside."""
    models = [run.run for run in reversed(runs) if run.has_model and run.task == "train"]
    source = next((run for run in runs if run.run == proposal), None)
    wanted = source.start_from if source is not None and source.task == "predict" else proposal
    usual = wanted if wanted in models else (models[0] if models else "")
    if not models:
        text = "Train first: there is no model to look into yet."
    elif not has_case:
        text = "Open a case to look with."
    elif inside is None:
        text = ""
    elif inside.busy:
        text = f"Looking inside {inside.run} …"
    else:
        text = "\n".join(inside.missing)
    return InsideState(
        runs=tuple(models),
        usual=str(usual),
        can_look=has_case and bool(models),
        busy=inside is not None and inside.busy,
        text=text,
        pictures=() if inside is None else inside.pictures,
    )
