"""The proposal of the case on the screen grows while a run trains: asked for, fetched, shown, taken away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from test_ui_layers import Screen as Layers
from test_ui_layers import proposed, shown
from test_ui_session import Screen, World

from napari_medssl.disk import make_folder
from napari_medssl.imaging import Labels, write_labels
from napari_medssl.runs.events import Previewed, RunFinished, RunStarted
from napari_medssl.runs.look import PREVIEWS, looked_at
from napari_medssl.runs.outlook import Wish
from napari_medssl.ui.display import Display
from napari_medssl.ui.previewing import ShownPreview


class GrowingScreen(Screen):
    """A screen that keeps what grows on it."""

    def __init__(self) -> None:
        super().__init__()
        self.preview: ShownPreview | None = None

    def display(self) -> Display | None:
        return None if self.case is None else self.case.display

    def show_preview(self, preview: ShownPreview) -> None:
        self.preview = preview

    def hide_preview(self) -> None:
        self.preview = None

    def wake_preview(self) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("test_ui_session.Screen", GrowingScreen)
    make_project(tmp_path, "3d", labelled=2, unlabelled=3)
    found = World(tmp_path / "project")
    yield found
    found.session.close()


def begin(world: World, method: str = "bcp") -> tuple[str, Path]:
    """A run that trains, and its folder."""
    world.session.runs.train([Wish(method, minutes=5.0)])
    (run,) = world.driver.runs
    world.say(RunStarted(run=run, task="train", method=method))
    world.wait(0.05)
    return run, world.project.run_folder(run)


def leave(world: World, folder: Path, case: str, step: int) -> None:
    """The run leaves a look at a case; every voxel has the value of the step."""
    grid = world.project.case(case).grid
    make_folder(folder / PREVIEWS)
    write_labels(folder / PREVIEWS / f"{case}.nii.gz", Labels(np.full(grid.shape, step, np.uint8), grid))
    world.say(Previewed(case=case, step=step, path=f"{PREVIEWS}/{case}.nii.gz"))
    world.wait(0.05)


def on(world: World) -> ShownPreview | None:
    """What grows on the screen."""
    assert isinstance(world.screen, GrowingScreen)
    return world.screen.preview


class TestDesk:
    def test_the_open_case_is_asked_for_and_shown_as_it_grows(self, world: World) -> None:
        _, folder = begin(world)
        assert looked_at(folder) is None, "no case is open"
        world.session.cases.open("case-3")
        world.wait(0.05)
        assert looked_at(folder) == "case-3"
        for step in (1, 2):
            leave(world, folder, "case-3", step)
            preview = on(world)
            assert preview is not None
            assert (preview.step, preview.labels.shape) == (step, world.screen.labels().shape)  # type: ignore[union-attr]
            assert (preview.labels == step).all()

    def test_another_case_another_request(self, world: World) -> None:
        _, folder = begin(world)
        world.session.cases.open("case-3")
        world.wait(0.05)
        leave(world, folder, "case-3", 1)
        world.session.cases.open("case-4")
        world.wait(0.05)
        assert looked_at(folder) == "case-4"
        assert on(world) is None
        leave(world, folder, "case-3", 2)
        assert on(world) is None, "of a case that has left the screen"

    def test_on_request_it_goes_and_comes_back(self, world: World) -> None:
        _, folder = begin(world)
        world.session.cases.open("case-3")
        world.wait(0.05)
        leave(world, folder, "case-3", 1)
        world.session.previews.want(False)
        assert (on(world), looked_at(folder)) == (None, None)
        leave(world, folder, "case-3", 2)
        assert on(world) is None
        world.session.previews.want(True)
        assert looked_at(folder) == "case-3"
        assert on(world).step == 2  # type: ignore[union-attr]

    def test_it_goes_when_the_run_is_over(self, world: World) -> None:
        _, folder = begin(world)
        world.session.cases.open("case-3")
        world.wait(0.05)
        leave(world, folder, "case-3", 1)
        world.say(RunFinished(reason="completed", message="proposals made."))
        world.wait(0.05)
        assert on(world) is None

    def test_a_file_that_is_gone_or_of_another_scan_is_nothing_to_worry_about(self, world: World) -> None:
        begin(world)
        world.session.cases.open("case-3")
        world.wait(0.05)
        world.say(Previewed(case="case-3", step=1, path="preview/nothing.nii.gz"))
        world.wait(0.05)
        assert on(world) is None
        assert world.session.state.message is None

    def test_when_the_window_closes_nobody_looks(self, world: World) -> None:
        _, folder = begin(world)
        world.session.cases.open("case-3")
        world.wait(0.05)
        assert looked_at(folder) == "case-3"
        world.session.close()
        assert looked_at(folder) is None

    def test_none_of_a_method_that_makes_no_proposals(self, world: World) -> None:
        world.session.cases.open("case-3")
        _, folder = begin(world, "desd")
        assert looked_at(folder) is None


class TestLayer:
    def grown(self, step: int, case: str = "case-1") -> ShownPreview:
        return ShownPreview(case, "bcp-001", step, np.full(proposed().labels.shape, step, np.uint8))

    def timed(self) -> tuple[Layers, Any, list[float]]:
        """A screen with a preview, its layer, and what its clock says."""
        screen, now = Layers(), [10.0]
        screen.layers._preview._clock = lambda: now[0]
        screen.layers.show_case(shown())
        screen.layers.show_preview(self.grown(1))
        return screen, screen.role("preview"), now

    def test_it_is_an_outline_below_the_labels_that_nobody_draws_on(self) -> None:
        screen = Layers()
        screen.layers.show_case(shown(proposal=True))
        chosen = screen.viewer.layers.selection.active
        screen.layers.show_preview(self.grown(1))
        layer = screen.role("preview", run="bcp-001")
        assert (layer.name, layer.editable, layer.contour) == ("case-1 · preview", False, 2)
        order = list(screen.viewer.layers)
        assert order.index(layer) < order.index(screen.role("labels"))
        assert screen.viewer.layers.selection.active is chosen
        screen.layers.show_preview(self.grown(2))
        assert screen.role("preview", step="2") is layer
        assert (layer.data == 2).all()
        assert not any(screen.sure), "nobody drew"

    def test_it_goes_on_request_and_with_its_case(self) -> None:
        screen = Layers()
        screen.layers.show_case(shown())
        for leave_it in (screen.layers.hide_preview, lambda: screen.layers.show_case(shown("case-2"))):
            screen.layers.show_preview(self.grown(1))
            assert any("preview" in layer.name for layer in screen.viewer.layers)
            leave_it()
            assert not any("preview" in layer.name for layer in screen.viewer.layers)
        screen.layers.show_preview(self.grown(2))
        assert not any("preview" in layer.name for layer in screen.viewer.layers), "of another case"

    def test_removed_by_hand_it_stays_away_until_asked_for(self) -> None:
        screen = Layers()
        screen.layers.show_case(shown())
        screen.layers.show_preview(self.grown(1))
        screen.viewer.layers.remove(screen.role("preview"))
        screen.layers.show_preview(self.grown(2))
        assert not any("preview" in layer.name for layer in screen.viewer.layers)
        screen.layers.hide_preview()
        screen.layers.show_preview(self.grown(3))
        assert screen.role("preview", step="3").visible

    def test_it_rests_while_somebody_scrolls_and_not_while_one_goes_slice_by_slice(self) -> None:
        screen, layer, now = self.timed()

        def go_to(at: int, after: float) -> None:
            now[0] += after
            screen.viewer.dims.set_current_step(0, at)

        go_to(1, after=1.0)
        go_to(2, after=1.0)
        assert layer.visible, "slice by slice"
        go_to(3, after=0.04)
        assert not layer.visible, "scrolling"
        now[0] += 0.1
        screen.layers.wake_preview()
        assert not layer.visible, "perhaps only a short halt"
        now[0] += 0.2
        screen.layers.wake_preview()
        assert layer.visible

    def test_hidden_by_hand_it_stays_hidden_however_one_scrolls(self) -> None:
        screen, layer, now = self.timed()
        layer.visible = False
        for at in (1, 2, 3):
            now[0] += 0.04
            screen.viewer.dims.set_current_step(0, at)
        now[0] += 5.0
        screen.layers.wake_preview()
        assert not layer.visible
