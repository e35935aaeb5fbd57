"""What was found is kept whole or not at all, and drawn where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_medssl.drawing.charts import draw_profiles
from napari_medssl.drawing.tiles import ramp
from napari_medssl.errors import BadFileError, RunError
from napari_medssl.imaging import Grid, Volume
from napari_medssl.inspection.findings import (
    FINDINGS_NAME,
    Bars,
    Inspection,
    Picture,
    read_findings,
    write_findings,
)
from napari_medssl.inspection.sheets import TILE, Colours, best_axis, draw_sheet, pick_slices, write_sheets

SHAPE = (12, 16, 20)
COLOURS = Colours({1: "#E69F00"}, {1: "liver"})


def pictures(shape: tuple[int, ...] = SHAPE) -> tuple[Picture, ...]:
    labels = np.zeros(shape, np.uint8)
    labels[tuple(slice(n // 4, n // 2) for n in shape)] = 1
    left_red = np.zeros((*shape, 3), np.uint8)
    left_red[: shape[0] // 2, ..., 0] = 255
    return (
        Picture("features-after", "features", "colours", "features", left_red, caption="some words"),
        Picture("restored", "restoration", "grey", "restored", np.linspace(-1, 1, labels.size).reshape(shape).astype(
            np.float16), (-1.0, 1.0), "an error"),
        Picture("sa-places-1", "attention", "heat", "SA", np.full(shape, 0.25, np.float16), (0.0, 0.5), "open"),
        Picture("says-student", "predictions", "labels", "student", labels, caption="says"),
    )  # fmt: skip


def found(**more: Any) -> Inspection:
    bars = (Bars("ca-channels-1", "CA", (0.9, 0.5, 0.1)),)
    return Inspection("bcp-001", "case-1", 2, 4, pictures(), bars, ("No such thing.",), {"a": {"b": 0.5}}, **more)


def test_what_was_found_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    write_findings(folder, found())
    back = read_findings(folder)
    for one, other in zip(found().pictures, back.pictures, strict=True):
        np.testing.assert_array_equal(one.array, other.array)
        assert one.array.dtype == other.array.dtype
        told = ("name", "group", "kind", "title", "limits", "caption")
        assert [getattr(one, name) for name in told] == [getattr(other, name) for name in told]
    assert (back.run, back.case, back.stage, back.stages) == ("bcp-001", "case-1", 2, 4)
    assert (back.bars, back.missing, back.facts) == (found().bars, found().missing, found().facts)


def test_a_second_look_replaces_the_first(tmp_path: Path) -> None:
    write_findings(tmp_path, found())
    (tmp_path / "left-over.npy").write_bytes(b"x")
    write_findings(tmp_path, Inspection("cdma-001", "case-1", 1, 4, pictures()[:1]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["features-after.npy", FINDINGS_NAME]
    assert read_findings(tmp_path).run == "cdma-001"


@pytest.mark.parametrize("damage", ["nothing", "no words", "no array", "half an array", "a pickle", "other words"])
def test_half_of_it_is_not_shown(tmp_path: Path, damage: str) -> None:
    if damage != "nothing":
        write_findings(tmp_path, found())
    array = tmp_path / "restored.npy"
    match damage:
        case "no words":
            (tmp_path / FINDINGS_NAME).unlink()
        case "no array":
            array.unlink()
        case "half an array":
            array.write_bytes(array.read_bytes()[:200])
        case "a pickle":
            np.save(array, np.array([{"a": 1}], dtype=object), allow_pickle=True)
        case "other words":
            (tmp_path / FINDINGS_NAME).write_text('{"run": "x"}')
    with pytest.raises(RunError, match="Look inside the model again"):
        read_findings(tmp_path)


def test_a_look_that_cannot_be_kept_leaves_nothing_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_findings(tmp_path, found())
    saved: list[str] = []

    def full(file: Any, array: Any, **_: Any) -> None:
        saved.append(file.name)
        if len(saved) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(BadFileError, match="Free some space"):
        write_findings(tmp_path, found())
    monkeypatch.undo()
    with pytest.raises(RunError):
        read_findings(tmp_path)


@pytest.mark.parametrize(
    ("affine", "axis"),
    [
        (np.diag([1.0, 1.0, 1.0, 1.0]), 2),
        (np.diag([1.0, 5.0, 1.0, 1.0]), 1),
        (np.diag([-5.0, 1.0, 1.0, 1.0]), 0),
        (np.diag([1.0, 1.0, 1.3, 1.0]), 2),
        (np.array([[0.0, 0, 5, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]), 0),
    ],
)
def test_the_axis_to_look_along_is_the_coarse_one(affine: np.ndarray, axis: int) -> None:
    assert best_axis(Grid((8, 8, 8), affine)) == axis


def test_slices_are_even_over_what_is_to_be_seen() -> None:
    shown = np.zeros((4, 40), bool)
    shown[2, 10:30] = True
    assert pick_slices(shown, 1, 4) == [12, 17, 22, 27]
    assert pick_slices(shown, 0, 4) == [2]
    assert pick_slices(np.zeros((4, 40), bool), 1, 2) == [10, 30]


def volume(array: np.ndarray, affine: np.ndarray) -> Volume:
    return Volume(array[None], Grid(array.shape, affine))


@pytest.mark.parametrize("flipped", [False, True])
def test_the_patients_right_is_on_the_left_and_pictures_lie_beside_the_scan(flipped: bool) -> None:
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    shown = list(pictures()[:1])
    image = np.zeros(SHAPE, np.float32)
    image[: SHAPE[0] // 2] = 100  # small x: the patient's left
    if flipped:
        affine[0] = [-2, 0, 0, 2 * (SHAPE[0] - 1)]
        image = image[::-1].copy()
        shown = [Picture(p.name, p.group, p.kind, p.title, p.array[::-1].copy(), p.limits, p.caption) for p in shown]
    sheet = np.asarray(draw_sheet("title", shown, volume(image, affine), COLOURS, 2)).astype(int)
    red = (sheet[..., 0] > 200) & (sheet[..., 1:].max(axis=-1) < 40)
    bright = sheet.min(axis=-1) > 240
    wide = round(TILE * SHAPE[0] / SHAPE[1])
    column = np.arange(sheet.shape[1])
    in_red, in_bright = column[red.sum(axis=0) > TILE], column[bright.sum(axis=0) > TILE]
    assert in_bright.min() > 6 + 0.4 * wide, "the left half of the first tile is dark"
    assert in_bright.max() < 6 + wide + 6
    assert in_red.min() - in_bright[in_bright < 6 + wide].min() == pytest.approx(wide + 6, abs=6)


def test_each_kind_of_picture_is_drawn_its_own_way() -> None:
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    for picture, expected in zip(
        pictures()[2:], (ramp(np.array([[0.25]]), 0.0, 0.5)[0, 0] * 255, (0xE6, 0x9F, 0)), strict=True
    ):
        sheet = np.asarray(draw_sheet("title", [picture], volume(image, np.eye(4)), COLOURS, 1)).astype(int)
        assert (np.abs(sheet - expected).max(axis=-1) < 6).sum() > 200


def test_an_image_is_one_row_in_its_colours() -> None:
    shape = (30, 40)
    array = np.zeros((3, *shape), np.uint8)
    array[1] = 200
    image = Volume(array, Grid.raster(shape), ("red", "green", "blue"))
    labels = np.zeros(shape, np.uint8)
    labels[5:20, 5:20] = 1
    shown = [Picture("says-student", "predictions", "labels", "student", labels)]
    sheet = np.asarray(draw_sheet("title", shown, image, COLOURS, 4)).astype(int)
    green = np.abs(sheet - [0, 200, 0]).max(axis=-1) < 4
    high, wide = 2 * TILE * 3 // 4, 2 * TILE
    assert 1.5 * high * wide < green.sum() < 2 * high * wide
    orange = np.argwhere(np.abs(sheet - [0xE6, 0x9F, 0]).max(axis=-1) < 4)
    assert orange[:, 1].max() > wide, "over the second tile"


def test_one_sheet_for_each_group_that_there_is(tmp_path: Path) -> None:
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    written = write_sheets(tmp_path / "out", found(), volume(image, np.eye(4)), COLOURS, 3)
    assert [path.name for path in written] == [
        "features.png", "restoration.png", "attention.png", "predictions.png", "channels.png",
    ]  # fmt: skip
    for path in written:
        with Image.open(path) as picture:
            assert min(picture.size) > 100
    assert [
        p.name for p in write_sheets(tmp_path, Inspection("a", "b", 1, 1), volume(image, np.eye(4)), COLOURS, 1)
    ] == []


def test_profiles_are_as_high_as_their_values() -> None:
    picture = np.asarray(draw_profiles("gates", {"one": [1.0] * 50, "two": [0.5] * 50, "three": [], "four": [0.1]}))
    blue = np.abs(picture.astype(int) - [0x56, 0xB4, 0xE9]).max(axis=-1) < 6
    first, second = blue[:, :270].sum(), blue[:, 270:540].sum()
    assert 0.45 < second / (first - 0.1 * 240 * 130) < 0.6
