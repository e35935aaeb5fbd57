"""Two windows on one case: each knows of the other, nothing newer is replaced unasked, and nothing drawn is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project
from test_ui_session import World, propose
from two_windows import CASE, Windows

from napari_medssl.project import who_drafts
from napari_medssl.project.strokes import read_leftovers
from napari_medssl.ui.othersview import Newer, Others, OthersView, others_view
from napari_medssl.ui.otherswork import EVERY


@pytest.fixture
def windows(tmp_path: Path) -> Windows:
    make_project(tmp_path)
    return Windows(tmp_path / "project")


def save_of(world: World) -> str:
    return world.session.state.actions.save_text


class TestWhoIsThere:
    def test_the_second_is_told_on_opening_and_the_first_by_itself(self, windows: Windows) -> None:
        windows.anna.session.cases.open(CASE)
        assert windows.anna.session.state.others == OthersView()
        windows.ben.session.cases.open(CASE)
        said = windows.ben.session.state.others
        assert said.words.startswith(f"anna, too, has {CASE} open since ")
        assert not said.choices

    def test_it_is_over_when_the_other_closes_the_case(self, windows: Windows) -> None:
        windows.open()
        windows.anna.session.cases.open("case-3")
        windows.anna.wait(1)
        windows.ben.wait(EVERY)
        assert windows.ben.session.state.others == OthersView()
        found = who_drafts(windows.case)
        assert found is not None
        assert found.owner == "ben"

    def test_closing_a_window_releases_the_case(self, windows: Windows) -> None:
        windows.open()
        windows.anna.session.close()
        windows.ben.session.close()
        assert who_drafts(windows.case) is None

    def test_another_project_releases_the_case(self, windows: Windows, tmp_path: Path) -> None:
        windows.anna.session.cases.open(CASE)
        make_project(tmp_path / "other")
        windows.anna.session.open_project(tmp_path / "other" / "project")
        assert who_drafts(windows.case) is None

    def test_a_project_that_cannot_be_written_to_is_no_trouble(
        self, windows: Windows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("napari_medssl.project.drafting.own", refuse)
        windows.anna.session.cases.open(CASE)
        assert windows.anna.session.state.actions.can_label
        assert windows.anna.session.state.message is None


class TestNewerLabels:
    def test_what_another_saved_is_told_without_a_save_of_ones_own(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.finish(accept=False)
        windows.anna.wait(EVERY)
        said = windows.anna.session.state.others
        assert said.words.startswith(f"ben saved newer labels of {CASE} at ")
        assert "(complete)" in said.words
        assert said.choices
        assert windows.anna.facts[CASE] == "labelled", "the list is as it is now"

    def test_an_autosave_replaces_nothing_and_nothing_is_saved_until_one_chooses(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.finish(accept=False)
        windows.anna.paint(1)
        windows.anna.session.cases.save()
        assert windows.revisions() == [("ben", True, False)]
        assert save_of(windows.anna) == "NOT SAVED: choose below"
        assert windows.anna.session.state.others.choices
        for at in range(5):
            windows.anna.paint(1, at)
            windows.anna.wait(100)
        assert windows.revisions() == [("ben", True, False)]
        assert save_of(windows.anna) == "NOT SAVED: choose below"

    def test_the_difference_is_counted_and_shown(self, windows: Windows) -> None:
        windows.open()
        shown: list[np.ndarray | None] = []
        windows.anna.screen.show_difference = lambda codes, kind: shown.append(codes)  # type: ignore[attr-defined]
        windows.anna.screen.hide_difference = lambda: shown.append(None)  # type: ignore[attr-defined]
        windows.ben.paint(2)
        windows.ben.session.cases.save()
        windows.anna.paint(1)
        windows.anna.session.cases.save()
        said = windows.anna.session.state.others
        assert "They differ from those on the screen in 9 voxels on 1 slice." in said.words
        assert said.can_differ
        windows.anna.session.others.show_difference(True)
        assert shown[-1] is not None
        assert int((shown[-1] != 0).sum()) == 9
        assert windows.anna.session.state.others.differing
        windows.anna.session.others.keep_mine()
        assert shown[-1] is None
        assert not windows.anna.session.state.others.differing

    def test_mine_become_the_newest_and_come_from_what_they_were_drawn_on(self, windows: Windows) -> None:
        windows.anna.session.cases.open(CASE)
        windows.anna.paint(1, 1)
        windows.anna.session.cases.save()
        first = windows.case.latest()
        windows.ben.session.cases.open(CASE)
        windows.ben.paint(2, 2)
        windows.ben.session.cases.save()
        windows.anna.paint(1, 3)
        windows.anna.session.cases.save()
        windows.anna.session.others.keep_mine()
        newest = windows.case.latest()
        assert (newest.author, newest.parent) == ("anna", first.id)
        live = windows.anna.screen.labels()
        np.testing.assert_array_equal(windows.case.read_labels().array, windows.anna.screen.case.display.back(live))
        assert save_of(windows.anna) == "Draft saved"
        assert windows.anna.session.state.others.choices is False
        windows.anna.paint(1, 4)
        windows.anna.session.cases.save()
        assert windows.case.latest().parent == newest.id

    def test_labels_say_that_they_come_from_what_was_on_the_screen(self, windows: Windows) -> None:
        """Not from whatever is newest when they are saved: origins of voxels follow the parent."""
        windows.anna.session.cases.open(CASE)
        windows.anna.paint(1, 1)
        windows.anna.session.cases.save()
        mine = windows.case.latest()
        windows.case.save_labels(np.zeros(windows.case.grid.shape, np.uint8), author="ben", origin="imported")
        windows.anna.paint(1, 3)
        windows.anna.session.cases.save()
        windows.anna.session.others.keep_mine()
        assert windows.case.latest().parent == mine.id

    @pytest.mark.parametrize("whole", [True, False])
    def test_a_case_that_was_to_be_complete_is_complete_when_one_says_so(self, windows: Windows, whole: bool) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.save()
        windows.anna.paint(1)
        windows.anna.session.cases.finish(accept=False, whole=whole)
        assert windows.revisions() == [("ben", False, False)]
        assert not windows.anna.session.board.facts.case.complete
        windows.anna.session.others.keep_mine()
        assert windows.revisions()[-1] == ("anna", True, False)
        assert windows.anna.session.board.facts.case.complete
        assert (windows.case.read_labels().array == 255).any() != whole

    def test_accepting_is_accepting_when_one_says_so(self, windows: Windows) -> None:
        proposed = propose(windows.anna, CASE)
        windows.open()
        windows.ben.paint(1)
        windows.ben.session.cases.save()
        windows.anna.session.cases.finish(accept=True)
        windows.anna.session.others.keep_mine()
        newest = windows.case.latest()
        assert (newest.author, newest.origin, newest.run, newest.complete) == ("anna", "accepted", "bcp-001", True)
        np.testing.assert_array_equal(windows.case.read_labels().array, proposed)

    def test_theirs_come_on_the_screen_and_mine_stay_in_the_history(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2, 2)
        windows.ben.session.cases.finish(accept=False)
        windows.anna.paint(1, 3)
        windows.anna.session.cases.save()
        drawn = windows.anna.screen.case.display.back(windows.anna.screen.labels().copy())
        windows.anna.session.others.open_theirs()
        assert windows.revisions() == [("ben", True, False), ("anna", False, True)]
        case = windows.case
        theirs = case.latest()
        assert theirs.author == "ben"
        assert case.latest(complete=True).author == "ben"
        assert case.status == "labelled"
        np.testing.assert_array_equal(case.read_labels(case.revisions()[-1]).array, drawn)
        shown = windows.anna.screen.case.display.back(windows.anna.screen.labels())
        np.testing.assert_array_equal(shown, case.read_labels().array)
        assert not windows.anna.session.state.others.choices
        windows.anna.paint(1, 5)
        windows.anna.session.cases.save()
        assert windows.case.latest().parent == theirs.id

    def test_who_drew_nothing_opens_theirs_without_a_save(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.save()
        windows.anna.wait(EVERY)
        assert not windows.anna.session.state.others.can_keep, "there is nothing to keep"
        windows.anna.session.others.open_theirs()
        assert windows.revisions() == [("ben", False, False)]
        assert (windows.anna.screen.labels() == 2).any()

    def test_who_drew_nothing_since_can_have_ones_own_again(self, windows: Windows) -> None:
        windows.anna.session.cases.open(CASE)
        windows.anna.paint(1)
        windows.anna.session.cases.finish(accept=False)
        mine = windows.case.latest()
        windows.ben.session.cases.open(CASE)
        windows.ben.paint(2)
        windows.ben.session.cases.save()
        windows.anna.wait(EVERY)
        windows.anna.session.others.keep_mine()
        newest = windows.case.latest()
        assert (newest.author, newest.complete, newest.parent, newest.voxels) == ("anna", True, mine.id, mine.voxels)
        windows.anna.wait(EVERY)
        assert not windows.anna.session.state.others.choices

    def test_a_third_who_saves_meanwhile_is_asked_about_too(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.save()
        windows.anna.paint(1)
        windows.anna.session.cases.save()
        windows.case.save_labels(np.zeros(windows.case.grid.shape, np.uint8), author="cleo", origin="drawn")
        windows.anna.session.others.keep_mine()
        assert windows.case.latest().author == "cleo"
        assert windows.anna.session.state.others.words.startswith("cleo saved")
        windows.anna.session.others.keep_mine()
        assert windows.case.latest().author == "anna"

    @pytest.mark.parametrize("how", ["another case", "close", "accept and next"])
    def test_whoever_leaves_undecided_loses_nothing_and_replaces_nothing(self, windows: Windows, how: str) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.finish(accept=False)
        windows.anna.paint(1)
        if how != "accept and next":
            windows.anna.session.cases.save()
        drawn = windows.anna.screen.case.display.back(windows.anna.screen.labels().copy())
        if how == "another case":
            windows.anna.session.cases.open("case-3")
        elif how == "close":
            windows.anna.session.close()
        else:  # the save is only under way when the next case comes
            waiting: list[tuple[object, ...]] = []
            jobs = windows.anna.session.cases._jobs
            jobs.submit, direct = lambda *job: waiting.append(job), jobs.submit  # type: ignore[method-assign]
            windows.anna.session.cases.finish(
                accept=False, whole=False, then=lambda: windows.anna.session.cases.open("case-3")
            )
            jobs.submit = direct  # type: ignore[method-assign]
            for job in waiting:
                direct(*job)  # type: ignore[arg-type]
        assert windows.revisions() == [("ben", True, False), ("anna", False, True)]
        case = windows.case
        assert case.latest().author == "ben"
        np.testing.assert_array_equal(case.read_labels(case.revisions()[-1]).array, drawn)
        if how == "another case":
            level, words = windows.anna.session.state.message
            assert level == "warning"
            assert "kept beside" in words
            assert CASE in words

    def test_strokes_of_a_window_killed_undecided_are_kept_beside(self, windows: Windows) -> None:
        windows.open()
        windows.anna.paint(1, 1)
        windows.anna.session.cases.save()
        windows.ben.wait(EVERY)
        windows.ben.session.others.open_theirs()
        windows.ben.paint(2, 2)
        windows.ben.session.cases.finish(accept=False)
        windows.anna.paint(1, 3)
        windows.anna.session.cases.wrote((slice(3, 4), slice(2, 5), slice(2, 5)))
        windows.anna.session.cases.save()
        case = windows.case
        assert len(read_leftovers(case.strokes_folder, case.grid.shape)) == 1, "a refused save ends no log"
        drawn = windows.anna.screen.case.display.back(windows.anna.screen.labels().copy())
        windows.anna.session._lease.release()  # what the end of its process does
        third = World(windows.root)
        third.session.cases.open(CASE)
        np.testing.assert_array_equal(third.screen.case.display.back(third.screen.labels()), case.read_labels().array)
        kept = windows.case.revisions()[-1]
        assert (kept.author, kept.complete, kept.beside) == ("anna", False, case.latest().id)
        np.testing.assert_array_equal(windows.case.read_labels(kept).array, drawn)
        assert not read_leftovers(case.strokes_folder, case.grid.shape)
        assert "anna drew" in third.session.state.message[1]
        assert "kept beside" in third.session.state.message[1]

    def test_labels_that_are_gone_or_damaged_are_nobodys_newer_ones(self, windows: Windows) -> None:
        windows.anna.session.cases.open(CASE)
        windows.anna.paint(1, 1)
        windows.anna.session.cases.save()
        first = windows.case.latest()
        windows.anna.paint(1, 2)
        windows.anna.session.cases.save()
        second = windows.case.latest()
        second.path.unlink()
        (second.path.parent / f"{second.id}.json").unlink()
        windows.anna.paint(1, 3)
        windows.anna.session.cases.save()
        assert save_of(windows.anna) == "Draft saved"
        assert windows.case.latest().author == "anna"
        assert first.id in [one.id for one in windows.case.revisions()]

    def test_minutes_and_strokes_of_a_refused_save_are_in_the_next(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.save()
        for at in range(3):
            windows.anna.paint(1, at)
            windows.anna.session.cases.stroked()
            windows.anna.now += 20
        windows.anna.session.cases.save()
        windows.anna.session.others.keep_mine()
        newest = windows.case.latest()
        assert newest.strokes == 3
        assert newest.minutes == pytest.approx(40 / 60)


class TestWords:
    newer = Newer("1", "ben", "2026-01-02T03:04:05+00:00", True, voxels=1234, slices=3)

    def test_who_when_and_how_much(self) -> None:
        said = others_view("case-1", Others(newer=self.newer), "anna", save="held", complete=False)
        assert said.words.startswith("ben saved newer labels of case-1 at 02 Jan ")
        assert "1,234 voxels on 3 slices" in said.words
        assert "not saved as labels until you choose" in said.words
        assert said.keep_tip.endswith("The case is a draft then.")

    def test_ones_own_other_window(self) -> None:
        said = others_view("case-1", Others(newer=self.newer), "ben", save="saved", complete=True)
        assert said.words.startswith("You (in another window")
        assert "draft" not in said.keep_tip

    def test_the_same_labels_are_no_difference(self) -> None:
        same = Others(newer=Newer("1", "", "2026-01-02T03:04:05+00:00", False, voxels=0, slices=0))
        said = others_view("case-1", same, "anna", save="saved", complete=False)
        assert said.words.startswith("Somebody saved")
        assert "the same as" in said.words
        assert not said.can_differ

    def test_what_one_of_the_two_looked_at_only_is_no_difference(self) -> None:
        more = Others(newer=Newer("1", "ben", "2026-01-02T03:04:05+00:00", False, voxels=7, slices=1, one_sided=1200))
        said = others_view("case-1", more, "anna", save="saved", complete=False)
        assert "Where both were looked at they differ in 7 voxels on 1 slice; 1,200 voxels were" in said.words


class TestAnswersThatComeLate:
    def test_a_refusal_told_after_the_case_was_left_keeps_mine_beside(self, windows: Windows) -> None:
        """The save was refused while the case was on the screen, and the answer waits behind another case."""
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.finish(accept=False)
        windows.anna.paint(1)
        drawn = windows.anna.screen.case.display.back(windows.anna.screen.labels().copy())
        cases, told = windows.anna.session.cases, []
        jobs = cases.saver._jobs
        direct = jobs.submit

        def late(lane, work, done, failed):  # type: ignore[no-untyped-def]
            direct(lane, work, lambda found: told.append((done, found)), lambda error: told.append((failed, error)))

        jobs.submit = late  # type: ignore[method-assign]
        cases.save()
        jobs.submit = direct  # type: ignore[method-assign]
        cases.open("case-3")
        for answer, what in told:
            answer(what)
        assert windows.revisions() == [("ben", True, False), ("anna", False, True)]
        case = windows.case
        np.testing.assert_array_equal(case.read_labels(case.revisions()[-1]).array, drawn)
        assert "kept beside" in windows.anna.session.state.message[1]

    def test_a_look_from_before_the_choice_asks_nobody_again(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.save()
        windows.anna.paint(1)
        windows.anna.session.cases.save()
        others, told = windows.anna.session.others, []
        direct = others._jobs.submit

        def late(lane, work, done, failed):  # type: ignore[no-untyped-def]
            direct(lane, work, lambda found: told.append((done, found)), failed)

        others._jobs.submit = late  # type: ignore[method-assign]
        others._look()
        others._jobs.submit = direct  # type: ignore[method-assign]
        waiting: list[tuple[object, ...]] = []
        others._jobs.submit = lambda *job: waiting.append(job)  # type: ignore[method-assign]
        others.keep_mine()
        others._jobs.submit = direct  # type: ignore[method-assign]
        for answer, what in told:
            answer(what)
        for job in waiting:
            direct(*job)  # type: ignore[arg-type]
        assert windows.case.latest().author == "anna"
        assert not windows.anna.session.state.others.choices

    def test_no_save_is_tried_while_one_has_not_chosen(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.save()
        windows.anna.wait(EVERY)
        windows.anna.paint(1)
        assert not windows.anna.session.cases.saver.autosave.due(1e9)
