"""Pictures show what they say: the right colours in the right places, radiological orientation, true proportions."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medssl.demo.pictures import CasePicture, draw_cases
from napari_medssl.drawing.charts import draw_bars, draw_curves, stack
from napari_medssl.drawing.tiles import save
from napari_medssl.imaging import Grid

COLOURS = {1: "#E69F00", 2: "#56B4E9"}


def make_picture(axes_flip=False):
    """A body whose left half (patient) is bright, with class 1 in the right half."""
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    image = np.zeros((40, 30, 20), np.float32)
    image[:20] = 100  # small x: the patient's left
    truth = np.zeros(image.shape, np.uint8)
    truth[25:35, 10:20, 5:15] = 1
    if axes_flip:
        image, truth = image[::-1], truth[::-1]
        affine[0] = [-2, 0, 0, 78]
    entropy = np.zeros(image.shape, np.float32)
    entropy[image == 100] = 1.0
    return CasePicture("one", Grid(image.shape, affine), image, truth, truth, entropy)


def sheet_of(*pictures):
    return np.asarray(draw_cases(pictures, COLOURS, {1: "liver", 2: "spleen"})).astype(int)


def test_the_patients_right_is_on_the_left_whatever_the_axis_codes():
    sheet = sheet_of(make_picture())
    np.testing.assert_array_equal(sheet, sheet_of(make_picture(axes_flip=True)))
    scan = sheet[44 : 44 + 100, 6 : 6 + 80]  # the first tile is 80 x 60, centred beside a coronal one
    rows = scan[20:80]
    assert rows[:, 5:35].mean() < 40  # dark: the patient's right
    assert rows[:, 45:75].mean() > 200


def test_outlines_are_drawn_in_the_class_colour_and_heat_where_the_model_is_unsure():
    sheet = sheet_of(make_picture())
    tiles = [sheet[44:144, 6 + 86 * n : 86 + 86 * n] for n in range(4)]

    def has(tile, colour):
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        return bool((np.abs(tile - wanted).max(-1) < 6).any())

    assert not has(tiles[0], COLOURS[1])
    assert has(tiles[1], COLOURS[1])
    assert has(tiles[2], COLOURS[1])
    heat = tiles[3][..., 0] - tiles[3][..., 2]
    assert heat[20:80, 45:75].mean() > 30  # red over blue where entropy is high
    assert abs(heat[20:80, 5:35]).mean() < 5


def test_one_row_per_case_and_a_file_that_is_a_png(tmp_path):
    one = draw_cases([make_picture()], COLOURS, {1: "liver"})
    two = draw_cases([make_picture(), make_picture()], COLOURS, {1: "liver"})
    assert two.height > 1.6 * one.height
    path = save(two, tmp_path / "deep" / "picture.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_curves_go_down_when_the_loss_does():
    picture = np.asarray(draw_curves("loss", {"bcp": [(0, 1.0), (1, 0.5), (2, 0.1)]}, "minutes", "loss")).astype(int)
    blue = np.argwhere(np.abs(picture[50:] - [0x56, 0xB4, 0xE9]).max(-1) < 6)  # below the legend
    left, right = blue[blue[:, 1] < 100][:, 0].mean(), blue[blue[:, 1] > 600][:, 0].mean()
    assert right > left + 100


def test_bars_are_as_high_as_their_values_and_missing_values_are_left_out():
    picture = np.asarray(draw_bars("Dice", ["a", "b"], {"one": [0.9, float("nan")], "two": [0.3, 0.6]}, "Dice"))
    first, second = (
        np.argwhere(np.abs(picture[50:].astype(int) - colour).max(-1) < 6)
        for colour in ([0x56, 0xB4, 0xE9], [0xE6, 0x9F, 0x00])
    )
    assert np.ptp(first[:, 0]) == pytest.approx(3 * np.ptp(second[second[:, 1] < 380][:, 0]), rel=0.05)
    assert first[:, 1].max() < 400


def test_charts_without_points_are_still_charts():
    empty = draw_curves("loss", {"bcp": []}, "minutes", "loss")
    assert stack([empty, empty]).height == 2 * empty.height
