"""Changing structures through the session, without a screen: what is saved, refused and shown again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fixtures import make_project
from test_ui_session import World

from napari_medssl.project import ClassInfo, Holder, Project
from napari_medssl.project.migration import ChangePlan, ClassChange
from napari_medssl.runs.events import RunStarted
from napari_medssl.runs.outlook import Wish

MERGED = ClassChange((ClassInfo(1, "all"),), {2: 1})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(make_project(tmp_path).root)


def names(world: World) -> list[str]:
    return [one.name for one in world.session.state.classes]


def test_a_lock_is_shown_and_saved(world: World) -> None:
    world.session.classes.lock(2, True)
    assert [one.locked for one in world.session.state.classes] == [False, True]
    assert [one.locked for one in Project.open(world.project.root).classes] == [False, True]


def test_classes_stand_in_the_order_a_person_gave_them(world: World) -> None:
    bright, dark = world.project.classes
    world.session.classes.save((replace(bright, place=1), replace(dark, place=0)))
    assert names(world) == ["dark", "bright"]


def test_what_is_on_the_screen_is_saved_before_and_shown_after(world: World) -> None:
    world.session.cases.open("case-2")
    world.paint(2)
    world.session.cases.edited()
    world.session.classes.change(MERGED)
    assert names(world) == ["all"]
    assert world.session.state.current == "case-2"
    assert world.screen.case is not None
    assert set(world.screen.case.labels.ravel()) == {1, 255}
    assert world.session.state.message is not None
    assert "dark → all. 3 cases" in world.session.state.message[1]
    drafts = Project.open(world.project.root).case("case-2").revisions()
    assert [set(one.voxels) for one in drafts] == [{2, 255}, {1, 255}]


def test_a_plan_changes_nothing(world: World) -> None:
    plans: list[ChangePlan] = []
    world.session.classes.plan(MERGED, plans.append)
    assert plans[0].cases == ("case-0", "case-1")
    assert names(world) == ["bright", "dark"]


def test_nothing_changes_while_a_run_is_under_way(world: World) -> None:
    world.session.runs.train([Wish("supervised", steps=5)])
    world.say(RunStarted(run="supervised-001", task="train", method="supervised"))
    world.session.classes.change(MERGED)
    assert names(world) == ["bright", "dark"]
    assert world.session.state.message is not None
    assert "under way" in world.session.state.message[1]


def test_nothing_changes_while_somebody_else_may_draw(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Holder("ben", "ward-7", 1, "2026-01-01T10:00:00")
    monkeypatch.setattr("napari_medssl.project.lease.Lease.others", property(lambda lease: [other]))
    world.session.classes.change(MERGED)
    assert names(world) == ["bright", "dark"]
    assert world.session.state.message is not None
    assert "ben on ward-7" in world.session.state.message[1]


def test_an_impossible_change_is_told_and_the_case_stays_open(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.classes.change(ClassChange((ClassInfo(1, "bright"),)))
    assert names(world) == ["bright", "dark"]
    assert world.session.state.message is not None
    assert "would be gone" in world.session.state.message[1]
    assert world.session.state.current == "case-2"


def test_taking_a_proposal_over_is_no_stroke(world: World) -> None:
    world.project.case("case-2").save_proposal(
        "bcp-001", (world.project.case("case-0").read_labels()).array, {}, 0.5, {}
    )
    world.session.cases.open("case-2")
    inner = world.screen.copy_proposal

    def copy() -> None:
        inner()
        world.session.cases.stroked()  # napari tells every step of undo

    world.screen.copy_proposal = copy  # type: ignore[method-assign]
    world.session.cases.correct()
    world.paint(1)
    world.session.cases.edited()
    world.session.cases.stroked()
    world.session.cases.finish(accept=True)
    latest = Project.open(world.project.root).case("case-2").latest()
    assert latest is not None
    assert latest.strokes == 1
