"""Looking inside a model from the screen: a scripted look without a screen, layers on a viewer model, a real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project, quick_spec, run_inline
from test_ui_layers import Screen as LayerScreen
from test_ui_layers import shown as shown_case
from test_ui_session import Driver, Screen
from test_ui_widget import Bench, choose

from napari_medssl.errors import RunError
from napari_medssl.inspection.child import ProcessChild
from napari_medssl.inspection.findings import Inspection, Picture
from napari_medssl.project import Project
from napari_medssl.runs.history import PastRun
from napari_medssl.ui.display import Display
from napari_medssl.ui.insideview import Inside, InsidePicture, inside_state
from napari_medssl.ui.loading import ShownInside, shown_inside
from napari_medssl.ui.session import Session


def found(shape: tuple[int, ...], run: str = "bcp-001", case: str = "case-2") -> Inspection:
    ramp = np.arange(np.prod(shape), dtype=np.float16).reshape(shape)
    labels = np.zeros(shape, np.uint8)
    labels[2] = 1
    pictures = (
        Picture("features-before", "features", "colours", "before", np.zeros((*shape, 3), np.uint8), caption="a"),
        Picture("features-after", "features", "colours", "features after",
                np.stack([np.full(shape, n, np.uint8) for n in (10, 20, 30)], -1), caption="b"),
        Picture("sa-places-1", "attention", "heat", "SA", ramp, (0.2, 0.8), "c"),
        Picture("restored", "restoration", "grey", "restored", -ramp, (-2.0, 1.0), "d"),
        Picture("says-student", "predictions", "labels", "student", labels, caption="e"),
    )  # fmt: skip
    return Inspection(run, case, 2, 4, pictures, missing=("No such thing.",))


class Look:
    """A child that finds what it is told to, or fails."""

    def __init__(self, world: World, run: str, case: str) -> None:
        self.world, self.run, self.case = world, run, case
        self.stopped = False

    def wait(self) -> Inspection:
        if self.stopped:
            raise RunError("it was stopped")
        if self.world.error is not None:
            raise self.world.error
        return found(self.world.shape, self.run, self.case)

    def stop(self) -> None:
        self.stopped = True


class Watching(Screen):
    """A view that keeps pictures of the inside, too."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: ShownInside | None = None

    def display(self) -> Display | None:
        return None if self.case is None else self.case.display

    def show_inside(self, inside: ShownInside) -> None:
        self.inside = inside

    def hide_inside(self) -> None:
        self.inside = None


class World:
    """A session whose looks inside wait until `work` is called; everything else is done at once."""

    def __init__(self, root: Path) -> None:
        self.screen = Watching()
        self.waiting: list[Callable[[], None]] = []
        self.looks: list[Look] = []
        self.error: Exception | None = None
        self.session = Session(
            self.screen, Driver(), self, lambda handle, on_status: lambda: None, author="anna", start_inside=self.start
        )  # type: ignore[arg-type]
        self.session.open_project(root)
        self.shape = Project.open(root).case("case-2").grid.shape

    def start(self, root: Path, run: str, case: str) -> Look:
        self.looks.append(Look(self, run, case))
        return self.looks[-1]

    def submit(self, lane: str, work: Any, done: Any, failed: Any) -> None:
        def job() -> None:
            try:
                result = work()
            except Exception as error:
                failed(error)
            else:
                done(result)

        if lane == "inside":
            self.waiting.append(job)
        else:
            job()

    def close(self) -> None:
        """Nothing waits."""

    def work(self) -> None:
        """The looks that wait are had."""
        waiting, self.waiting = self.waiting, []
        for job in waiting:
            job()

    @property
    def inside(self) -> Any:
        return self.session.state.inside


@pytest.fixture
def world(tmp_path: Path) -> World:
    project = make_project(tmp_path)
    for run in ("bcp", "cdma"):
        spec = quick_spec(project, run)
        (project.run_folder(spec.run) / "model.safetensors").write_bytes(b"")
    return World(tmp_path / "project")


def test_without_a_case_or_a_model_it_says_what_is_missing(tmp_path: Path, world: World) -> None:
    assert world.inside.text == "Open a case to look with."
    assert not world.inside.can_look
    world.session.inside.look("bcp-001")
    assert not world.waiting
    world.session.cases.open("case-2")
    assert world.inside.can_look
    assert world.inside.runs == ("cdma-002", "bcp-001")
    assert world.inside.text == ""
    make_project(tmp_path / "bare")
    bare = World(tmp_path / "bare" / "project")
    bare.session.cases.open("case-2")
    assert "Train first" in bare.inside.text
    assert not bare.inside.can_look


def test_a_look_shows_its_pictures_with_the_case(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.inside.look("bcp-001")
    assert world.inside.busy
    assert world.inside.text == "Looking inside bcp-001 …"
    world.work()
    assert [(look.run, look.case) for look in world.looks] == [("bcp-001", "case-2")]
    assert world.screen.inside is not None
    assert [p.title for p in world.inside.pictures] == [p.title for p in found(world.shape).pictures]
    assert (world.inside.busy, world.inside.text) == (False, "No such thing.")
    world.session.tick()
    assert world.inside.pictures, "time changes nothing"


def test_another_case_takes_the_pictures_away_and_stops_the_look(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.inside.look("bcp-001")
    world.work()
    world.session.cases.open("case-3")
    assert world.inside.pictures == ()
    world.session.inside.look("bcp-001")
    world.session.cases.open("case-2")
    world.session.tick()
    world.work()
    assert world.looks[-1].stopped
    assert world.screen.inside is None or world.screen.inside.case == "case-2"
    assert world.inside.pictures == ()
    assert not world.inside.busy
    assert world.session.state.message is None


def test_the_same_case_opened_again_does_not_get_the_old_look(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.inside.look("bcp-001")
    world.session.cases.open("case-2")
    world.screen.inside = None
    world.work()
    assert world.screen.inside is None
    assert world.inside.pictures == ()


def test_a_second_look_takes_the_place_of_the_first(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.inside.look("bcp-001")
    world.session.inside.look("cdma-002")
    world.work()
    assert [look.stopped for look in world.looks] == [True, False]
    assert world.screen.inside is not None
    assert world.screen.inside.run == "cdma-002"


def test_a_look_can_be_stopped_and_closing_stops_it(world: World) -> None:
    world.session.cases.open("case-2")
    world.session.inside.look("bcp-001")
    world.session.inside.stop()
    assert not world.inside.busy
    world.work()
    assert world.looks[-1].stopped
    assert world.session.state.message is None
    world.session.inside.look("bcp-001")
    world.session.close()
    world.work()
    assert world.looks[-1].stopped
    assert world.screen.inside is None


def test_what_goes_wrong_is_said_in_its_own_words(world: World) -> None:
    world.session.cases.open("case-2")
    world.error = RunError("The model is damaged. Train again.")
    world.session.inside.look("bcp-001")
    world.work()
    assert world.session.state.message == ("error", "The model is damaged. Train again.")
    assert world.inside.can_look
    assert not world.inside.busy


def past(run: str, **more: Any) -> PastRun:
    return replace(PastRun(run, "train", "bcp", "auto", "cpu", has_model=True), **more)


def test_the_model_of_the_proposal_is_the_one_to_begin_with() -> None:
    runs = (past("bcp-001"), past("cdma-002"), past("bcp-003", has_model=False))
    runs += (past("predict-004", task="predict", start_from="bcp-001", has_model=False),)
    assert inside_state(runs, None, None, True).runs == ("cdma-002", "bcp-001")
    assert inside_state(runs, None, None, True).usual == "cdma-002"
    assert inside_state(runs, "bcp-001", None, True).usual == "bcp-001"
    assert inside_state(runs, "predict-004", None, True).usual == "bcp-001"
    assert inside_state(runs, "bcp-003", None, True).usual == "cdma-002"
    told = Inside("bcp-001", pictures=(InsidePicture("a", "b", "c"),), missing=("one", "two"))
    assert inside_state(runs, None, told, True).text == "one\ntwo"


# --- layers


@pytest.fixture
def screen() -> LayerScreen:
    return LayerScreen()


def an_inside(case: Any) -> ShownInside:
    return shown_inside(found(case.display.grid.shape, case=case.name), case.display)


def test_pictures_are_layers_between_scan_and_labels(screen: LayerScreen) -> None:
    case = shown_case(proposal=True)
    screen.layers.show_case(case)
    screen.layers.show_inside(an_inside(case))
    roles = [layer.metadata["medssl"]["role"] for layer in screen.viewer.layers]
    assert roles == ["image", *["inside"] * 5, "uncertainty", "uncertainty", "proposal", "labels"]
    assert screen.viewer.layers.selection.active is screen.role("labels")
    pictures = [layer for layer in screen.viewer.layers if layer.metadata["medssl"]["role"] == "inside"]
    assert [layer.metadata["medssl"]["picture"] for layer in pictures] == [
        "features-before", "features-after", "sa-places-1", "restored", "says-student",
    ]  # fmt: skip
    assert [layer.visible for layer in pictures] == [False, True, False, False, False]
    for layer in pictures:
        np.testing.assert_allclose(layer.scale, case.display.scale)
        np.testing.assert_allclose(layer.translate, case.display.translate)
        assert layer.metadata["medssl"]["run"] == "bcp-001"
    assert pictures[1].rgb
    assert pictures[1].data.shape == (*case.display.shape, 3)
    assert tuple(pictures[2].contrast_limits) == (0.2, 0.8)
    assert tuple(pictures[3].contrast_limits) == (-2.0, 1.0)
    assert not pictures[4].editable
    grid_first = found(case.display.grid.shape).pictures
    np.testing.assert_array_equal(pictures[2].data, case.display.show(grid_first[2].array))
    np.testing.assert_array_equal(pictures[4].data, case.display.show(grid_first[4].array))


def test_one_picture_at_a_time_is_chosen_and_all_go_with_the_case(screen: LayerScreen) -> None:
    case = shown_case()
    screen.layers.show_case(case)
    assert screen.layers.overlays.look().picture is None
    screen.layers.show_inside(an_inside(case))
    assert screen.layers.overlays.look().picture == "features-after"
    screen.layers.overlays.show_picture("restored")
    assert screen.layers.overlays.look().picture == "restored"
    screen.layers.overlays.show_picture(None)
    assert screen.layers.overlays.look().picture is None
    screen.layers.show_inside(an_inside(case))
    assert len(screen.viewer.layers) == 2 + 5, "those of the first look are gone"
    screen.viewer.layers.remove(screen.role("inside", picture="restored"))
    screen.layers.overlays.show_picture("features-after")
    screen.layers.show_case(shown_case("case-2"))
    assert screen.layers.overlays.look().picture is None
    assert [layer.metadata["medssl"]["role"] for layer in screen.viewer.layers] == ["image", "labels"]
    screen.layers.show_inside(an_inside(case))
    assert len(screen.viewer.layers) == 2, "pictures of another case are not shown"


def test_hiding_pictures_leaves_what_is_drawn(screen: LayerScreen) -> None:
    case = shown_case(proposal=True)
    screen.layers.show_case(case)
    labels = screen.role("labels")
    screen.layers.show_inside(an_inside(case))
    labels.paint((2, 2, 2), 1)
    screen.layers.hide_inside()
    assert screen.role("labels") is labels
    assert (labels.data == 1).any()
    assert len(screen.viewer.layers) == 5
    assert screen.closed == 0


def test_an_image_has_its_pictures_too() -> None:
    from napari_medssl.imaging import Grid

    display = Display(Grid.raster((6, 7)))
    inside = shown_inside(found((6, 7)), display)
    assert inside.pictures[1].array.shape == (6, 7, 3)
    np.testing.assert_array_equal(inside.pictures[2].array, found((6, 7)).pictures[2].array)


# --- a real look


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("looked-into")
    project = make_project(folder)
    run_inline(project, quick_spec(project, "cdma", steps=2).run)
    return folder / "project"


def test_a_child_says_why_it_cannot_look(trained: Path) -> None:
    with pytest.raises(RunError, match=r"^There is no run 'gone'"):
        ProcessChild(trained, "gone", "case-2").wait()


def test_a_child_that_is_stopped_or_breaks_is_told_from_one_that_refuses(trained: Path) -> None:
    child = ProcessChild(trained, "cdma-001", "case-2")
    child.stop()
    with pytest.raises(RunError, match="broke off"):
        child.wait()
    child.stop()


def test_the_button_shows_pictures_in_napari(qtbot: Any, trained: Path) -> None:
    bench = Bench(qtbot, trained)
    page = bench.widget.review_page
    assert not page.inside.look.isEnabled()
    bench.open("case-2")
    assert page.inside.models.currentData() == "cdma-001"
    assert page.inside.pictures.isHidden()
    before = list(bench.viewer.layers)
    bench.click(page.inside.look)
    assert page.inside.look.text() == "Stop looking"
    qtbot.waitUntil(lambda: bool(bench.state.inside.pictures), timeout=120_000)
    assert (trained / "cache" / "inspection" / "cdma-001" / "case-2").is_dir()
    assert page.inside.look.text() == "Look inside"
    assert page.inside.pictures.currentData() == "features-after"
    assert "variance" in page.inside.caption.text()
    assert "No restoration" in page.inside.missing.text()
    assert all(layer in bench.viewer.layers for layer in before)
    choose(page.inside.pictures, "says-sa")
    page.inside.pictures.activated.emit(page.inside.pictures.currentIndex())
    assert bench.widget.layers.overlays.look().picture == "says-sa"
    assert page.inside.caption.text().startswith("Dice")
    page.inside.pictures.setCurrentIndex(0)
    page.inside.pictures.activated.emit(0)
    assert bench.widget.layers.overlays.look().picture is None
    bench.open("case-3")
    assert page.inside.pictures.isHidden()
    assert len(bench.viewer.layers) == 2
