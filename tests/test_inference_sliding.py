"""A paper's windows: every voxel is the mean of all windows on it, and the plan decides."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from napari_medssl.errors import SpecError
from napari_medssl.inference.case_space import slabs
from napari_medssl.inference.predictor import Predictor, View
from napari_medssl.inference.sliding import sliding_parts
from napari_medssl.methods.catalog import method_info
from napari_medssl.nets.build import build_net
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.settings import check_settings
from napari_medssl.runs.spec import Plan

NETS = {
    3: NetSpec("unet", 3, 1, 3, (4, 6), ((1, 1, 1), (2, 2, 2))),
    2: NetSpec("unet", 2, 1, 3, (4, 6), ((1, 1), (2, 2))),
}


def make_plan(ndim: int, step: tuple[int, ...] | None) -> Plan:
    return Plan(NETS[ndim], (1.0,) * 3, (8,) * ndim, 1, slice_axis=0 if ndim == 2 else None, window_step=step)


@st.composite
def scans(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...], tuple[int, ...]]:
    axes = draw(st.integers(1, 3))
    space = tuple(draw(st.integers(1, 12)) for _ in range(axes))
    patch = tuple(draw(st.integers(1, 6)) for _ in range(axes))
    step = tuple(draw(st.integers(1, p)) for p in patch)
    return np.random.default_rng(0).normal(0, 1, (2, *space)).astype(np.float32), patch, step


@given(scans())
@settings(deadline=None)
def test_every_voxel_is_the_mean_of_the_windows_on_it(
    scan: tuple[np.ndarray, tuple[int, ...], tuple[int, ...]],
) -> None:
    image, patch, step = scan
    # what it says of a voxel depends on where the voxel is in the window
    weight = torch.arange(float(np.prod(patch))).reshape(patch)
    seen: list[torch.Tensor] = []

    def look(window: torch.Tensor) -> list[torch.Tensor]:
        assert window.shape == (2, *patch)
        seen.append(window)
        return [window * weight, window[:1] + weight]

    parts = list(sliding_parts(look, image, patch, step))
    missing = [max(0, p - n) for p, n in zip(patch, image.shape[1:], strict=True)]
    padded = np.pad(image, [(0, 0), *((m // 2, m - m // 2) for m in missing)])
    total, count = np.zeros(padded.shape), np.zeros(padded.shape[1:])
    starts = [sorted({*range(0, n - p, s), n - p}) for n, p, s in zip(padded.shape[1:], patch, step, strict=True)]
    for corner in itertools.product(*starts):
        window = tuple(slice(c, c + p) for c, p in zip(corner, patch, strict=True))
        total[(slice(None), *window)] += padded[(slice(None), *window)] * weight.numpy()
        count[window] += 1
    inside = tuple(slice(m // 2, m // 2 + n) for m, n in zip(missing, image.shape[1:], strict=True))
    filled = np.zeros(image.shape[1:], int)
    for where, (one, other) in parts:
        filled[where] += 1
        np.testing.assert_allclose(one, (total / count)[(slice(None), *inside)][(slice(None), *where)], atol=1e-4)
        assert other.shape == (1, *one.shape[1:])
    assert (filled == 1).all()
    assert len(seen) == np.prod([len(axis) for axis in starts])


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_plan_with_a_step_is_predicted_in_windows(ndim: int) -> None:
    torch.manual_seed(0)
    net = build_net(NETS[ndim]).eval()
    image = np.random.default_rng(1).normal(0, 1, (1, 11, 13, 10)).astype(np.float16)
    step = (3, 4, 2)[-ndim:]
    predictor = Predictor([net], make_plan(ndim, step))
    with torch.no_grad():

        def alone(window: torch.Tensor) -> list[torch.Tensor]:
            batch = window.movedim(1, 0) if ndim == 2 else window[None]
            found = net(batch).softmax(dim=1)
            return [found.movedim(0, 1) if ndim == 2 else found[0]]

        patch, by = ((11, 8, 8), (11, *step)) if ndim == 2 else ((8, 8, 8), step)
        plain = torch.cat([found for _, (found,) in sliding_parts(alone, image, patch, by)], dim=1)
    np.testing.assert_allclose(predictor.probabilities(image), plain, atol=1e-5)
    tiled = Predictor([net], make_plan(ndim, None)).probabilities(image)
    assert float((tiled - plain).abs().max()) > 1e-3  # the edges of windows show


def test_mirrored_windows_are_mirrored_back_and_come_in_slabs() -> None:
    class First(nn.Module):
        """Sure of a class that the position says."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat((x, -x, 0 * x), dim=1)

    image = np.random.default_rng(1).normal(0, 1, (1, 9, 12, 10)).astype(np.float16)
    predictor = Predictor([First()], make_plan(3, (5, 30, 8)))  # a step longer than a window leaves no gap
    views = [View(), View(flip=0), View(flip=2)]
    parts = [(where, torch.cat(found)) for where, found in predictor.parts(image, views)]
    assert len(parts) > 1
    found = torch.cat(list(slabs(parts, (9, 12, 10))), dim=1)
    for same in (found[3:6], found[6:]):  # it looks at one voxel at a time: mirroring changes nothing
        torch.testing.assert_close(found[:3], same)


def test_the_step_is_a_setting_and_fits_the_patch() -> None:
    _, wishes = check_settings(method_info("supervised"), {"window_step": [18, 18, 4]})
    assert wishes == {"window_step": (18, 18, 4)}
    assert check_settings(method_info("supervised"), {"window_step": None})[1] == {"window_step": None}
    with pytest.raises(SpecError, match="window_step"):
        check_settings(method_info("supervised"), {"window_step": [0, 1]})
    with pytest.raises(SpecError, match="does not fit a patch of 3 sides"):
        make_plan(3, (18, 18))
