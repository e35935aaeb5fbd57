"""The case on the screen: opening, drafts, correcting, finishing. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .autosave import Autosave
from .board import Board
from .completing import Completed, completed, completed_labels
from .editing import Place
from .jobs import Jobs
from .loading import ShownCase, ShownProposal, load_proposal
from .prefetch import Prefetch
from .recovering import say_recovered
from .saving import Draft, Finished, save_draft, save_finished
from .state import OpenCase, PanelState
from .strokework import StrokeKeeper

if TYPE_CHECKING:
    from ..project import Project


AGAIN = "{} is a draft again: you changed it. Training uses it as it was; mark it again when you are done."
REOPENED = "{} is a draft again, as it was before. What nobody had looked at is 'not looked at' again."


class View(Protocol):
    """What is asked of the viewer."""

    def show_case(self, case: ShownCase) -> None: ...

    def show_proposal(self, proposal: ShownProposal) -> None: ...

    def labels(self) -> np.ndarray | None:
        """The live array of the labels on screen, as shown; not a copy."""

    def copy_proposal(self) -> None:
        """Fill what is not looked at with the proposal's structures, as one undoable step."""

    def write(self, places: np.ndarray, values: np.ndarray) -> None:
        """Change the labels at flat places, as one undoable step."""

    def take(self, labels: np.ndarray) -> None:
        """Change the labels to these, as one undoable step, however large."""

    def show_overlay(self, shown: bool) -> None:
        """Show or hide the proposal."""

    def clear(self) -> None: ...


class CaseDesk:
    """At most one case; what is drawn on it is never lost.

    Parameters
    ----------
    changed : callable
        Called when a save may have changed the project: now (True) or when there is time (False).

    Attributes
    ----------
    edits : int
        Grows whenever the labels may have changed.
    writes : int
        Grows whenever something was written to them.
    failed : int
        Saves that failed.
    """

    def __init__(
        self, board: Board, view: View, jobs: Jobs, clock: Callable[[], float], author: str,
        changed: Callable[[bool], None],
    ) -> None:  # fmt: skip
        self._board, self._view, self._jobs = board, view, jobs
        self._clock, self._author, self._changed = clock, author, changed
        self._ahead = Prefetch(jobs, lambda: changed(False))
        self._looked: PanelState | None = None
        self._project: Project | None = None
        self._shown: ShownCase | None = None
        self._autosave = Autosave()
        self._asked = 0
        self._copying = False
        self._completed: Completed | None = None
        self._window = ""
        self._keeper: StrokeKeeper | None = None
        self._listeners: list[Callable[[ShownCase], None]] = []
        self.edits = self.writes = self.failed = 0

    def listen(self, told: Callable[[ShownCase], None]) -> None:
        """Tell of each case that comes on the screen, and of each new proposal of it."""
        self._listeners.append(told)

    def take(self, project: Project, window: str = "") -> None:
        """Work on this project from now on; `window` is the name of this window's lease."""
        self.leave()
        self._project, self._window = project, window
        self._ahead.take(Path(project.root), window)
        self._view.clear()

    def open(self, name: str, why: str = "") -> None:
        """Put a case on the screen; what was drawn on the one before is saved first.

        Parameters
        ----------
        why : str
            Why this one, for a case that nobody chose by name: the person is told.
        """
        project = self._project
        if project is None:
            return
        self.leave()
        self._asked += 1
        ticket = self._asked
        self._board.set(loading=name, message=None)

        def done(shown: ShownCase) -> None:
            if ticket == self._asked:  # else another case was asked for meanwhile
                self._opened(shown)
                if why:
                    self._say_why(shown.name, why)

        def failed(error: Exception) -> None:
            if ticket == self._asked:
                self._board.set(loading=None)
                self._board.failed(error)
                self._changed(True)  # the list says it, and goes on without the case

        lane, work = self._ahead.opening(project, name)
        self._jobs.submit(lane, work, done, failed)

    def edited(self, sure: bool = True) -> None:
        """A stroke or a fill, or (not `sure`) perhaps an undo: the next save finds out."""
        self.edits += 1
        case = self._board.facts.case
        if self._shown is None or case is None:
            return
        self._autosave.edited(self._clock(), sure)
        if sure and case.save not in ("unsaved", "saving"):
            self._board.set_case(save="unsaved")

    def wrote(self, place: Place) -> None:
        """Something was written to the labels: it is on the disk within moments, whenever the next draft is."""
        self.writes += 1
        live = self._view.labels()
        if self._keeper is not None and live is not None:
            self._keeper.wrote(live, place)

    def stroked(self) -> None:
        """A stroke was finished: they are counted."""
        if self._shown is not None and not self._copying:
            self._autosave.stroked()

    def correct(self) -> None:
        """Begin the correction: the proposal's structures become labels, as one undoable step."""
        case = self._board.facts.case
        if case is None or case.proposal is None:
            return
        self._copying = True  # a step of undo, but no stroke
        self._view.copy_proposal()
        self._copying = False
        self._board.set_case(copied=True, based_on=case.proposal)
        self.edited()

    def write(self, places: np.ndarray, values: np.ndarray) -> None:
        """Decide a part of the proposal: labels change at flat places, as one undoable step."""
        case = self._board.facts.case
        if case is None or case.proposal is None:
            return
        self.change(places, values)
        self._board.set_case(based_on=case.based_on or case.proposal)

    def change(self, places: np.ndarray, values: np.ndarray) -> None:
        """Labels change at flat places, as one undoable step that is no stroke."""
        if self._shown is None:
            return
        self._copying = True
        self._view.write(places, values)
        self._copying = False
        self.edited()

    def finish(self, *, accept: bool, whole: bool = True, then: Callable[[], None] = lambda: None) -> None:
        """Declare the case labelled; what that fills in is one step of undo.

        Parameters
        ----------
        accept : bool
            Take the proposal wherever the person did not draw.
        whole : bool
            The person looked at the whole scan: the rest is background.
        then : callable
            Called once the save is under way.
        """
        case, shown, project = self._board.facts.case, self._shown, self._project
        if case is None or shown is None or project is None or (accept and case.proposal is None):
            return
        if not (accept or whole):
            self._unfill()
        live = self._view.labels()
        if live is None:
            return
        autosave, keeper = self._autosave, self._keeper
        proposal = shown.proposal.labels if accept and shown.proposal is not None else None
        drawn = completed_labels(live, proposal, whole=False)
        after = completed_labels(drawn, None, whole=True) if whole else drawn
        if not np.array_equal(live, after):
            self._completed = completed(shown.name, live, after, case.based_on, case.copied, case.complete)
            self._take(after)
            self.edits += 1
        elif self._completed is None or self._completed.case != shown.name:
            self._completed = completed(shown.name, live, after, case.based_on, case.copied, case.complete)
        if accept:
            self._board.set_case(copied=True, based_on=case.proposal)
            self._view.show_overlay(False)
        based_on = case.proposal if accept else case.based_on
        minutes, strokes, author = autosave.minutes(), autosave.strokes(), self._author
        autosave.taken()
        logs, session = ((), "") if keeper is None else (keeper.taken(), keeper.session)
        self._board.set_case(save="saving")

        def work() -> Finished:
            return save_finished(
                project, shown, drawn, whole=whole, author=author, minutes=minutes, strokes=strokes, session=session,
                based_on=based_on,
            )  # fmt: skip

        def done(finished: Finished) -> None:
            autosave.saved_copy = after
            autosave.done()
            if keeper is not None:
                keeper.saved(logs, finished.revision)
            if self._shown is shown:
                self._board.set_case(
                    save="unsaved" if autosave.drawn else "saved", complete=True, can_reopen=self._can_reopen()
                )
            self._say_finished(finished.sentence)
            self._changed(True)

        self._jobs.submit("disk", work, done, lambda error: self._not_saved(autosave, error))
        then()

    def reopen(self) -> None:
        """Take back that the case was completed: it is a draft as it was before, with what was drawn since."""
        case = self._board.facts.case
        if case is None or not self._can_reopen():
            return
        self._unfill()
        self._autosave.saved_copy = None  # a revision of its own, also where no voxel changed
        self._autosave.edited(self._clock())
        self.save()
        self._board.say("info", REOPENED.format(case.name))

    def fetch_proposal(self, run: str | None = None) -> None:
        """The case on screen may have a new proposal: it comes as new layers, the labels are not touched.

        Parameters
        ----------
        run : str, optional
            Whose proposal a person wants to see; by default the best there is.
        """
        project, shown = self._project, self._shown
        if project is None or shown is None:
            return

        def done(proposal: ShownProposal | None) -> None:
            case, now = self._board.facts.case, self._shown
            if case is None or now is None or now.display is not shown.display or proposal is None:
                return
            self._board.set_case(proposals=proposal.runs)
            if proposal.run == case.proposal:
                return
            self._shown = replace(now, proposal=proposal)
            self._view.show_proposal(proposal)
            self._board.set_case(
                proposal=proposal.run, proposal_score=proposal.score, copied=False, maps=tuple(proposal.maps)
            )
            self._tell(self._shown)

        self._jobs.submit(
            "disk",
            lambda: load_proposal(project, shown.name, shown.display, shown.channels[0], run),
            done,
            self._board.failed,
        )

    def tick(self) -> None:
        """Save a draft when it is time; have the next case read meanwhile."""
        self._look_ahead()
        case = self._board.facts.case
        if case is not None and self._autosave.due(self._clock()):
            self.save()

    def save(self) -> None:
        """Save what is on the labels layer as a draft now; nothing when nothing changed since the last save."""
        shown, project, case = self._shown, self._project, self._board.facts.case
        live = self._view.labels()
        if shown is None or project is None or case is None or live is None or not self._autosave.dirty:
            return
        if self._can_reopen() and self._completed is not None and self._completed.is_undone(live):
            self._as_before(self._completed)
            case = self._board.facts.case or case
        drawn = live.copy()  # now, so that it is known which strokes are in it: a third of a second for 10⁹ voxels
        autosave, author, based_on = self._autosave, self._author, case.based_on
        minutes, strokes, keeper = autosave.minutes(), autosave.strokes(), self._keeper
        autosave.taken()
        logs, session = ((), "") if keeper is None else (keeper.taken(), keeper.session)
        if case.save == "unsaved":
            self._board.set_case(save="saving")

        def work() -> Draft | None:
            return save_draft(
                project, shown, drawn, autosave.saved_copy, author=author, minutes=minutes,
                strokes=strokes, session=session, based_on=based_on,
            )  # fmt: skip

        def done(saved: Draft | None) -> None:
            autosave.done()
            if keeper is not None:
                keeper.saved(logs, None if saved is None else saved.revision)
            if saved is not None:
                autosave.saved_copy = saved.shown
            now = self._board.facts.case
            if saved is not None:
                self._changed(now is not None and self._autosave is autosave and now.complete)
            if self._autosave is not autosave or now is None:
                return
            if saved is not None or now.save != "clean":
                self._board.set_case(save="unsaved" if autosave.drawn else "saved")
            if saved is not None:
                if now.complete:
                    self._board.say("info", AGAIN.format(shown.name))
                self._board.set_case(complete=False, can_reopen=False)

        self._jobs.submit("disk", work, done, lambda error: self._not_saved(autosave, error))

    def _take(self, labels: np.ndarray) -> None:
        """Labels as a whole, as one step of undo that is no stroke."""
        self._copying = True
        self._view.take(labels)
        self._copying = False

    def _can_reopen(self) -> bool:
        return self._completed is not None and self._shown is not None and self._completed.case == self._shown.name

    def _unfill(self) -> None:
        """What completing filled in is *not looked at* again, unless somebody drew there since."""
        live = self._view.labels()
        if live is None or self._completed is None or not self._can_reopen():
            return
        before = self._completed.before(live)
        if not np.array_equal(live, before):
            self._take(before)
            self.edits += 1
        self._as_before(self._completed)

    def _as_before(self, completed: Completed) -> None:
        """What is known of the case is as it was before it was completed."""
        case = self._board.facts.case
        if case is not None and case.copied and not completed.copied:
            self._view.show_overlay(True)
        self._completed = None
        self._board.set_case(copied=completed.copied, based_on=completed.based_on, can_reopen=False)

    def _say_finished(self, sentence: str) -> None:
        """Before what was said of the next case, which may be on the screen before the save is done."""
        level, said = self._board.facts.message or ("info", "")
        after = said if level == "info" and said.startswith("Now ") else ""
        self._board.say("info", f"{sentence} {after}".strip())

    def _look_ahead(self) -> None:
        facts, state = self._board.facts, self._board.state
        if state is self._looked:
            return
        self._looked, following = state, state.next_case
        if facts.case is not None and not facts.loading and following is not None:
            known = next((case for case in state.cases if case.name == following), None)
            self._ahead.wish(following, None if known is None else (known.run, known.score, known.by))

    def leave(self) -> None:
        """Save what was drawn and let go of the case."""
        self.save()
        self._shown = self._keeper = None
        self._autosave = Autosave()
        if self._board.facts.case is not None:
            self._board.set(case=None)

    def _opened(self, shown: ShownCase) -> None:
        self._shown = shown
        again = shown.recovered.again
        self._autosave = Autosave(saved_copy=None if again else shown.labels.copy())
        assert self._project is not None
        self._keeper = StrokeKeeper(
            self._jobs, self._project, shown, self._author, self._window, self._board.failed
        )  # fmt: skip
        self._view.show_case(shown)
        proposal = shown.proposal
        self._board.set(
            loading=None,
            case=OpenCase(
                name=shown.name,
                proposal=None if proposal is None else proposal.run,
                proposals=() if proposal is None else proposal.runs,
                proposal_score=None if proposal is None else proposal.score,
                based_on=shown.based_on,
                copied=proposal is not None and shown.based_on == proposal.run,
                complete=shown.complete,
                can_reopen=shown.complete and self._can_reopen(),
                save="saved" if shown.revision else "clean",
                maps=() if proposal is None else tuple(proposal.maps),
            ),
        )
        self._tell(shown)
        if words := " ".join(part for part in (*shown.lost, say_recovered(shown.name, shown.recovered)) if part):
            self._board.say("warning", words)
        if again:
            self.edited()
            self.save()

    def _say_why(self, name: str, why: str) -> None:
        """After what was said of the case before, if that was no trouble."""
        level, said = self._board.facts.message or ("info", "")
        if level == "info":
            self._board.say("info", f"{said} Now {name}: {why[:1].lower()}{why[1:].rstrip('.')}.".strip())

    def _tell(self, shown: ShownCase) -> None:
        for told in self._listeners:
            told(shown)

    def _not_saved(self, autosave: Autosave, error: Exception) -> None:
        self.failed += 1
        autosave.failed(self._clock())
        if self._autosave is autosave:
            self._board.set_case(save="failed")
        self._board.failed(error)
