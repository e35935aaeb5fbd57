"""The case on the screen: opening, drafts, correcting, finishing. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .board import Board
from .completing import Completed, completed, completed_labels
from .editing import Place
from .jobs import Jobs
from .loading import ShownCase, ShownProposal, load_proposal
from .prefetch import Prefetch
from .recovering import say_recovered
from .savework import Saver
from .saving import Saved, save_draft, save_finished
from .state import OpenCase, PanelState, Save

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

    def put_away(self) -> None:
        """Let nobody draw on the labels any more: the case is left, and nothing of it would be saved."""

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
    saver : Saver
        Makes the saves.
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
        self._asked = 0
        self._copying = False
        self._completed: Completed | None = None
        self._window = ""
        self._listeners: list[Callable[[ShownCase], None]] = []
        self.saver = Saver(board, jobs, clock, author, changed)
        self.edits = self.writes = 0

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
        self._board.set(message=None)  # first: leaving the other case may say something
        self.leave()
        self._asked += 1
        ticket = self._asked
        self._board.set(loading=name)

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
        if self._shown is not None and self._board.facts.case is not None:
            self.saver.edited(sure)

    def wrote(self, place: Place) -> None:
        """Something was written to the labels: it is on the disk within moments, whenever the next draft is."""
        self.writes += 1
        live = self._view.labels()
        if self.saver.keeper is not None and live is not None:
            self.saver.keeper.wrote(live, place)

    def stroked(self) -> None:
        """A stroke was finished: they are counted."""
        if self._shown is not None and not self._copying:
            self.saver.autosave.stroked()

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

    def replace(self, labels: np.ndarray) -> None:
        """All labels become these, as one undoable step that is no stroke, and a draft at once."""
        if self._shown is not None:
            self._take(labels)
            self.edited()
            self.save()

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
        attempt = self.saver.attempt(shown, drawn, based_on, partial(self._finish_again, based_on, accept, whole))
        self._board.set_case(save="saving")

        def work() -> Saved:
            return save_finished(project, shown, drawn, attempt.basis, attempt.work, whole=whole)

        def done(finished: Saved, here: bool) -> None:
            if not finished.revision.beside:
                self._say_finished(finished.sentence)
            if here:
                save: Save = "unsaved" if attempt.autosave.drawn else "saved"
                self._board.set_case(save=save, complete=True, can_reopen=self._can_reopen())
            self._changed(True)

        self.saver.submit(attempt, work, done)
        then()

    def reopen(self) -> None:
        """Take back that the case was completed: it is a draft as it was before, with what was drawn since."""
        case = self._board.facts.case
        if case is None or not self._can_reopen():
            return
        self._unfill()
        self.saver.autosave.edited(self._clock())
        self.save(always=True)
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
        if case is not None and self.saver.autosave.due(self._clock()):
            self.save()

    def save(self, *, always: bool = False) -> None:
        """Save what is on the labels layer as a draft now; nothing when nothing changed since the last save.

        Parameters
        ----------
        always : bool
            Save a revision of its own, also where no voxel changed.
        """
        shown, project, case = self._shown, self._project, self._board.facts.case
        live = self._view.labels()
        autosave = self.saver.autosave
        if shown is None or project is None or case is None or live is None or not autosave.dirty or autosave.held:
            return  # while saves are held back, strokes are noted
        if self._can_reopen() and self._completed is not None and self._completed.is_undone(live):
            self._as_before(self._completed)
            case = self._board.facts.case or case
        drawn = live.copy()  # now, so that it is known which strokes are in it: a third of a second for 10⁹ voxels
        attempt = self.saver.attempt(shown, drawn, case.based_on, partial(self.save, always=always))
        if case.save == "unsaved":
            self._board.set_case(save="saving")

        def work() -> Saved | None:
            return save_draft(project, shown, drawn, attempt.basis, attempt.work, always=always)

        def done(saved: Saved | None, here: bool) -> None:
            now = self._board.facts.case
            if saved is not None:
                self._changed(now is not None and here and now.complete)
            if now is None or not here:
                return
            if saved is not None or now.save != "clean":
                self._board.set_case(save="unsaved" if autosave.drawn else "saved")
            if saved is not None:
                if now.complete:
                    self._board.say("info", AGAIN.format(shown.name))
                self._board.set_case(complete=False, can_reopen=False)

        self.saver.submit(attempt, work, done)

    @property
    def shown(self) -> ShownCase | None:
        """The case on the screen."""
        return self._shown

    def _finish_again(self, run: str | None, accept: bool, whole: bool) -> None:
        """Completing was refused, and a person says so: not where it was undone since, and with no later proposal."""
        live, before, case = self._view.labels(), self._completed, self._board.facts.case
        if live is None or before is None or not self._can_reopen() or before.is_undone(live):
            self.save()
        else:
            self.finish(accept=accept and case is not None and case.proposal == run, whole=whole)

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
        self.saver.leave()
        self.save()
        self.saver.end()
        if self._shown is not None:
            self._view.put_away()
        self._shown = None
        if self._board.facts.case is not None:
            self._board.set(case=None)

    def _opened(self, shown: ShownCase) -> None:
        self._shown = shown
        again = shown.recovered.again
        assert self._project is not None
        self.saver.begin(self._project, shown, self._window)
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
