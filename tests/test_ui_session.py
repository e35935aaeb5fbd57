"""The session with a real project on disk, a scripted driver and a view without a screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project

from napari_medssl.errors import RunError
from napari_medssl.project import Project
from napari_medssl.runs.events import PhaseStarted, Proposed, RunEvent, RunFinished, RunStarted
from napari_medssl.runs.outlook import Wish
from napari_medssl.runs.status import RunStatus, fold, lose
from napari_medssl.ui.loading import ShownCase, ShownProposal
from napari_medssl.ui.session import Session


class DirectJobs:
    """Does everything at once, on the spot."""

    def submit(
        self, lane: str, work: Callable[[], object], done: Callable[[object], None], failed: Callable[[Exception], None]
    ) -> None:
        """Work, then answer."""
        try:
            result = work()
        except Exception as error:
            failed(error)
        else:
            done(result)

    def close(self) -> None:
        """Nothing waits."""


class Screen:
    """A view that keeps what it is given."""

    def __init__(self) -> None:
        self.case: ShownCase | None = None
        self.proposals: list[ShownProposal] = []

    def show_case(self, case: ShownCase) -> None:
        self.case = case
        self.proposals = [case.proposal] if case.proposal else []

    def wake_preview(self) -> None:
        """Nothing is shown of it here."""

    def show_proposal(self, proposal: ShownProposal) -> None:
        self.proposals.append(proposal)

    def labels(self) -> np.ndarray | None:
        return None if self.case is None else self.case.labels

    def slice_shown(self) -> tuple[int, int] | None:
        return None

    def copy_proposal(self) -> None:
        labels, proposal = self.labels(), self.proposals[-1].labels
        assert labels is not None
        where = (labels == 255) & (proposal != 0)
        labels[where] = proposal[where]

    def take(self, labels: np.ndarray) -> None:
        live = self.labels()
        assert live is not None
        self.before, live[...] = live.copy(), labels

    def undo(self) -> None:
        """What napari's Ctrl+Z does right after `take`."""
        live = self.labels()
        assert live is not None
        live[...] = self.before

    def show_overlay(self, shown: bool) -> None:
        self.overlay = shown

    def put_away(self) -> None:
        pass

    def clear(self) -> None:
        self.case = None


class ScriptedRun:
    """A handle whose events are given to it."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.said: list[RunEvent] = []
        self.dead = ""
        self.stops: list[str] = []

    def events(self) -> list[RunEvent]:
        return []

    def status(self) -> RunStatus:
        status = fold(self.said)
        return lose(status, self.dead) if self.dead else status

    def stop(self, how: str) -> None:
        self.stops.append(how)

    def is_alive(self) -> bool:
        return not self.dead

    def wait(self, timeout: float) -> RunStatus:
        return self.status()


class Driver:
    """Starts scripted runs, and finds them again."""

    def __init__(self) -> None:
        self.runs: dict[str, ScriptedRun] = {}
        self.refuses: Exception | None = None

    def start(self, root: Path, run: str) -> ScriptedRun:
        if self.refuses:
            raise self.refuses
        return self.attach(root, run)

    def attach(self, root: Path, run: str) -> ScriptedRun:
        return self.runs.setdefault(run, ScriptedRun(run))


class World:
    """A session, its screen and driver, and a clock that is turned by hand."""

    def __init__(self, root: Path) -> None:
        self.now = 0.0
        self.screen, self.driver = Screen(), Driver()
        self._told: list[tuple[ScriptedRun, Callable[[str, RunStatus], None]]] = []
        self.session = Session(
            self.screen, self.driver, DirectJobs(), self._follow, author="anna", clock=lambda: self.now
        )
        self.session.open_project(root)
        self.project = Project.open(root)

    def _follow(self, handle: ScriptedRun, on_status: Callable[[str, RunStatus], None]) -> Callable[[], None]:
        entry = (handle, on_status)
        self._told.append(entry)
        return lambda: self._told.remove(entry) if entry in self._told else None

    def say(self, *events: RunEvent) -> None:
        """The run that is followed says something."""
        for handle, on_status in list(self._told):
            handle.said += events
            on_status(handle.run, handle.status())

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        self.session.tick()

    def paint(self, value: int = 1, at: int = 3) -> None:
        labels = self.screen.labels()
        assert labels is not None
        labels[at, 2:5, 2:5] = value
        self.session.cases.edited()

    @property
    def facts(self) -> dict[str, str]:
        return {c.name: c.status for c in self.session.state.cases}


@pytest.fixture
def world(tmp_path: Path) -> World:
    make_project(tmp_path)
    return World(tmp_path / "project")


def propose(world: World, name: str, run: str = "bcp-001") -> np.ndarray:
    """Save a proposal for a case: a box of class 2."""
    case = world.project.case(name)
    labels = np.zeros(case.grid.shape, np.uint8)
    labels[4:9, 4:9, 4:9] = 2
    world.project.run_folder(run, create=True)
    case.save_proposal(run, labels, {"entropy": np.full(case.grid.shape, 0.25)}, 0.4, {"expected_dice": {"dark": 0.6}})
    return labels


def test_a_project_opens_with_its_cases_and_counts(world: World) -> None:
    state = world.session.state
    assert state.has_project
    assert world.facts == {"case-0": "labelled", "case-1": "labelled", "case-2": "new", "case-3": "new"}
    assert state.progress == (2, 4)
    assert [c.name for c in state.classes] == ["bright", "dark"]


def test_a_bad_folder_is_one_clear_line_and_the_open_project_stays(world: World, tmp_path: Path) -> None:
    world.session.open_project(tmp_path / "nowhere")
    level, words = world.session.state.message or ("", "")
    assert level == "error"
    assert "no project" in words
    assert world.session.state.has_project


def test_a_new_case_starts_as_not_looked_at(world: World) -> None:
    world.session.cases.open("case-2")
    assert world.screen.case is not None
    assert (world.screen.case.labels == 255).all()
    assert world.screen.case.labels.shape == tuple(reversed(world.project.case("case-2").grid.shape))


def test_strokes_become_a_draft_on_the_scans_own_grid_and_keep_what_nobody_saw(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint()
    assert world.session.state.actions.save_text == "Changes not saved yet"
    world.wait(0.5)
    assert world.project.case("case-2").latest() is None, "not while strokes may go on"
    world.wait(2.0)
    revision = world.project.case("case-2").latest()
    assert revision is not None
    assert (revision.complete, revision.origin, revision.author) == (False, "drawn", "anna")
    saved = world.project.case("case-2").read_labels()
    assert saved is not None
    expected = np.full(world.screen.labels().shape, 255, np.uint8)
    expected[3, 2:5, 2:5] = 1
    np.testing.assert_array_equal(saved.array, expected.transpose(2, 1, 0)[::-1, ::-1, ::-1])
    assert world.session.state.actions.save_text == "Draft saved"
    world.wait(5.0)
    assert world.facts["case-2"] == "draft"


def test_what_only_may_have_changed_is_saved_only_when_it_has(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.cases.edited(sure=False)  # a change of slice
    assert world.session.state.actions.save_text == "Nothing to save"
    world.wait(3.0)
    assert world.project.case("case-2").latest() is None
    world.paint()
    world.wait(3.0)
    world.screen.labels()[...] = 255  # an undo says no more than a change of slice
    world.session.cases.edited(sure=False)
    world.wait(3.0)
    revisions = world.project.case("case-2").revisions()
    assert len(revisions) == 2
    assert revisions[1].parent == revisions[0].id


def test_opening_another_case_saves_the_one_before_first(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint()
    world.session.cases.open("case-3")
    assert world.project.case("case-2").latest() is not None
    assert world.session.state.current == "case-3"


def test_closing_saves_too(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint()
    world.session.close()
    world.session.close()
    assert len(world.project.case("case-2").revisions()) == 1


@pytest.mark.parametrize("whole", [True, False])
def test_complete_declares_the_rest_background_only_when_the_person_saw_it(world: World, whole: bool) -> None:
    world.session.cases.open("case-2")
    world.paint()
    world.session.cases.finish(accept=False, whole=whole)
    saved = world.project.case("case-2").read_labels()
    assert saved is not None
    assert (saved.array == 255).any() == (not whole)
    assert world.project.case("case-2").latest().complete
    assert world.session.state.progress == (3, 4)
    assert world.session.state.actions.save_text == "Saved"
    _, words = world.session.state.message or ("", "")
    assert ("is background now" in words) == whole
    assert ("stays 'not looked at'" in words) == (not whole)
    assert ("Draw a little background" in words) == (not whole)


def test_only_what_was_drawn_takes_back_that_the_whole_scan_was_looked_at(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint()
    world.session.cases.finish(accept=False, whole=True)
    world.session.cases.finish(accept=False, whole=False)
    saved = world.project.case("case-2").read_labels()
    assert saved is not None
    assert (saved.array == 255).any()


def test_who_draws_on_in_a_case_that_was_labelled_is_told_that_it_is_a_draft_again(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint()
    world.session.cases.finish(accept=False)
    world.paint(2)
    world.wait(3.0)
    assert world.session.state.progress == (2, 4)
    _, words = world.session.state.message or ("", "")
    assert "case-2 is a draft again" in words
    world.session.dismiss()
    world.paint(1)
    world.wait(3.0)
    assert world.session.state.message is None, "once"


def test_a_scan_that_nothing_was_painted_on_is_background_and_one_is_told(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.cases.finish(accept=False, whole=True)
    _, words = world.session.state.message or ("", "")
    assert "all of it is background" in words


def test_an_empty_case_is_not_called_labelled_by_mistake(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.cases.finish(accept=False, whole=False)
    assert world.project.case("case-2").latest() is None
    level, words = world.session.state.message or ("", "")
    assert level == "error"
    assert "nothing is labelled yet" in words


@pytest.mark.parametrize("by", ["undo", "button"])
@pytest.mark.parametrize("accept", [True, False])
def test_completing_is_taken_back_to_exactly_what_it_was(world: World, by: str, accept: bool) -> None:
    propose(world, "case-2")
    world.session.cases.open("case-2")
    world.paint()
    world.wait(3.0)
    before = world.project.case("case-2").read_labels()
    assert before is not None
    state = world.session.state.actions
    world.session.cases.finish(accept=accept)
    assert world.session.state.actions.can_reopen
    assert world.project.case("case-2").latest().complete
    if by == "undo":
        world.screen.undo()
        world.session.cases.edited(sure=False)
        world.wait(3.0)
    else:
        world.session.cases.reopen()
    revision, saved = world.project.case("case-2").latest(), world.project.case("case-2").read_labels()
    np.testing.assert_array_equal(saved.array, before.array)
    assert (revision.complete, revision.origin, revision.run) == (False, "drawn", None)
    after = world.session.state.actions
    assert (after.can_correct, after.can_accept, after.can_reopen) == (state.can_correct, state.can_accept, False)
    assert world.session.state.progress == (2, 4)
    assert "draft again" in (world.session.state.message or ("", ""))[1]


def test_completing_is_taken_back_after_the_next_case_was_opened(world: World) -> None:
    propose(world, "case-2")
    world.session.cases.open("case-2")
    world.paint()
    world.wait(3.0)
    before = world.project.case("case-2").read_labels()
    world.session.cases.finish(accept=True, then=world.session.open_next)
    assert not world.session.state.actions.can_reopen, "another case is on the screen"
    world.session.cases.open("case-2")
    assert world.session.state.actions.can_reopen
    world.session.cases.reopen()
    np.testing.assert_array_equal(world.project.case("case-2").read_labels().array, before.array)
    assert not world.project.case("case-2").latest().complete


def test_what_was_drawn_after_completing_stays_when_that_is_taken_back(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint()
    world.session.cases.finish(accept=False)
    world.screen.labels()[7, 2:5, 2:5] = 2
    world.session.cases.edited()
    world.wait(3.0)
    assert not world.session.state.actions.can_reopen, "it is a draft already"
    world.session.cases.finish(accept=False)
    world.session.cases.reopen()
    saved = world.project.case("case-2").read_labels().array
    assert (saved == 2).sum() == 9
    assert (saved == 1).sum() == 9


def test_only_what_was_drawn_can_be_taken_back_too(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint()
    world.session.cases.finish(accept=False, whole=False)
    world.session.cases.reopen()
    assert not world.project.case("case-2").latest().complete
    assert (world.project.case("case-2").read_labels().array == 255).any()


def test_accepting_a_proposal_as_it_is(world: World) -> None:
    labels = propose(world, "case-2")
    world.session.refresh()
    assert world.facts["case-2"] == "proposed"
    world.session.cases.open("case-2")
    world.session.cases.finish(accept=True)
    revision = world.project.case("case-2").latest()
    assert (revision.origin, revision.complete, revision.run) == ("accepted", True, "bcp-001")
    assert revision.dice_to_proposal == 1.0
    np.testing.assert_array_equal(world.project.case("case-2").read_labels().array, labels)
    assert world.session.state.progress == (3, 4)
    assert "accepted as proposed" in world.session.state.message[1]


def test_correcting_a_proposal_records_how_far_it_was_off(world: World) -> None:
    labels = propose(world, "case-2")
    world.session.cases.open("case-2")
    world.session.cases.correct()
    assert not world.session.state.actions.can_correct
    world.paint(1)
    world.session.cases.finish(accept=True)
    revision = world.project.case("case-2").latest()
    assert revision.origin == "corrected"
    assert 0 < revision.dice_to_proposal < 1
    saved = world.project.case("case-2").read_labels().array
    assert (saved[labels == 2] == 2).sum() > 0
    assert (saved == 1).sum() == 9
    assert not (saved == 255).any()


def test_strokes_win_over_the_proposal(world: World) -> None:
    propose(world, "case-2")
    world.session.cases.open("case-2")
    world.screen.labels()[...] = 0  # the person erased everything: there is nothing
    world.session.cases.edited()
    world.session.cases.finish(accept=True)
    assert not world.project.case("case-2").read_labels().array.any()


def test_a_draft_of_a_correction_is_one_when_it_is_opened_again(world: World) -> None:
    propose(world, "case-2")
    world.session.cases.open("case-2")
    world.session.cases.correct()
    world.session.cases.open("case-3")
    world.session.cases.open("case-2")
    assert world.session.board.facts.case.based_on == "bcp-001"
    assert "copied into your labels" in world.session.state.actions.proposal_text


def test_a_save_that_fails_is_shown_and_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.session.cases.open("case-2")
    world.paint()
    with monkeypatch.context() as patched:
        patched.setattr("napari_medssl.project.saving.write_labels", _full_disk)
        world.wait(3.0)
    assert world.session.state.actions.save_failed
    assert world.session.state.message[0] == "error"
    world.wait(11.0)
    assert world.session.state.actions.save_text == "Draft saved"
    assert world.project.case("case-2").latest() is not None


def _full_disk(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_an_unknown_label_is_refused_by_name(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint(7)
    world.wait(3.0)
    assert world.session.state.actions.save_failed
    assert "7" in world.session.state.message[1]


def test_training_goes_round(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.runs.train([Wish("bcp", steps=5, device="cpu")])
    assert world.session.state.run.under_way
    (run,) = world.driver.runs
    assert run.startswith("bcp-")
    assert not world.session.state.train.can_train
    world.say(RunStarted(run=run, task="train", method="bcp"), PhaseStarted(phase="p", title="Learning", index=0))
    world.session.runs.reassure()
    assert f"{run} goes on without napari" in world.session.state.message[1]
    assert world.session.state.run.phase == "Learning"
    world.paint()
    drawn = world.screen.labels().copy()
    propose(world, "case-2", run)
    propose(world, "case-3", run)
    world.say(Proposed(case="case-2", score=0.4, index=0, total=2))
    world.wait(3.0)
    assert world.facts["case-3"] == "proposed", "proposals show up in the list while others are being made"
    world.say(RunFinished(reason="completed", message="proposals made.", model="model.safetensors"))
    assert not world.session.state.run.under_way
    assert [p.run for p in world.screen.proposals] == [run]
    np.testing.assert_array_equal(world.screen.labels(), drawn)
    assert world.session.state.actions.can_accept
    assert world.session.state.next_case == "case-3"
    assert "least sure of dark" in world.session.state.next_why


def test_a_run_is_asked_to_stop_once(world: World) -> None:
    world.session.runs.train([Wish("supervised", steps=5)])
    world.session.runs.stop("keep")
    world.session.runs.stop("discard")
    (run,) = world.driver.runs.values()
    assert run.stops == ["keep"]
    assert not world.session.state.run.can_stop


def test_a_run_that_cannot_start_says_why_and_leaves_the_page_usable(world: World) -> None:
    world.driver.refuses = RunError("No process today.")
    world.session.runs.train([Wish("supervised", steps=5)])
    assert world.session.state.message == ("error", "No process today.")
    assert world.session.state.train.can_train


def test_a_process_that_died_is_said_and_can_be_resumed(world: World) -> None:
    world.session.runs.train([Wish("supervised", steps=5)])
    (run,) = world.driver.runs.values()
    world.say(RunStarted(run=run.run, task="train", method="supervised"))
    run.dead = "The process ended without a word."
    world.say()
    assert world.session.state.message[0] == "error"
    assert world.session.state.run.can_resume
    assert world.session.state.train.can_train
    run.dead = ""
    run.said.clear()
    world.session.runs.resume()
    assert world.session.state.run.under_way


def test_a_run_of_an_earlier_life_is_found_again(world: World) -> None:
    world.session.runs.train([Wish("supervised", steps=5)])
    (run,) = world.driver.runs.values()
    world.say(RunStarted(run=run.run, task="train", method="supervised"))
    world.session.close()
    later = Session(Screen(), world.driver, DirectJobs(), world._follow, author="anna", clock=lambda: world.now)
    later.open_project(world.project.root)
    assert later.state.run.name == run.run
    assert later.state.run.under_way
    assert "still training" in later.state.message[1]


@pytest.mark.parametrize("reason", ["completed", "paused"])
def test_the_last_run_is_shown_without_a_word(world: World, reason: str) -> None:
    world.session.runs.train([Wish("supervised", steps=5)])
    (run,) = world.driver.runs.values()
    world.say(RunStarted(run=run.run, task="train", method="supervised"), RunFinished(reason=reason))
    world.session.close()
    later = Session(Screen(), world.driver, DirectJobs(), world._follow, author="anna", clock=lambda: world.now)
    later.open_project(world.project.root)
    assert later.state.run.name == run.run
    assert not later.state.run.under_way
    assert later.state.run.can_resume == (reason == "paused")
    assert later.state.message is None
    assert later.state.train.can_train


def test_word_of_a_run_that_is_no_longer_followed_is_not_heard(world: World) -> None:
    world.session.runs.train([Wish("supervised", steps=5)])
    world.session.runs._on_status("another", fold([RunFinished(reason="failed")]))
    assert world.session.state.run.under_way


def test_a_second_window_is_told_of_the_first(world: World) -> None:
    second = World(world.project.root)
    level, words = second.session.state.message or ("", "")
    assert level == "warning"
    assert "open elsewhere" in words
    second.session.close()
    world.session.close()
    assert World(world.project.root).session.state.message is None


def test_when_every_case_is_labelled_next_says_so(world: World) -> None:
    for name in ("case-2", "case-3"):
        world.session.cases.open(name)
        world.paint()
        world.session.cases.finish(accept=False, whole=True)
    world.session.open_next()
    assert "nothing is left" in world.session.state.message[1]


def test_a_slow_load_that_was_overtaken_is_dropped(tmp_path: Path) -> None:
    make_project(tmp_path)

    class Late(DirectJobs):
        """Keeps what was asked, to be answered in any order."""

        def __init__(self) -> None:
            self.held: list[Callable[[], None]] = []
            self.hold = False

        def submit(self, lane, work, done, failed) -> None:  # type: ignore[no-untyped-def]
            if self.hold:
                self.held.append(lambda: done(work()))
            else:
                super().submit(lane, work, done, failed)

    jobs, screen = Late(), Screen()
    session = Session(screen, Driver(), jobs, lambda *_: lambda: None, author="anna")
    session.open_project(tmp_path / "project")
    jobs.hold = True
    session.cases.open("case-2")
    session.cases.open("case-3")
    for answer in reversed(jobs.held):
        answer()
    assert screen.case is not None
    assert screen.case.name == "case-3"


def test_flat_images_go_the_same_way(tmp_path: Path) -> None:
    make_project(tmp_path, "raster")
    world = World(tmp_path / "project")
    world.session.cases.open("case-2")
    labels = world.screen.labels()
    assert labels is not None
    assert labels.shape == world.project.case("case-2").grid.shape
    labels[2:5, 3:9] = 2
    world.session.cases.edited()
    world.session.cases.finish(accept=False, whole=True)
    saved = world.project.case("case-2").read_labels()
    assert saved is not None
    np.testing.assert_array_equal(saved.array, np.where(labels == 255, 0, labels))
    assert world.session.state.progress == (3, 4)
