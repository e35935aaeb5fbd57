"""The next case is read while another is on the screen; what is opened is always what is on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from test_project_bad_files import damage
from test_ui_session import DirectJobs, World, propose

from napari_medssl.project import Project
from napari_medssl.ui import prefetch
from napari_medssl.ui.prefetch import Prefetch


class Lanes(DirectJobs):
    """Keeps jobs until a lane is told to go on."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[tuple[Any, ...]]] = {}

    def submit(self, lane: str, *job: Any) -> None:
        self.waiting.setdefault(lane, []).append((lane, *job))

    def go(self, lane: str = "prefetch") -> None:
        while self.waiting.get(lane):
            DirectJobs.submit(self, *self.waiting[lane].pop(0))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the cases that were read, in order."""
    names: list[str] = []
    load = prefetch.load_case

    def counted(project: Project, name: str, window: str = "") -> Any:
        names.append(name)
        return load(project, name, window)

    monkeypatch.setattr(prefetch, "load_case", counted)
    return names


@pytest.fixture
def world(tmp_path: Path, reads: list[str]) -> World:
    make_project(tmp_path, unlabelled=4)
    return World(tmp_path / "project")


def test_the_next_case_is_read_once_and_then_taken(world: World, reads: list[str]) -> None:
    world.session.cases.open("case-2")
    world.wait(0.1)
    assert reads == ["case-2", "case-3"]
    world.wait(0.1)
    world.session.open_next()
    assert world.session.state.current == "case-3"
    assert reads == ["case-2", "case-3"], "nothing was read again"
    world.wait(0.1)
    assert len(reads) == 3, "and so on"


def test_what_changed_on_disk_meanwhile_is_read_again(world: World, reads: list[str]) -> None:
    world.session.cases.open("case-2")
    world.wait(0.1)
    other = Project.open(world.project.root).case("case-3")  # another window
    other.save_labels(np.ones(other.grid.shape, np.uint8), author="ben", origin="drawn", complete=False)
    world.session.cases.open("case-3")
    assert reads == ["case-2", "case-3", "case-3"]
    assert world.screen.case is not None
    assert (world.screen.case.labels == 1).all()


def test_a_new_proposal_is_seen_too(world: World, reads: list[str]) -> None:
    world.session.cases.open("case-2")
    world.wait(0.1)
    propose(world, "case-3")
    world.session.cases.open("case-3")
    assert world.session.state.actions.proposal == "bcp-001"


def test_a_case_left_a_moment_ago_shows_its_last_strokes(world: World, reads: list[str]) -> None:
    for name in ("case-2", "case-3"):
        world.session.cases.open(name)
        world.wait(0.1)
    world.paint(2)
    world.session.cases.open("case-2")
    world.wait(0.1)  # case-3 may be read ahead now
    world.session.cases.open("case-3")
    assert world.screen.case is not None
    assert (world.screen.case.labels == 2).any()


def test_it_is_its_own_lane_but_for_cases_that_were_on_the_screen(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    jobs = Lanes()
    ahead = Prefetch(jobs, lambda: None)
    ahead.take(project.root)
    assert ahead.opening(project, "case-0")[0] == "disk", "nobody wished for it"
    ahead.wish("case-2")
    jobs.go()
    lane, work = ahead.opening(project, "case-2")
    assert lane == "prefetch"
    assert work().name == "case-2"
    ahead.wish("case-0")
    jobs.go()
    assert ahead.opening(project, "case-0")[0] == "disk", "its draft may still be being saved"


def test_only_the_last_wish_is_read_and_kept(tmp_path: Path, reads: list[str]) -> None:
    project = make_project(tmp_path)
    jobs = Lanes()
    ahead = Prefetch(jobs, lambda: None)
    ahead.take(project.root)
    ahead.wish("case-1")
    ahead.wish("case-2")
    ahead.wish("case-2")
    jobs.go()
    assert reads == ["case-2"]
    ahead.wish("case-3")
    assert ahead._ready is None, "one case at most"


def test_a_next_case_that_is_bad_says_so_in_the_list_only(world: World) -> None:
    damage(world.project.case("case-3").images[0])
    world.session.cases.open("case-2")
    world.wait(0.1)
    assert world.session.state.message is None
    world.wait(3.0)
    assert world.facts["case-3"] == "unreadable"
    assert world.session.state.next_case == "case-4"
