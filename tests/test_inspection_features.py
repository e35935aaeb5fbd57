"""The feature picture against a decomposition made another way, and what its colours promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fixtures import balls
from torch import nn

from napari_medssl.inference import tiling
from napari_medssl.inspection import features as module
from napari_medssl.inspection.components import find_components, stretch, turned
from napari_medssl.inspection.features import feature_picture, not_air
from napari_medssl.nets.build import build_encoder
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan

NET = NetSpec("unet", 3, 1, 2, (5, 7, 9), ((1, 1, 1), (2, 2, 2), (2, 2, 2)))
PLAN = Plan(net=NET, spacing=(1.0,) * 3, patch=(16,) * 3, batch=1)


def fresh(net: NetSpec = NET, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_encoder(net).eval()


def a_scan(shape: tuple[int, ...] = (24, 20, 26), channels: int = 1) -> np.ndarray:
    return balls(shape, 0, channels=channels)[0].astype(np.float16)


@pytest.mark.parametrize("parts", [1, 7])
def test_components_are_those_of_a_singular_value_decomposition(parts: int) -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(8, 8)) @ rng.normal(size=(8, 5000)) + 100).astype(np.float32)
    found = find_components(np.array_split(values, parts, axis=1))
    assert found is not None
    _, singular, vectors = np.linalg.svd((values - values.mean(axis=1, keepdims=True)).T, full_matrices=False)
    variances = singular**2
    np.testing.assert_allclose(found.mean, values.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(np.abs(np.sum(found.axes * vectors[:3], axis=1)), 1.0, atol=1e-3)
    np.testing.assert_allclose(found.explained, variances[:3] / variances.sum(), rtol=1e-3)
    assert found.directions == pytest.approx(variances.sum() ** 2 / np.square(variances).sum(), rel=1e-3)


def test_directions_in_use_are_counted() -> None:
    rng = np.random.default_rng(0)
    equal = find_components([rng.normal(size=(6, 50_000))])
    one = find_components([np.outer(np.arange(6.0), rng.normal(size=1000))])
    assert equal is not None
    assert one is not None
    assert equal.directions == pytest.approx(6, abs=0.05)
    assert one.directions == pytest.approx(1, abs=1e-6)
    assert one.explained[0] == pytest.approx(1)


def test_features_that_are_all_the_same_have_no_components() -> None:
    assert find_components([np.ones((4, 100))]) is None
    assert find_components([np.zeros((4, 0))]) is None


def test_two_channels_leave_one_colour_dark() -> None:
    found = find_components([np.random.default_rng(0).normal(size=(2, 100))])
    assert found is not None
    assert found.explained[2] == 0
    assert not found.axes[2].any()


def test_components_grow_with_brightness_whatever_way_they_came_out() -> None:
    rng = np.random.default_rng(0)
    brightness = rng.normal(size=500)
    along = np.stack([-brightness + 0.1 * rng.normal(size=500), brightness, np.zeros(500)])
    axes = np.array([[1.0, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(turned(axes, along, brightness), [-1, 1, 1])
    np.testing.assert_array_equal(turned(-axes, -along, brightness), [1, -1, 1])


def test_where_brightness_says_nothing_the_largest_entry_is_positive() -> None:
    along, flat = np.random.default_rng(0).normal(size=(1, 50)), np.ones(50)
    assert turned(np.array([[0.1, -0.9]]), along, flat) == [-1]
    assert turned(np.array([[-0.1, 0.9]]), along, flat) == [1]


def test_colours_span_what_is_inside() -> None:
    values = np.arange(1000.0).reshape(1, 10, 100)
    inside = np.zeros((10, 100), bool)
    inside[5:] = True
    found = stretch(values, inside)
    assert (found[0, :5] == 0).all()
    assert found[0][inside].mean() == pytest.approx(0.5, abs=0.01)
    assert (found[0][inside] == 0).sum() == pytest.approx(5, abs=1)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_picture_is_that_of_the_whole_scans_features(stage: int) -> None:
    encoder, image = fresh(), a_scan()
    found = feature_picture(encoder, image, PLAN, stage)
    assert found is not None
    step = 2 ** (stage - 1)
    size = tuple(-(-n // step) for n in image.shape[1:])
    padded = np.pad(image[0].astype(np.float32), [(0, -n % 4) for n in image.shape[1:]], mode="edge")
    with torch.no_grad():
        plain = encoder(torch.from_numpy(padded)[None, None])[stage - 1][0]
    plain = plain[:, : size[0], : size[1], : size[2]].numpy().reshape(NET.widths[stage - 1], -1).T.astype(np.float64)
    left, singular, _ = np.linalg.svd(plain - plain.mean(axis=0), full_matrices=False)
    assert found.colours.shape == (3, *size)
    assert found.channels == NET.widths[stage - 1]
    brightness = image[0, ::step, ::step, ::step].ravel().astype(np.float64)
    for colour, own in zip(found.colours.numpy(), left.T, strict=False):
        own = own * np.sign(np.corrcoef(own, brightness)[0, 1])
        low, high = np.percentile(own, (1, 99))
        np.testing.assert_allclose(colour.ravel(), np.clip((own - low) / (high - low), 0, 1), atol=2e-2)
    np.testing.assert_allclose(found.components.explained, (singular**2 / (singular**2).sum())[:3], rtol=1e-3)


def test_neither_tiles_nor_memory_change_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, image = fresh(), a_scan((119, 23, 25))
    whole = feature_picture(encoder, image, PLAN, 2)
    again = feature_picture(encoder, image, PLAN, 2)
    assert whole is not None
    assert again is not None
    assert torch.equal(whole.colours, again.colours)
    monkeypatch.setattr(tiling, "BYTES_PER_TILE", 50 * 24 * 26 * tiling.bytes_per_voxel(NET))
    monkeypatch.setattr(module, "HELD", 0)
    cut = feature_picture(encoder, image, PLAN, 2)
    assert cut is not None
    torch.testing.assert_close(cut.colours, whole.colours, atol=2e-3, rtol=0)


def test_what_the_network_tells_apart_has_other_colours() -> None:
    class Squares(nn.Module):
        """Features by which balls, bright and dark alike, differ from what is around them."""

        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [torch.cat([x.square(), x.square() * 0.5, x * 0.01], dim=1)]

    image, labels = balls((24, 20, 26), 0)
    net = NetSpec("unet", 3, 1, 2, (3,), ((1, 1, 1),))
    found = feature_picture(Squares(), image.astype(np.float16), Plan(net, (1.0,) * 3, (16,) * 3, 1), 1)
    assert found is not None
    red = found.colours[0].numpy()
    bright, dark, around = (red[labels == value].mean() for value in (1, 2, 0))
    assert abs(bright - dark) < 0.1
    assert abs(bright - around) > 0.6


def test_a_scan_without_differences_has_no_picture() -> None:
    encoder = fresh()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.zero_()
    assert feature_picture(encoder, a_scan(), PLAN, 2) is None


def test_air_is_a_large_stretch_of_darkness_and_black() -> None:
    image = np.full((1, 30, 30, 30), -3.0, np.float32)
    image[:, 8:22, 8:22, 8:22] = np.random.default_rng(0).normal(3, 1, (14, 14, 14))
    image[:, 12:14, 12:14, 12:14] = -3.0  # dark, and inside
    inside = not_air(image)
    expected = np.zeros((30, 30, 30), bool)
    expected[8:22, 8:22, 8:22] = True
    np.testing.assert_array_equal(inside, expected)
    found = feature_picture(fresh(), image.astype(np.float16), PLAN, 1)
    assert found is not None
    assert (found.colours[:, ~expected] == 0).all()
    assert (found.colours[:, expected] > 0).any()


def test_darkness_in_one_channel_is_no_air_and_all_counts_where_all_is_dark() -> None:
    image = np.zeros((2, 10, 10, 10))
    image[0, :5], image[1, 5:] = 1, 1
    assert not_air(image).all()
    assert not_air(np.zeros((1, 6, 6, 6))).all()
