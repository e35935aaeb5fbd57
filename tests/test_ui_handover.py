"""What was made in other layers becomes labels of the case on the screen, or a case; and a layer of somebody else is
said to be none of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import napari.layers._layer_actions as napari_actions
import nibabel as nib
import numpy as np
import pytest
from fixtures import SHAPE, make_project
from napari.layers import Image, Labels
from napari.layers._source import layer_source
from napari.utils._proxies import PublicOnlyProxy
from test_ui_prefetch import Lanes
from test_ui_widget import Bench

from napari_medssl.imaging import read_image
from napari_medssl.project import Project
from napari_medssl.ui import layermenu
from napari_medssl.ui.display import Display
from napari_medssl.ui.panels import layer_dialog
from napari_medssl.ui.panels.import_dialog import ImportLabelsDialog
from napari_medssl.ui.panels.layer_dialog import LayerDialog
from napari_medssl.ui.scanlayer import scan_of

SHOWN = SHAPE["3d"][::-1]


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    make_project(tmp_path)
    made = Bench(qtbot, tmp_path / "project")
    made.open("case-2")
    return made


@pytest.fixture
def one_class(qtbot: Any, tmp_path: Path) -> Bench:
    make_project(tmp_path, classes=1)
    made = Bench(qtbot, tmp_path / "project")
    made.open("case-2")
    return made


def ours(bench: Bench, name: str = "case-2") -> Any:
    return bench.viewer.layers[f"{name} · labels"]


def space(bench: Bench) -> dict[str, Any]:
    return dict(bench.widget.layers.display().spatial)


def drawn(value: int = 1) -> np.ndarray:
    array = np.zeros(SHOWN, np.int32)
    array[3:5, 6:9, 4:7] = value
    return array


def add(bench: Bench, array: np.ndarray, **more: Any) -> Any:
    layer = bench.viewer.add_layer(Labels(array, **{"name": "segmenter", **more}))
    bench.viewer.layers.selection.active = layer
    return layer


def said(bench: Bench, words: str) -> None:
    bench.until(lambda: not bench.state.busy and words in (bench.state.message or ("", ""))[1])


def answer_values(monkeypatch: pytest.MonkeyPatch, meaning: dict[int, int | None], seen: list[Any]) -> None:
    def answer(dialog: LayerDialog) -> Any:
        seen.append(dialog.meaning())
        for value, means in meaning.items():
            dialog.values.choose(value, means)
        return dialog.DialogCode.Accepted

    monkeypatch.setattr(LayerDialog, "exec_", answer, raising=False)


# --- the hint


def test_a_layer_of_somebody_else_is_said_to_be_kept_nowhere(bench: Bench) -> None:
    bar = bench.widget.foreign_bar
    assert bar.isHidden()
    bench.viewer._new_labels()  # napari's own button
    assert not bar.isHidden()
    assert "is not the layer of case-2: what is drawn on it is not saved" in bar.words.text()
    bench.viewer.layers.selection.active = ours(bench)
    assert bar.isHidden(), "gone when the right layer is in hand"
    image = bench.viewer.add_layer(Image(np.zeros((4, 4)), name="photo"))
    bench.viewer.layers.selection.active = image
    assert (bar.words.text(), bar.act.text()) == ("“photo” is no case of this project.", "Add as a case")
    bench.viewer.layers.remove(image)
    bench.viewer.layers.selection.active = ours(bench)
    assert bar.isHidden()


def test_layers_are_known_through_the_proxy_that_plugins_are_given(bench: Bench) -> None:
    layers, foreign = bench.widget.layers, bench.widget.foreign
    layers.viewer = PublicOnlyProxy(bench.viewer)
    assert layers.is_ours(layers.viewer.layers.selection.active)
    assert foreign.in_hand() is None
    layer = add(bench, drawn())
    assert foreign.in_hand() is layer, "the layer itself, of which all can be asked"
    layers.viewer = bench.viewer


def test_without_a_case_nobody_is_told_of_labels(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    bench = Bench(qtbot, tmp_path / "project")
    add(bench, drawn())
    assert bench.widget.foreign_bar.isHidden()


def test_a_copy_of_our_layer_is_not_ours_and_stays_when_the_case_goes(bench: Bench) -> None:
    bench.viewer.layers.selection.active = ours(bench)
    napari_actions._duplicate_layer(bench.viewer.layers)
    copy = bench.viewer.layers["case-2 · labels copy"]
    bench.viewer.layers.selection.active = copy
    assert not bench.widget.foreign_bar.isHidden()
    copy.data[5, 5, 5] = 1
    bench.open("case-3")
    assert copy in bench.viewer.layers, "what a person drew on it would be lost"
    assert ours_gone(bench)


def ours_gone(bench: Bench) -> bool:
    return "case-2 · labels" not in bench.viewer.layers


def test_the_dock_lets_go_of_the_viewer(bench: Bench) -> None:
    bench.widget.shut()
    add(bench, drawn())
    assert bench.widget.foreign_bar.isHidden()


# --- labels


def test_what_was_drawn_on_a_new_layer_becomes_a_draft_in_one_step(one_class: Bench) -> None:
    bench = one_class
    bench.viewer.layers.selection.active = bench.viewer.layers["case-2 · image"]
    bench.viewer._new_labels()
    layer = bench.viewer.layers.selection.active
    layer.data[:] = drawn(1)
    bench.click(bench.widget.foreign_bar.act)
    said(bench, f"case-2 has labels of the layer “{layer.name}” now: bright (18 voxels).")
    np.testing.assert_array_equal(ours(bench).data, np.where(drawn() == 1, 1, 255))
    assert bench.viewer.layers.selection.active is ours(bench)
    assert not layer.visible
    assert bench.widget.foreign_bar.isHidden()
    bench.until(lambda: bench.state.actions.save_text == "Draft saved")
    case = Project.open(bench.widget.session.board.facts.project.root).case("case-2")
    assert not case.latest().complete
    assert (case.read_labels().array == 1).sum() == (drawn() == 1).sum()
    ours(bench).undo()
    assert (ours(bench).data == 255).all(), "one Ctrl+Z"


def test_a_layer_is_for_the_case_that_was_on_the_screen_when_it_was_handed_over(one_class: Bench) -> None:
    """Counting takes a while, and the person goes on to the next case: the layer is not that one's."""
    bench, lanes = one_class, Lanes()
    layer = add(bench, drawn(1))
    direct, bench.widget.session.hand._jobs = bench.widget.session.hand._jobs, lanes
    bench.answers.append("yes")
    bench.click(bench.widget.foreign_bar.act)
    bench.widget.session.hand._jobs = direct
    bench.open("case-3")
    lanes.go("tools")
    said(bench, f"The layer “{layer.name}” was for case-2")
    assert (ours(bench, "case-3").data == 255).all()
    assert layer.visible


def test_what_the_values_are_is_asked_where_there_are_several_structures(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    answer_values(monkeypatch, {1: 2, 4000: 1, 7: None}, seen)
    array = drawn(1)
    array[10, 3, 3], array[10, 3, 5] = 4000, 7
    add(bench, array, **space(bench))
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "bright (1 voxel), dark (18 voxels)")
    assert seen == [{1: 1}], "what the values say is offered, what they do not is left out"
    assert ours(bench).data[10, 3, 3] == 1
    assert ours(bench).data[10, 3, 5] == 255
    assert (ours(bench).data[array == 1] == 2).all()


def test_a_layer_named_like_a_structure_is_taken_for_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    answer_values(monkeypatch, {}, seen)
    add(bench, drawn(1), **space(bench), name="Dark mask")
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "dark (18 voxels)")
    assert seen == [{1: 2}]


@pytest.mark.parametrize(("answer", "over"), [("with", True), ("without", False), ("no", False)])
def test_what_is_drawn_is_asked_about_and_locked_structures_stay(one_class: Bench, answer: str, over: bool) -> None:
    bench = one_class
    ours(bench).data[3, 6, 4] = 0
    before = ours(bench).data.copy()
    bench.answers = [answer]
    add(bench, drawn(1), **space(bench))
    bench.click(bench.widget.foreign_bar.act)
    bench.until(lambda: bool(bench.asked))
    assert "1 voxel of background would become" in bench.asked[0].words
    if answer == "no":
        np.testing.assert_array_equal(ours(bench).data, before)
        return
    said(bench, "has labels of the layer")
    assert ours(bench).data[3, 6, 4] == int(over)
    assert ours(bench).data[4, 6, 4] == 1


def test_a_locked_structure_is_never_overwritten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_values(monkeypatch, {}, [])
    ours(bench).data[3, 6, 4] = 2
    bench.widget.session.classes.lock(2, True)
    bench.until(lambda: 2 in bench.widget.layers.gate.locked)
    add(bench, drawn(1), **space(bench))
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "bright (17 voxels)")
    assert ours(bench).data[3, 6, 4] == 2


def test_a_part_of_the_scan_and_a_flipped_layer_are_taken_where_they_are(one_class: Bench) -> None:
    bench = one_class
    place = space(bench)
    start, scale = np.array(place["translate"]), np.array(place["scale"])
    part = drawn()[2:8, 5:10]
    add(bench, part[::-1], **{
        **place, "scale": scale * (-1, 1, 1), "translate": start + scale * (7, 5, 0),
    })  # fmt: skip
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "bright (18 voxels)")
    np.testing.assert_array_equal(ours(bench).data == 1, drawn() == 1)


@pytest.mark.parametrize("over_the_border", [4, 8])
def test_what_lies_outside_the_scan_is_said_to_be_left_out(one_class: Bench, over_the_border: int) -> None:
    """A layer as large as the scan, shifted by whole slices: its last ones lie beyond the scan."""
    where = space(one_class)
    array = np.zeros(SHOWN, np.int32)
    array[-8:-4, 6:9, 4:7] = 1
    shift = np.zeros(3)
    shift[0] = over_the_border * where["scale"][0]
    add(one_class, array, **{**where, "translate": np.asarray(where["translate"]) + shift})
    one_class.widget.foreign_bar.act.click()
    if over_the_border == 8:
        said(one_class, "all of the layer “segmenter” lies outside the scan of case-2")
        assert (ours(one_class).data == 255).all()
        array[-9, 6:9, 4:7] = 1  # one slice of five is inside now
        one_class.widget.foreign_bar.act.click()
        said(one_class, "36 voxels of it lie outside the scan and were left out")
    else:
        said(one_class, "segmenter")
        assert "outside" not in one_class.state.message[1]
    assert one_class.state.message[0] == ("warning" if over_the_border == 8 else "info")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"scale": (1.5, 1.0, 1.1)}, "the spacings differ"),
        ({"translate": (0.4, 0.0, 0.0)}, "the origins differ"),
        ({"rotate": 20.0}, "directions differ"),
    ],
)
def test_a_layer_beside_the_voxels_is_refused_with_the_reason(
    one_class: Bench, change: dict[str, Any], why: str
) -> None:
    bench = one_class
    before = ours(bench).data.copy()
    add(bench, drawn(), **{**space(bench), **change})
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "it is not on the voxels of the scan")
    assert why in bench.state.message[1]
    assert "Copy scale and transforms" in bench.state.message[1]
    np.testing.assert_array_equal(ours(bench).data, before)


def test_layers_of_other_axes_and_empty_ones_are_refused(one_class: Bench) -> None:
    bench = one_class
    add(bench, np.ones((2, *SHOWN), np.uint8))
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "it has 4 axes, and the scan has 3")
    add(bench, np.zeros(SHOWN, np.uint8), **space(bench))
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "is empty: there is nothing to use")


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_layer_that_does_not_say_where_it_lies_is_asked_about(one_class: Bench, answer: str) -> None:
    bench = one_class
    bench.answers = [answer]
    add(bench, drawn())
    bench.click(bench.widget.foreign_bar.act)
    assert "voxel for voxel?" in bench.asked[0].words
    if answer == "yes":
        said(bench, "bright (18 voxels)")
    assert ((ours(bench).data == 1).sum() == 18) == (answer == "yes")


def test_micrometres_are_not_millimetres(one_class: Bench) -> None:
    bench = one_class
    place = space(bench)
    tiny = {**place, "scale": np.array(place["scale"]) * 1000, "translate": np.array(place["translate"]) * 1000}
    add(bench, drawn(), **{**tiny, "units": ("micrometer",) * 3})
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "bright (18 voxels)")


def test_labels_of_a_flat_image(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path, "raster", classes=1)
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    array = np.zeros(SHAPE["raster"], np.uint8)
    array[3:5, 4:9] = 1
    add(bench, array)
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "bright (10 voxels)")
    np.testing.assert_array_equal(ours(bench).data == 1, array == 1)


# --- cases


def image(bench: Bench, array: np.ndarray, path: Path | None = None, **more: Any) -> Any:
    with layer_source(path=None if path is None else str(path)):
        layer = Image(array, **{"name": "scan", **more})
    bench.viewer.add_layer(layer)
    bench.viewer.layers.selection.active = layer
    return layer


def test_an_image_from_a_file_becomes_a_case_where_it_is(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "new-scan.nii.gz"
    path.parent.mkdir()
    nib.save(nib.Nifti1Image(np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32), np.eye(4)), path)
    layer = image(bench, np.zeros((7, 6, 5)), path)
    bench.click(bench.widget.foreign_bar.act)
    bench.until(lambda: bench.state.current == "new-scan" and bench.state.actions.can_label)
    project = Project.open(bench.widget.session.board.facts.project.root)
    assert project.case("new-scan").images == (path,)
    assert "1 scan added." in bench.state.message[1]
    assert not (Path(project.root) / "scans").exists()
    assert not layer.visible, "or it would be mistaken for the case"


def test_a_mask_that_napari_shows_as_an_image_is_imported(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "elsewhere" / "case-3_seg.nii"
    path.parent.mkdir()
    nib.save(nib.Nifti1Image(np.ones(SHAPE["3d"], np.uint8), np.diag([1.0, 1.0, 1.5, 1.0])), path)
    seen: list[str] = []

    def answer(dialog: ImportLabelsDialog) -> Any:
        bench.until(lambda: dialog.plan is not None)
        seen.extend(dialog.chosen())
        return dialog.DialogCode.Accepted

    monkeypatch.setattr(ImportLabelsDialog, "exec_", answer, raising=False)
    image(bench, np.ones(SHOWN), path)
    assert "named like labels" in bench.widget.foreign_bar.words.text()
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "Labels of 1 case imported.")
    assert seen == ["case-3"]


def test_without_structures_a_layer_says_what_to_do_first(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path, labelled=0, classes=0)
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-1")
    add(bench, drawn(), **space(bench))
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "Name the structures first")


def test_a_scan_that_is_a_case_already_says_so(bench: Bench, tmp_path: Path) -> None:
    image(bench, np.zeros((7, 6, 5)), tmp_path / "scans" / "case-1_0.nii")
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "this scan is a case already")


def test_an_image_made_in_memory_is_written_into_the_project(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.random.default_rng(0).integers(-900, 900, (7, 6, 5)).astype(np.int64)
    asked: list[str] = []
    monkeypatch.setattr(layer_dialog, "ask_name", lambda parent, name: asked.append(name) or "made/up")
    image(bench, array, scale=(2.0, 0.5, 0.7), name="filtered")
    bench.click(bench.widget.foreign_bar.act)
    bench.until(lambda: bench.state.current == "made_up" and bench.state.actions.can_label)
    assert asked == ["filtered"]
    root = Path(bench.widget.session.board.facts.project.root)
    assert str(root / "scans" / "made_up.nii.gz") in bench.state.message[1]
    shown = bench.viewer.layers["made_up · image"]
    np.testing.assert_array_equal(shown.data, array)
    np.testing.assert_allclose(shown.scale, (2.0, 0.5, 0.7), rtol=1e-6)
    volume = read_image(root / "scans" / "made_up.nii.gz")
    assert not volume.grid.oriented, "nobody said how it lies in the patient"


def test_nothing_is_written_where_no_name_was_given(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_dialog, "ask_name", lambda parent, name: None)
    image(bench, np.zeros((7, 6, 5)))
    bench.click(bench.widget.foreign_bar.act)
    assert not (Path(bench.widget.session.board.facts.project.root) / "scans").exists()


def test_what_is_refused_leaves_no_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_dialog, "ask_name", lambda parent, name: name)
    image(bench, np.zeros((7, 6, 3), np.uint8), rgb=True)  # three channels, where the project has one
    bench.click(bench.widget.foreign_bar.act)
    said(bench, "3 channels")
    assert not list((Path(bench.widget.session.board.facts.project.root) / "scans").glob("*.png"))


def test_what_was_made_of_a_scan_on_the_screen_lies_as_it_does(bench: Bench) -> None:
    """A plugin that keeps scale, place and axes gives a scan that lies in the patient as the one it was made of."""
    display = bench.widget.layers.display()
    layer = Image(np.arange(np.prod(SHOWN), dtype=np.float64).reshape(SHOWN), **display.spatial)
    made = scan_of(layer)
    assert made.array.dtype == np.float32
    assert made.grid.oriented
    again = Display(made.grid)
    np.testing.assert_array_equal(again.show(made.array), layer.data)
    np.testing.assert_allclose(again.translate, display.translate, atol=1e-9)
    np.testing.assert_allclose(again.scale, display.scale)


@pytest.mark.parametrize(
    ("array", "rgb", "why"),
    [(np.zeros((2, 3, 4, 5)), False, "it is of 4 axes"), (np.zeros((3, 4, 5, 3), np.uint8), True, "it is in colour")],
)
def test_what_cannot_be_a_case_says_why(bench: Bench, array: np.ndarray, rgb: bool, why: str) -> None:
    image(bench, array, rgb=rgb)
    bench.click(bench.widget.foreign_bar.act)
    said(bench, why)


def test_a_flat_image_in_memory_keeps_its_values(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(tmp_path, "raster")
    bench = Bench(qtbot, tmp_path / "project")
    monkeypatch.setattr(layer_dialog, "ask_name", lambda parent, name: name)
    array = np.random.default_rng(0).normal(size=(24, 20)).astype(np.float32)
    image(bench, array, name="flat")
    bench.click(bench.widget.foreign_bar.act)
    bench.until(lambda: bench.state.current == "flat" and bench.state.actions.can_label)
    np.testing.assert_array_equal(bench.viewer.layers["flat · image"].data, array)


def test_a_copy_of_a_scan_that_was_changed_is_not_taken_for_its_file(bench: Bench, tmp_path: Path) -> None:
    from napari_medssl.ui.scanlayer import file_of

    layer = image(bench, np.zeros((7, 6, 5)), tmp_path / "scans" / "case-1_0.nii")
    assert file_of(layer) == tmp_path / "scans" / "case-1_0.nii"
    napari_actions._duplicate_layer(bench.viewer.layers)
    assert file_of(bench.viewer.layers["scan copy"]) is None


# --- napari's own menus


def test_a_right_click_on_a_layer_offers_what_fits_its_kind(bench: Bench) -> None:
    from napari._app_model import get_app_model

    offered = {
        item.command.title: item.when
        for item in get_app_model().menus.get_menu("napari/layers/context")
        if hasattr(item, "command") and item.command.title.startswith("MedSSL")
    }
    for kind, words in {"labels": "MedSSL: use as labels of this case", "image": "MedSSL: add as a case"}.items():
        assert [title for title, when in offered.items() if when.eval({"active_layer_type": kind})] == [words]


@pytest.mark.parametrize(("act", "kind"), [(layermenu.use_as_labels, "labels"), (layermenu.add_as_case, "image")])
def test_the_menus_act_on_the_layer_in_hand(
    one_class: Bench, monkeypatch: pytest.MonkeyPatch, act: Any, kind: str
) -> None:
    bench = one_class
    monkeypatch.setattr("napari.current_viewer", lambda: bench.viewer)
    monkeypatch.setattr("napari_medssl.ui.samples.dock_of", lambda viewer: bench.widget)
    monkeypatch.setattr(layer_dialog, "ask_name", lambda parent, name: name)
    act()
    said(bench, f"Choose the {kind} layer first")
    if kind == "labels":
        add(bench, drawn(), **space(bench))
    else:
        image(bench, np.zeros((5, 6, 7)), name="made")
    act()
    said(bench, "has labels of the layer" if kind == "labels" else "1 scan added")


def test_without_a_case_or_a_project_the_menus_say_what_to_do(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(qtbot, None)
    monkeypatch.setattr("napari.current_viewer", lambda: bench.viewer)
    monkeypatch.setattr("napari_medssl.ui.samples.dock_of", lambda viewer: bench.widget)
    add(bench, drawn())
    layermenu.use_as_labels()
    said(bench, "Open a case first")
    image(bench, np.zeros((5, 6, 7)))
    layermenu.add_as_case()
    said(bench, "Open a project first")


def test_nobody_draws_on_a_case_that_was_left(bench: Bench) -> None:
    """While the next one is read, strokes on the one before would be in nobody's labels; the tool stays in hand."""
    cases, lanes = bench.widget.session.cases, Lanes()
    layer = ours(bench)
    layer.mode = "paint"
    layer.brush_size = 7
    direct, cases._jobs = cases._jobs, lanes
    cases.open("case-3")
    cases._jobs = direct
    assert not layer.editable
    assert bench.widget.layers.at_hand() is None
    for lane in tuple(lanes.waiting):
        lanes.go(lane)
    bench.until(lambda: bench.state.current == "case-3")
    assert ours(bench, "case-3").editable
    assert (ours(bench, "case-3").mode, ours(bench, "case-3").brush_size) == ("paint", 7)
