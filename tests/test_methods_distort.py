"""What the student sees: grey values change as between scanners, the rest stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.random import RandomState

from napari_medssl.methods.distort import KNOTS, REACH, distort, remap


def images(count: int = 6, channels: int = 2, space: tuple[int, ...] = (12, 14, 10)) -> torch.Tensor:
    return torch.randn(count, channels, *space, generator=torch.Generator().manual_seed(0)) * 1.7 + 0.4


def test_a_curve_sends_equal_values_to_equal_values_and_keeps_mean_and_deviation() -> None:
    before = images(space=(20, 20)).round(decimals=1)
    after = remap(before, 1.0, RandomState(3))
    for old, new in zip(before.flatten(0, 1), after.flatten(0, 1), strict=True):
        for value in old.unique():
            assert new[old == value].std(unbiased=False) < 1e-4
        assert float(new.mean()) == pytest.approx(float(old.mean()), abs=1e-4)
        assert float(new.std()) == pytest.approx(float(old.std()), rel=1e-3)


def test_the_curve_is_the_one_through_its_knots() -> None:
    """Against numpy's interpolation, with the same draws."""
    before = images(count=1, channels=1)
    rng = RandomState(5)
    rng.random_sample(1)
    share, heights = rng.uniform(0, 1, 1), rng.normal(0, 1, (1, 1, KNOTS))
    values = before.numpy().astype(float)
    curved = np.interp(values, np.linspace(*REACH, KNOTS), heights[0, 0])

    def like(array: np.ndarray) -> np.ndarray:
        return (array - array.mean()) / array.std() * values.std() + values.mean()

    wanted = like(share * like(curved) + (1 - share) * values)
    np.testing.assert_allclose(remap(before, 1.0, RandomState(5)).numpy(), wanted, atol=2e-3)


def test_values_may_change_places() -> None:
    """Bright may become dark: other sequences do that."""
    before = images(count=40, channels=1)
    after = remap(before, 1.0, RandomState(0))
    turned = [
        float(torch.corrcoef(torch.stack((a.ravel(), b.ravel())))[0, 1]) for a, b in zip(before, after, strict=True)
    ]
    assert min(turned) < -0.3
    assert max(turned) > 0.9


def test_channels_and_images_get_curves_of_their_own() -> None:
    one = images(count=1, channels=1)
    after = remap(one.expand(2, 2, -1, -1, -1).contiguous(), 1.0, RandomState(1)).flatten(0, 1)
    for first in range(4):
        for second in range(first):
            assert not torch.equal(after[first], after[second])


def test_only_its_share_of_the_images_is_changed() -> None:
    before = images(count=200, channels=1, space=(6, 6))
    assert remap(before, 0.0, RandomState(0)) is before
    changed = (remap(before, 0.3, RandomState(0)) != before).flatten(1).any(1)
    assert 35 <= int(changed.sum()) <= 85


def test_a_patch_of_one_value_stays_finite() -> None:
    flat = torch.full((2, 1, 5, 5, 5), 0.7)
    assert torch.allclose(remap(flat, 1.0, RandomState(0)), flat)


@pytest.mark.parametrize("change", [lambda x, r: remap(x, 1.0, r), lambda x, r: distort(x, 0.6, r)])
def test_type_and_shape_stay(change: Callable[[torch.Tensor, RandomState], torch.Tensor]) -> None:
    for kind in (torch.float32, torch.bfloat16):
        out = change(images().to(kind), RandomState(0))
        assert out.shape == images().shape
        assert out.dtype == kind
        assert torch.isfinite(out.float()).all()
