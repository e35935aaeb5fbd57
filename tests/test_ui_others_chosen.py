"""What a person chose about newer labels is done, whatever happened between the question and the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project
from test_ui_prefetch import Lanes
from test_ui_session import World, propose
from two_windows import CASE, Windows

from napari_medssl.project import Project
from napari_medssl.project.migration import ClassChange, apply_change
from napari_medssl.project.strokes import read_leftovers
from napari_medssl.ui.otherswork import EVERY

BOX = (slice(3, 4), slice(2, 5), slice(2, 5))


@pytest.fixture
def windows(tmp_path: Path) -> Windows:
    make_project(tmp_path)
    return Windows(tmp_path / "project")


def asked(windows: Windows) -> None:
    """Anna has labels; then Ben saves newer ones, and Anna is asked."""
    windows.anna.session.cases.open(CASE)
    windows.anna.paint(1, 1)
    windows.anna.session.cases.save()
    windows.ben.session.cases.open(CASE)
    windows.ben.paint(2, 2)
    windows.ben.session.cases.save()
    windows.anna.wait(EVERY)
    assert windows.anna.session.state.others.choices


@pytest.mark.parametrize("refused", [False, True])
def test_what_was_drawn_and_undone_is_no_reason_to_save_nothing(windows: Windows, refused: bool) -> None:
    if refused:
        windows.anna.session.cases.open(CASE)
        windows.anna.paint(1, 1)
        windows.anna.session.cases.save()
        windows.case.save_labels(np.zeros(windows.case.grid.shape, np.uint8), author="ben", origin="drawn")
        windows.anna.paint(1, 4)
        windows.anna.session.cases.save()
    else:
        asked(windows)
        windows.anna.paint(1, 4)
    windows.anna.paint(255, 4)  # Ctrl+Z
    windows.anna.session.others.keep_mine()
    newest = windows.case.latest()
    assert newest.author == "anna"
    live = windows.anna.screen.labels()
    np.testing.assert_array_equal(windows.case.read_labels().array, windows.anna.screen.case.display.back(live))


def test_a_case_whose_completing_was_undone_meanwhile_is_a_draft(windows: Windows) -> None:
    windows.open()
    windows.ben.paint(2, 2)
    windows.ben.session.cases.save()
    windows.anna.paint(1, 1)
    live = windows.anna.screen.labels()
    before = live.copy()
    windows.anna.session.cases.finish(accept=False)
    windows.anna.screen.labels()[...] = before  # Ctrl+Z
    windows.anna.session.cases.edited(False)
    windows.anna.session.others.keep_mine()
    newest = windows.case.latest()
    assert (newest.author, newest.complete) == ("anna", False)
    assert (windows.case.read_labels().array == 255).any(), "what nobody looked at is no background"


def test_only_the_proposal_that_was_accepted_is(windows: Windows) -> None:
    propose(windows.anna, CASE)
    windows.open()
    windows.ben.paint(1, 1)
    windows.ben.session.cases.save()
    windows.anna.session.cases.finish(accept=True)
    case = windows.case
    other = np.ones(case.grid.shape, np.uint8)
    windows.anna.project.run_folder("bcp-002", create=True)
    maps = {"entropy": np.full(case.grid.shape, 0.25)}
    case.save_proposal("bcp-002", other, maps, 0.4, {"expected_dice": {"dark": 0.6}})
    windows.anna.session.cases.fetch_proposal("bcp-002")
    assert windows.anna.session.board.facts.case.proposal == "bcp-002"
    windows.anna.session.others.keep_mine()
    newest = windows.case.latest()
    assert (newest.author, newest.complete, newest.run) == ("anna", True, "bcp-001")
    assert newest.dice_to_proposal == 1.0, "of the proposal that it was made from"


def test_a_full_disk_asks_again(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(windows)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("napari_medssl.project.saving.write_labels", full)
        windows.anna.session.others.keep_mine()
    assert windows.case.latest().author == "ben"
    assert windows.anna.session.state.others.choices, "nothing was chosen as long as nothing was saved"
    assert windows.anna.session.state.message[0] == "error"
    windows.anna.session.others.keep_mine()
    assert windows.case.latest().author == "anna"
    assert not windows.anna.session.state.others.choices


def test_newer_labels_that_are_gone_leave_ones_own_the_newest(windows: Windows) -> None:
    asked(windows)
    theirs = windows.case.latest()
    theirs.path.unlink()
    (theirs.path.parent / f"{theirs.id}.json").unlink()
    windows.anna.session.others.keep_mine()
    assert windows.case.latest().author == "anna"
    assert not windows.anna.session.state.others.choices
    assert windows.anna.session.state.message is None or windows.anna.session.state.message[0] != "error"


def test_a_refusal_that_comes_after_the_choice_asks_nobody_again(windows: Windows) -> None:
    """The save was on its way when the person was asked, and refused when she had chosen."""
    asked_first = windows.anna.session
    windows.anna.session.cases.open(CASE)
    windows.anna.paint(1, 1)
    windows.anna.session.cases.save()
    windows.case.save_labels(np.zeros(windows.case.grid.shape, np.uint8), author="ben", origin="drawn")
    lanes = Lanes()
    for desk in (asked_first.cases, asked_first.cases.saver, asked_first.others):
        desk._jobs = lanes  # type: ignore[attr-defined]
    asked_first.others._look()
    windows.anna.paint(1, 4)
    asked_first.cases.save()
    look, save, *rest = lanes.waiting["disk"]
    lanes.waiting["disk"] = [look]
    lanes.go("disk")
    lanes.waiting["disk"] = [save, *rest, *lanes.waiting["disk"]]
    assert asked_first.state.others.choices
    asked_first.others.keep_mine()
    lanes.go("disk")
    assert not asked_first.state.others.choices
    live = windows.anna.screen.labels()
    assert windows.case.latest().author == "anna"
    np.testing.assert_array_equal(windows.case.read_labels().array, windows.anna.screen.case.display.back(live))


def test_strokes_that_are_kept_beside_are_kept_once(windows: Windows) -> None:
    """The case is read anew before the log of the strokes goes: each lane has its pace."""
    asked(windows)
    windows.anna.paint(1, 3)
    windows.anna.session.cases.wrote(BOX)
    session, lanes = windows.anna.session, Lanes()
    session.cases.saver.keeper._jobs = lanes
    session.others.open_theirs()
    assert [one[0] for one in windows.revisions()] == ["anna", "ben", "anna"]
    assert "when the program ended" not in (session.state.message or ("", ""))[1]
    assert not read_leftovers(windows.case.strokes_folder, windows.case.grid.shape)


def test_strokes_on_structures_that_are_gone_are_kept_beside(windows: Windows) -> None:
    windows.anna.session.cases.open(CASE)
    windows.anna.paint(2, 1)
    windows.anna.session.cases.save()
    windows.case.save_labels(np.zeros(windows.case.grid.shape, np.uint8), author="ben", origin="drawn")
    windows.anna.paint(1, 3)
    windows.anna.session.cases.wrote(BOX)
    drawn = windows.anna.screen.case.display.back(windows.anna.screen.labels().copy())
    windows.anna.session._lease.release()  # what the end of its process does
    project = Project.open(windows.root)
    apply_change(project, ClassChange(tuple(one for one in project.classes if one.value == 1), {2: 1}), author="cleo")
    third = World(windows.root)
    third.session.cases.open(CASE)
    level, words = third.session.state.message
    assert level == "warning", words
    assert "kept beside" in words
    assert "not looked at" in words
    kept = windows.case.revisions()[-1]
    assert kept.beside
    expected = np.where(drawn == 2, 255, drawn)
    np.testing.assert_array_equal(windows.case.read_labels(kept).array, expected)


def test_another_case_that_came_meanwhile_is_not_completed(windows: Windows) -> None:
    """The disk is slow: the person has chosen, and goes on before it is done."""
    windows.open()
    windows.ben.paint(2, 2)
    windows.ben.session.cases.save()
    windows.anna.paint(1, 1)
    session, lanes = windows.anna.session, Lanes()
    session.cases.finish(accept=False)
    session.cases.saver._jobs = lanes
    session.others.keep_mine()
    saved = list(lanes.waiting["disk"])
    session.cases.open("case-3")
    assert session.board.facts.case.name == "case-3"
    lanes.go("disk")
    assert saved
    project = Project.open(windows.root)
    assert project.case("case-3").revisions() == []
    assert project.case(CASE).latest().author == "anna"
