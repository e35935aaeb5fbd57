"""The history of a case in the window, and what is restored from it or kept beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project
from test_ui_session import World, propose
from two_windows import CASE, Windows

from napari_medssl.progress.records import finished_of
from napari_medssl.project import Project, restore_revision
from napari_medssl.project.migration import ClassChange, apply_change


@pytest.fixture
def windows(tmp_path: Path) -> Windows:
    make_project(tmp_path)
    return Windows(tmp_path / "project")


class TestHistory:
    def read(self, world: World):  # type: ignore[no-untyped-def]
        found: list[object] = []
        world.session.history.read(CASE, found.append)
        return found[0]

    def test_it_lists_all_that_was_saved_newest_first(self, windows: Windows) -> None:
        windows.open()
        windows.ben.paint(2)
        windows.ben.session.cases.finish(accept=False)
        windows.anna.paint(1)
        windows.anna.session.cases.open("case-3")
        history = self.read(windows.anna)
        assert [(line.cells[1], line.cells[2], line.counts) for line in history.lines] == [
            ("anna", "kept beside", False),
            ("ben", "complete · counts", True),
        ]

    def test_what_is_on_the_screen_is_saved_before_it_is_read(self, windows: Windows) -> None:
        windows.anna.session.cases.open(CASE)
        windows.anna.paint(1)
        assert [line.cells[1] for line in self.read(windows.anna).lines] == ["anna"]

    def test_an_earlier_state_is_restored_as_it_was_and_the_rest_stays(self, windows: Windows) -> None:
        windows.anna.session.cases.open(CASE)
        windows.anna.paint(1, 1)
        windows.anna.session.cases.finish(accept=False)
        first = windows.case.latest()
        windows.anna.paint(2, 1)
        windows.anna.session.cases.save()
        windows.anna.session.history.restore(self.read(windows.anna), first.id)
        newest = windows.case.latest()
        assert (newest.complete, newest.parent, newest.voxels) == (True, first.id, first.voxels)
        assert len(windows.case.revisions()) == 3
        assert windows.anna.session.board.facts.case.name == CASE
        assert (windows.anna.screen.labels() == 1).any()
        assert not (windows.anna.screen.labels() == 2).any()
        np.testing.assert_array_equal(windows.case.read_origins(newest), windows.case.read_origins(first))

    def test_nothing_newer_is_replaced_by_restoring(self, windows: Windows) -> None:
        windows.anna.session.cases.open(CASE)
        windows.anna.paint(1, 1)
        windows.anna.session.cases.save()
        windows.anna.paint(2, 2)
        windows.anna.session.cases.save()
        history = self.read(windows.anna)
        windows.case.save_labels(np.zeros(windows.case.grid.shape, np.uint8), author="ben", origin="drawn")
        windows.anna.session.history.restore(history, history.lines[-1].revision)
        assert windows.case.latest().author == "ben"
        assert windows.anna.session.state.message[0] == "error"
        assert "ben saved newer labels" in windows.anna.session.state.message[1]


class TestRevisionsThatAreNoWork:
    def test_restoring_is_no_case_finished_again(self, windows: Windows) -> None:
        case = windows.case
        first = case.save_labels(np.ones(case.grid.shape, np.uint8), author="ben", origin="drawn", minutes=3)
        case.save_labels(np.zeros(case.grid.shape, np.uint8), author="ben", origin="drawn", minutes=1)
        restore_revision(case, first.id, author="anna")
        assert [one.minutes for one in finished_of(CASE, case.revisions())] == [3, 1]

    def test_a_restored_revision_keeps_where_its_voxels_come_from(self, windows: Windows) -> None:
        propose(windows.anna, CASE)
        case = windows.case
        origins = np.full(case.grid.shape, 2, np.uint8)
        first = case.save_labels(
            np.ones(case.grid.shape, np.uint8), author="ben", origin="corrected", run="bcp-001", origins=origins
        )
        case.save_labels(np.zeros(case.grid.shape, np.uint8), author="ben", origin="drawn")
        restored = restore_revision(case, first.id, author="anna")
        np.testing.assert_array_equal(case.read_origins(restored), origins)

    def test_other_structures_are_put_into_what_counts_only(self, windows: Windows) -> None:
        project = Project.open(windows.root)
        case = project.case(CASE)
        newest = case.save_labels(np.ones(case.grid.shape, np.uint8), author="ben", origin="drawn")
        case.save_labels(
            np.full(case.grid.shape, 2, np.uint8), author="anna", origin="drawn", complete=False, beside=newest
        )
        change = ClassChange(tuple(one for one in project.classes if one.value == 1), {2: 1})
        apply_change(project, change, author="cleo")
        assert [one.author for one in Project.open(windows.root).case(CASE).revisions()] == ["ben", "anna"]
