"""The tour on the sample project: steps as data, and how one goes on. Pure.

A step ends when what it asks for is done, as the state of the dock shows; no clock has a say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import PanelState

SAMPLE = "MedSSL sample"  # the name of its project
DEMO = "MedSSL demo"  # that of the one that `napari-medssl demo` makes


@dataclass(frozen=True)
class Seen:
    """What the tour looks at: the dock's state, and what was opened since the step began ("progress", "help")."""

    state: PanelState
    opened: frozenset[str] = frozenset()


Done = Callable[[Seen, Seen], bool]  # what was seen when the step began, what is seen now


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes
    ----------
    key : str
        Kept on the disk, to go on there.
    points : tuple of str
        Names of the control to use, the nearest first: the first one that is in sight is framed.
    done : callable
        Whether it was done.
    page : str
        A page of the documentation that says more.
    read : bool
        There is only something to read: the person says when to go on.
    """

    key: str
    title: str
    words: str
    points: tuple[str, ...]
    done: Done
    page: str = ""
    read: bool = False


@dataclass(frozen=True)
class Place:
    """How far a person is on the tour: the number of the step, and what was seen when it began."""

    number: int = 0
    began: Seen | None = None


@dataclass(frozen=True)
class TourView:
    """What the panel shows.

    Attributes
    ----------
    number : int
        Of the step; 0: the tour is only offered.
    words : str
        Names of controls between asterisks.
    """

    number: int
    of: int
    title: str
    words: str
    points: tuple[str, ...] = ()
    page: str = ""
    last: bool = False
    read: bool = False


def _in_sample(then: Seen, now: Seen) -> bool:
    return now.state.title == SAMPLE and now.state.actions.can_label


def _another_case(then: Seen, now: Seen) -> bool:
    return now.state.actions.can_label and now.state.current != then.state.current


def _painted(then: Seen, now: Seen) -> bool:
    return now.state.actions.save_text in ("Changes not saved yet", "Saving …", "Draft saved")


def _read(then: Seen, now: Seen) -> bool:
    return False


def _labelled(then: Seen, now: Seen) -> bool:
    return now.state.progress[0] > then.state.progress[0]


def _training(then: Seen, now: Seen) -> bool:
    return now.state.run.under_way


def _proposed(then: Seen, now: Seen) -> bool:
    return not now.state.run.under_way and any(case.status == "proposed" for case in now.state.cases)


def _proposal_seen(then: Seen, now: Seen) -> bool:
    return now.state.actions.can_accept and _another_case(then, now)


def _region(then: Seen, now: Seen) -> bool:
    return now.state.review.current is not None


def _decided(then: Seen, now: Seen) -> bool:
    return _closed(now) > _closed(then)


def _closed(seen: Seen) -> int:
    return sum(line.state in ("accepted", "rejected", "corrected") for line in seen.state.review.lines)


def _corrected(then: Seen, now: Seen) -> bool:
    copied = then.state.actions.can_correct and not now.state.actions.can_correct and now.state.actions.can_accept
    return copied or any(line.state == "corrected" for line in now.state.review.lines)


def _opened(what: str) -> Done:
    return lambda then, now: what in now.opened


STEPS: tuple[Step, ...] = (
    Step(
        "sample",
        "Open the sample project",
        "Press *Try the sample project*; where a project is open, it is under *Open*. It is 16 made-up scans, 3 of "
        "them labelled. Nothing is downloaded.",
        ("welcome.sample", "header.Open"),
        _in_sample,
        "projects.md",
    ),
    Step(
        "case",
        "Open a case",
        "The list shows all cases. Double-click another one that is not labelled.",
        ("cases.table",),
        _another_case,
        "in-napari.md",
    ),
    Step(
        "paint",
        "Choose a structure and paint",
        "Press *Label*, choose a structure, and paint a little of it on the scan. Ctrl+Z takes a stroke back.",
        ("label.structures", "header.Label"),
        _painted,
    ),
    Step(
        "keep",
        "It is kept",
        "Drafts are saved by themselves: soon *Draft saved* stands here. *Mark as complete* is for a scan that is "
        "painted throughout, *Only what I drew* for a few strokes. Neither is needed now.",
        ("label.save", "header.Label"),
        _read,
        read=True,
    ),
    Step(
        "train",
        "Train for 2 minutes",
        "Press *Train*, set 2 minutes, leave the method as *Recommended*, and press *Train* below. "
        "It learns in the background.",
        ("train.start", "header.Train"),
        _training,
        "labels-only.md",
    ),
    Step(
        "doubt",
        "Meanwhile: what doubt means",
        "The model also says where it is unsure: bright is unsure. That is no measured chance of being wrong. "
        "*Read more* if you like, or go on labelling. This step ends when the proposals are there.",
        ("train.run", "header.Train"),
        _proposed,
        "uncertainty.md",
    ),
    Step(
        "next",
        "Look at a proposal",
        "Press *Next*. It opens the case that is most worth a look. The outline is what the model proposes.",
        ("header.Next",),
        _proposal_seen,
    ),
    Step(
        "region",
        "Go to a doubtful region",
        "Press *Review*, then *Next* below the list, or Alt+N. All planes go there, and a frame marks it.",
        ("review.region", "header.Review"),
        _region,
        "uncertainty.md",
    ),
    Step(
        "decide",
        "Decide about the region",
        "*Accept* it (Alt+Y) where the proposal is right, or *Make background* of it (Alt+R). You can also paint "
        "there.",
        ("review.decide", "header.Review"),
        _decided,
    ),
    Step(
        "correct",
        "Correct the rest",
        "Press *Correct* (Alt+E). The proposal becomes yours to mend with the brush; what you drew stays.",
        ("review.correct", "header.Review"),
        _corrected,
    ),
    Step(
        "accept",
        "Accept, and go on",
        "Press *Accept, next* (Alt+D). The case then counts as labelled, and the next one opens.",
        ("review.accept", "header.Review"),
        _labelled,
    ),
    Step(
        "progress",
        "See how the work goes on",
        "*Open ▸ Progress …* shows whether proposals get better and the work gets less.",
        ("header.Open",),
        _opened("progress"),
        "progress.md",
    ),
    Step(
        "help",
        "Where the help is",
        "The *?* at the top has all keys, this tour, the documentation, and diagnostics for whoever helps you. "
        "Open the keys.",
        ("header.question",),
        _opened("help"),
        "index.md",
    ),
)


def begin(key: str | None, seen: Seen) -> Place:
    """Begin at a step, or with the first one."""
    number = next((n for n, step in enumerate(STEPS) if step.key == key), 0)
    return Place(number, seen)


def follow(place: Place, seen: Seen) -> Place | None:
    """Where one is when something was seen; None after the last step. One step at a time."""
    if place.began is None:
        return Place(place.number, seen)
    return on(place, seen) if STEPS[place.number].done(place.began, seen) else place


def on(place: Place, seen: Seen) -> Place | None:
    """The next step, whether this one was done or not; None after the last."""
    return Place(place.number + 1, Seen(seen.state)) if place.number + 1 < len(STEPS) else None


def shown(view: TourView | None, never: bool, title: str) -> TourView | None:
    """What stands above everything: the tour, or the offer of one to whom it `never` was made.

    Who came by the first page of the dock has seen the offer there; who came by `napari-medssl demo` or napari's
    samples has not.
    """
    if view is None and never and title in (SAMPLE, DEMO):
        words = "A tour of the sample project shows how it goes, in under ten minutes."
        return TourView(0, len(STEPS), "New here?", words)
    return view


def tour_view(place: Place | None) -> TourView | None:
    """What to show of it."""
    if place is None:
        return None
    step = STEPS[place.number]
    return TourView(
        place.number + 1,
        len(STEPS),
        step.title,
        step.words,
        step.points,
        step.page,
        place.number == len(STEPS) - 1,
        step.read,
    )
