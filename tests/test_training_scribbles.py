"""Scribbles alone are labels: 1 % of the voxels, the rest *not looked at*."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fixtures import SHAPE, balls, finished, make_project, quick_spec, run_inline
from test_ui_session import World

from napari_medssl.project import Project
from napari_medssl.runs.events import Stepped

UNSEEN, SHARE, STEPS = 255, 0.01, 60


def scribble(truth: np.ndarray, seed: int) -> np.ndarray:
    """Short strokes along an axis, 1 % of the voxels in all: a third in each structure, a third in the background."""
    rng = np.random.default_rng(seed)
    drawn = np.full(truth.shape, UNSEEN, np.uint8)
    for value in (0, 1, 2):
        wanted = round(truth.size * SHARE / 3)
        while (drawn == value).sum() < wanted:
            *at, start = rng.choice(np.argwhere(truth == value))
            line = (*at, slice(start, start + 4))
            stroke = np.where(truth[line] == value, np.uint8(value), drawn[line])
            drawn[line] = np.where(drawn[line] == UNSEEN, stroke, drawn[line])
    return drawn


@pytest.fixture
def scribbled(tmp_path: Path) -> Project:
    """A project with two scans that have scribbles, and two without anything."""
    project = make_project(tmp_path, labelled=0, unlabelled=4)
    for number in range(2):
        labels = scribble(balls(SHAPE["3d"], number)[1], number)
        assert 0.005 < (labels != UNSEEN).mean() < 0.02
        project.case(f"case-{number}").save_labels(labels, author="test", origin="drawn", complete=True)
    return project


@pytest.mark.parametrize("method", ["supervised", "bcp"])
def test_a_method_learns_from_scribbles(scribbled: Project, method: str, quick_machine: None) -> None:
    run = quick_spec(scribbled, method, steps=STEPS, propose=None).run
    events = run_inline(scribbled, run)
    assert finished(events).reason == "completed"
    phases = {event.phase for event in events if isinstance(event, Stepped)}
    for phase in phases:
        losses = [e.losses["total"] for e in events if isinstance(e, Stepped) and e.phase == phase]
        assert np.isfinite(losses).all()
        third = len(losses) // 3
        assert np.mean(losses[-third:]) < 0.9 * np.mean(losses[:third]), phase
    for number in (2, 3):  # scans that it has no label of
        truth = balls(SHAPE["3d"], number)[1]
        (proposal,) = scribbled.case(f"case-{number}").proposals()
        found = proposal.read_labels().array
        assert UNSEEN not in found
        for value in (1, 2):
            both = 2 * ((found == value) & (truth == value)).sum() / ((found == value).sum() + (truth == value).sum())
            assert both > 0.5, f"case-{number}, class {value}: Dice {both:.2f}"


def test_a_case_with_scribbles_can_be_marked_as_complete(tmp_path: Path) -> None:
    make_project(tmp_path, labelled=0, unlabelled=2)
    world = World(tmp_path / "project")
    world.session.cases.open("case-0")
    shown = world.session.cases._shown
    assert shown is not None
    drawn = shown.display.show(scribble(balls(SHAPE["3d"], 0)[1], 0))
    labels = world.screen.labels()
    assert labels is not None
    labels[:] = drawn
    world.session.cases.edited()
    world.session.cases.finish(accept=False, whole=False)
    assert world.facts["case-0"] == "labelled"
    case = Project.open(world.project.root).case("case-0")
    revision, saved = case.latest(), case.read_labels()
    assert revision is not None
    assert revision.complete
    assert saved is not None
    np.testing.assert_array_equal(shown.display.show(saved.array), drawn)
    spec = quick_spec(Project.open(world.project.root), "supervised")
    assert [entry.case for entry in spec.labelled] == ["case-0"]
