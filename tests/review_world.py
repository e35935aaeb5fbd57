"""A session on a viewer model without a window, so that undo is napari's own, and proposals to review in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fixtures import make_project
from napari.components import ViewerModel
from test_ui_session import DirectJobs, Driver

from napari_medssl.project import Project
from napari_medssl.ui.deciding import Part
from napari_medssl.ui.layers import CaseLayers
from napari_medssl.ui.session import Session

REGION = Part("region")


class World:
    """A session whose screen is layers of a viewer model."""

    def __init__(self, root: Path) -> None:
        self.now = 0.0
        self.viewer = ViewerModel()
        self.layers = CaseLayers(
            self.viewer, lambda sure: self.session.cases.edited(sure), lambda: None,
            on_stroke=lambda: self.session.cases.stroked(),
        )  # fmt: skip
        # stand-ins for the driver, the jobs and what follows a run: hence the ignored types
        self.session: Session = Session(
            self.layers, Driver(), DirectJobs(), lambda handle, on_status: lambda: None, author="anna",
            clock=lambda: self.now,
        )  # type: ignore[arg-type]  # fmt: skip
        self.session.open_project(root)
        self.project = Project.open(root)

    @property
    def review(self) -> Any:
        return self.session.state.review

    @property
    def states(self) -> list[str]:
        return [line.state for line in self.review.lines]

    @property
    def labels(self) -> Any:
        return self.layer("labels")

    @property
    def said(self) -> str:
        return (self.session.state.message or ("", ""))[1]

    def layer(self, role: str) -> Any:
        (found,) = [one for one in self.viewer.layers if one.metadata.get("medssl", {}).get("role") == role]
        return found

    def roles(self) -> list[str]:
        return [one.metadata.get("medssl", {}).get("role") for one in self.viewer.layers]

    def open(self, name: str = "case-2") -> None:
        self.session.cases.open(name)

    def tick(self, seconds: float = 0.05) -> None:
        self.now += seconds
        self.session.tick()

    def decide(self, verb: Any, part: Part = REGION) -> None:
        self.session.review.decide(verb, part)

    def places(self, number: int) -> np.ndarray:
        return np.asarray(self.session.cases._shown.proposal.doubt.regions.places[number - 1])

    def proposed(self) -> np.ndarray:
        return np.asarray(self.session.cases._shown.proposal.labels)

    def draw(self, places: np.ndarray, value: int) -> None:
        """One stroke of napari's brush over these places."""
        at = np.unravel_index(places, self.labels.data.shape)
        with self.labels.block_history():
            self.labels.data_setitem(at, value)
        self.tick()


def propose(project: Project, name: str = "case-2", run: str = "bcp-001", shift: int = 0) -> None:
    """A proposal with two doubtful places and an island."""
    case = project.case(name)
    labels, doubt = np.zeros(case.grid.shape, np.uint8), np.zeros(case.grid.shape, np.float32)
    labels[3:9, 3 + shift : 12 + shift, 4:10] = 2
    labels[13, 14, 13] = 1
    labels[13, 3, 2:14] = 1
    doubt[2:5, 3:7, 4:8] = 0.9
    doubt[2:5, 12:15, 4:8] = 0.8
    project.run_folder(run, create=True)
    case.save_proposal(run, labels, {"entropy": doubt}, 0.4, {"expected_dice": {"dark": 0.6}})


def make_world(tmp_path: Path) -> World:
    """A project with a proposal, open at the case that has it."""
    project = make_project(tmp_path)
    propose(project)
    world = World(tmp_path / "project")
    world.open()
    return world
