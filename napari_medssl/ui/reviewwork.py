"""Reviewing the proposal on the screen, region by region. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..project.reviews import Decision, Verb, add_decisions, decide
from .board import Board
from .deciding import Part, border_changes, changes_of, concerns, state_of, was_painted
from .jobs import Jobs
from .loading import ShownCase, ShownProposal
from .reviewview import RegionLine, Review, region_line

if TYPE_CHECKING:
    from ..project import Project
    from .casework import CaseDesk

GO_FIRST = "Go to a region first: Alt+N."
NO_CASE = "No case is open: Alt+G opens the one that is suggested next."
NOTHING = "There is no proposal for this case: open one that is to review, or train first."
DID = {
    "accept": "{} voxels are as proposed now.",
    "reject": "{} voxels are background now.",
    "redo": "{} voxels are 'not looked at' again.",
    "correct": "{} voxels were changed.",
}
CALM = "No region of this proposal stands out. Look it through, then accept it."


class ReviewScreen(Protocol):
    """What is asked of the viewer."""

    def labels(self) -> np.ndarray | None:
        """The live array of the labels on screen, as shown; not a copy."""

    def look_at(self, box: Sequence[tuple[int, int]], centre: Sequence[int], places: np.ndarray | None = None) -> None:
        """Go to a place in all planes, close up, and mark it; `places` are its voxels, flat, to be outlined."""

    def show_doubt_there(self, shown: bool) -> None:
        """Fade the map of doubt in while a region is open, unless a person has one on the screen; fade it out."""

    def show_change(self, places: np.ndarray, values: np.ndarray) -> None:
        """Show what voxels would become; nothing of nothing."""

    def slice_shown(self) -> tuple[int, int] | None:
        """Axis and number of the slice on the screen; None where none is."""


class ReviewDesk:
    """The regions of the proposal on the screen, and what was decided about them."""

    def __init__(self, board: Board, view: ReviewScreen, jobs: Jobs, cases: CaseDesk, author: str) -> None:
        self._board, self._view, self._jobs, self._cases, self._author = board, view, jobs, cases, author
        self._project: Project | None = None
        self._case = ""
        self._proposal: ShownProposal | None = None
        self._decisions: tuple[Decision, ...] = ()
        self._verbs: list[list[Verb]] = []
        self._made: dict[str, NDArray[np.intp]] = {}  # of regions between two classes: what was made one of them
        self._before: list[NDArray[np.uint8]] = []  # the labels in each region when last looked at
        self._seen_edits = 0

    def take(self, project: Project) -> None:
        """Work on this project from now on."""
        self._project, self._proposal = project, None

    def show(self, shown: ShownCase) -> None:
        """Another case, or another proposal of it, has come on the screen."""
        proposal = self._proposal = shown.proposal
        if proposal is None:
            self._board.set_case(review=None)
            return
        self._made = {}
        self._case, self._decisions = shown.name, proposal.doubt.decisions
        self._sort_decisions()
        self._before = self._here()
        found = zip(proposal.doubt.regions.found, proposal.doubt.tiles, strict=True)
        lines = (region_line(region, tile, shown.display) for region, tile in found)
        self._board.set_case(review=Review(lines=self._judged(tuple(lines))))

    def tick(self) -> None:
        """Look whether somebody painted in a region."""
        if self._cases.edits != self._seen_edits:
            self._look()

    def go(self, step: int) -> None:
        """Go to the next region that is open (1), or to the one before in the list (-1)."""
        review = self._review
        if review is None or not review.lines:
            self._board.say("info", self._why_nothing() if review is None else CALM)
            return
        count = len(review.lines)
        here = review.current or (0 if step > 0 else 1)
        order = [(here - 1 + step * away) % count + 1 for away in range(1, count + 1)]
        still_open = [number for number in order if step > 0 and review.lines[number - 1].state == "open"]
        self.go_to((still_open or order)[0])

    def _why_nothing(self) -> str:
        return NO_CASE if self._board.facts.case is None else NOTHING

    def go_to(self, number: int) -> None:
        """Go to the region of that number."""
        review, proposal = self._review, self._proposal
        if review is not None and proposal is not None and 1 <= number <= len(review.lines):
            regions = proposal.doubt.regions
            region = regions.found[number - 1]
            self._view.look_at(region.box, region.centre, regions.places[number - 1])
            self._set(replace(review, current=number))
            self._fade()

    def region_box(self) -> tuple[slice, ...] | None:
        """The box of the region that one has gone to; None where there is none."""
        review, proposal = self._review, self._proposal
        if review is None or review.current is None or proposal is None:
            return None
        return tuple(slice(first, end) for first, end in proposal.doubt.regions.found[review.current - 1].box)

    def decide(self, verb: Verb, part: Part) -> None:
        """Accept, reject or take back, as one step of undo, for a part; a region or slice without `what` is the one on
        the screen.
        """
        labels, review, proposal = self._view.labels(), self._review, self._proposal
        if labels is None or review is None or proposal is None:
            self._board.say("info", self._why_nothing())
            return
        found = self._found(part, review)
        if found is None:
            return
        if verb == "reject" and found.scope == "region" and self._is_border(found, review):
            self._board.say("info", self._board.state.review.border_hint)
            return
        if verb == "accept" and found.scope == "case":
            self._cases.finish(accept=True)
        else:
            places, values = changes_of(
                verb, found, labels, proposal.labels, proposal.doubt.regions, self._decisions
            )  # fmt: skip
            if not places.size and verb == "accept" and self._is_rejected(found, review):
                self._board.say("info", "This region was rejected. Alt+X takes that back; then accept it.")
                return
            if places.size:
                self._cases.write(places, values)
            if found.scope != "region":
                self._board.say("info", f"{DID[verb].format(f'{places.size:,}')} One Ctrl+Z takes it back.")
        self._note(decide(verb, found.scope, found.what, self._author))
        self._look(after=found.scope != "region" and (verb, found.scope) != ("accept", "case"))
        self._fade()

    def make(self, value: int) -> None:
        """Make the region on the screen, which is a border between two classes, one of them; one step of undo."""
        labels, review, proposal = self._view.labels(), self._review, self._proposal
        if labels is None or review is None or proposal is None or review.current is None:
            self._board.say("info", self._why_nothing() if review is None else GO_FIRST)
            return
        line = review.lines[review.current - 1]
        if value not in line.between:
            self._board.say("info", "This region is no border of that structure. Accept it, or draw.")
            return
        places, values = self._border(value, review.current)
        if not places.size:
            self._board.say("info", "Nothing to change: it is so already, or you drew there yourself.")
            return
        self._cases.write(places, values)
        before = self._made.get(line.key, np.zeros(0, np.intp))
        self._made[line.key] = np.union1d(before, places)
        self._note(decide("correct", "region", line.key, self._author))
        self._look()
        self._fade()

    def preview(self, verb: Verb | None, value: int | None = None) -> None:
        """Show what a decision about the region on the screen would make of it; neither verb nor value: no more."""
        labels, review, proposal = self._view.labels(), self._review, self._proposal
        places, values = np.zeros(0, np.intp), np.zeros(0, np.uint8)
        if labels is not None and review is not None and review.current is not None and proposal is not None:
            part = Part("region", review.lines[review.current - 1].key)
            if value is not None:
                places, values = self._border(value, review.current)
            elif verb is not None:
                places, values = changes_of(
                    verb, part, labels, proposal.labels, proposal.doubt.regions, self._decisions
                )  # fmt: skip
        self._view.show_change(places, values)

    # --- within

    def _border(self, value: int, number: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        labels, proposal = self._view.labels(), self._proposal
        assert labels is not None
        assert proposal is not None
        regions = proposal.doubt.regions
        made = self._made.get(regions.found[number - 1].key)
        return border_changes(value, regions.places[number - 1], labels, proposal.labels, made)

    def _fade(self) -> None:
        """Doubt is in sight while the region that one went to is open; what was shown as a change is done."""
        review = self._review
        is_open = review is not None and review.current is not None and review.lines[review.current - 1].state == "open"
        self._view.show_doubt_there(is_open)
        self._view.show_change(np.zeros(0, np.intp), np.zeros(0, np.uint8))

    @property
    def _review(self) -> Review | None:
        case = self._board.facts.case
        return None if case is None or self._proposal is None else case.review

    def _set(self, review: Review) -> None:
        self._board.set_case(review=review)

    def _found(self, part: Part, review: Review) -> Part | None:
        """The part with what it is; None, and a word to the person, where it is none."""
        if part.scope == "region" and not part.what:
            if review.current is None:
                self._board.say("info", GO_FIRST)
                return None
            return Part("region", review.lines[review.current - 1].key)
        if part.scope == "slice" and not part.what:
            at = self._view.slice_shown()
            if at is None:
                self._board.say("info", "There is no single slice on the screen. Turn to slices (2-D) first.")
                return None
            return Part("slice", f"{at[0]}/{at[1]}")
        return part

    @staticmethod
    def _is_rejected(part: Part, review: Review) -> bool:
        return any(line.state == "rejected" for line in review.lines if line.key == part.what)

    @staticmethod
    def _is_border(part: Part, review: Review) -> bool:
        return any(bool(line.between) for line in review.lines if line.key == part.what)

    def _note(self, decision: Decision) -> None:
        """Keep a decision, on disk too."""
        self._decisions = (*self._decisions, decision)
        self._sort_decisions()
        project, proposal, name = self._project, self._proposal, self._case
        if project is not None and proposal is not None:
            run = proposal.run
            self._jobs.submit(
                "disk", lambda: add_decisions(project.case(name), run, (decision,)), _nothing, self._board.failed
            )

    def _sort_decisions(self) -> None:
        """Which decisions are about which region."""
        assert self._proposal is not None
        found, given = self._proposal.doubt.regions.found, self._given()
        self._verbs = [
            [one.verb for one in self._decisions if concerns(one, region, proposed)]
            for region, proposed in zip(found, given, strict=True)
        ]

    def _look(self, after: bool = False) -> None:
        """See what has become of the regions; that all are reviewed is said, `after` what was said just now."""
        review = self._review
        self._seen_edits = self._cases.edits
        if review is None or self._view.labels() is None:
            return
        here = self._here()
        judged = self._judged(review.lines)
        for line, before, now, proposed in zip(judged, self._before, here, self._given(), strict=True):
            if line.state in ("open", "before") and was_painted(before, now, proposed):
                self._note(decide("correct", "region", line.key, self._author))
        self._before = here
        judged = self._judged(review.lines)
        if judged == review.lines:
            return
        self._set(replace(review, lines=judged))
        if all(line.state != "open" for line in judged) and any(line.state == "open" for line in review.lines):
            said = f"{(self._board.facts.message or ('info', ''))[1]} " if after else ""
            many = f"All {len(judged)} regions are" if len(judged) > 1 else "The region is"
            self._board.say(
                "info", f"{said}{many} reviewed. Alt+A accepts the case; Alt+D accepts it and opens the next one."
            )  # fmt: skip

    def _judged(self, lines: tuple[RegionLine, ...]) -> tuple[RegionLine, ...]:
        states = map(state_of, self._verbs, self._here(), self._given())
        return tuple(replace(line, state=state) for line, state in zip(lines, states, strict=True))

    def _here(self) -> list[NDArray[np.uint8]]:
        """The labels in each region."""
        labels = self._view.labels()
        return [] if labels is None else self._in_regions(labels)

    def _given(self) -> list[NDArray[np.uint8]]:
        """The proposal in each region."""
        return [] if self._proposal is None else self._in_regions(self._proposal.labels)

    def _in_regions(self, array: np.ndarray) -> list[NDArray[np.uint8]]:
        assert self._proposal is not None
        flat = array.reshape(-1)
        return [flat[places] for places in self._proposal.doubt.regions.places]


def _nothing(_: object) -> None:
    """What is noted needs no answer."""
