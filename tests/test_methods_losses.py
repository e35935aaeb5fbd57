"""Losses over regions, boxes, pseudo-labels, schedules."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from skimage.measure import label as skimage_label

from napari_medssl.methods.base import IGNORE, Schedule
from napari_medssl.methods.copy_paste import box_mask, cells_mask, halves, hole_size, mix, slab_mask
from napari_medssl.methods.losses import LossForm, Region, cross_entropy, region_losses
from napari_medssl.methods.pseudo_labels import largest_pieces, pseudo_labels
from napari_medssl.methods.schedules import learning_rate, sigmoid_ramp

FORMS: tuple[LossForm, ...] = ("auto", "la", "acdc")


def some_logits(shape: tuple[int, ...] = (2, 3, 6, 5), scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(1))


def some_labels(shape: tuple[int, ...] = (2, 6, 5), classes: int = 3) -> torch.Tensor:
    return torch.randint(0, classes, shape, generator=torch.Generator().manual_seed(2))


def one_hot_logits(labels: torch.Tensor, classes: int = 3) -> torch.Tensor:
    return 50.0 * torch.nn.functional.one_hot(labels, classes).movedim(-1, 1).float()


@pytest.mark.parametrize("form", FORMS)
def test_voxels_nobody_looked_at_do_not_count(form: LossForm) -> None:
    logits, target = some_logits().requires_grad_(), some_labels()
    target[:, :2] = IGNORE
    dice, cross = region_losses(logits, [Region(target)], form)
    (gradient,) = torch.autograd.grad(dice + cross, logits)
    assert torch.count_nonzero(gradient[:, :, :2]) == 0
    assert torch.count_nonzero(gradient[:, :, 2:]) > 0
    changed = logits.detach().clone()
    changed[:, :, :2] += 7 * some_logits((2, 3, 2, 5))
    again = region_losses(changed, [Region(target)], form)
    assert torch.equal(again[0], dice)
    assert torch.equal(again[1], cross)


@pytest.mark.parametrize("form", FORMS)
def test_ignoring_is_the_same_as_masking(form: LossForm) -> None:
    logits, target = some_logits(), some_labels()
    mask = torch.ones(6, 5)
    mask[1:3] = 0
    masked = region_losses(logits, [Region(target, mask)], form)
    ignored = region_losses(logits, [Region(target.masked_fill(mask == 0, IGNORE))], form)
    torch.testing.assert_close(masked, ignored)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_looked_at_gives_nothing(form: LossForm) -> None:
    logits = some_logits().requires_grad_()
    dice, cross = region_losses(logits, [Region(torch.full((2, 6, 5), IGNORE))], form)
    (gradient,) = torch.autograd.grad(dice + cross, logits)
    assert float((dice + cross).detach()) == pytest.approx(0.0, abs=1e-6)
    assert torch.count_nonzero(gradient) == 0


@pytest.mark.parametrize("form", FORMS)
def test_right_answers_cost_nothing_and_wrong_ones_much(form: LossForm) -> None:
    target = some_labels()
    right = region_losses(one_hot_logits(target), [Region(target)], form)
    wrong = region_losses(one_hot_logits((target + 1) % 3), [Region(target)], form)
    assert float(sum(right)) == pytest.approx(0.0, abs=1e-4)
    assert float(wrong[0]) > 0.9
    assert float(wrong[1]) > 10


def test_absent_structures_are_not_punished_in_the_form_auto() -> None:
    target = some_labels(classes=2)  # class 2 is nowhere
    logits = one_hot_logits(target) + 0.05 * some_logits()
    logits[:, 2] += 44  # and is suspected everywhere, faintly
    assert float(region_losses(logits, [Region(target)], "auto")[0]) < 0.05
    assert float(region_losses(logits, [Region(target)], "la")[0]) > 0.3


@pytest.mark.parametrize("form", FORMS)
def test_regions_add_up_by_weight(form: LossForm) -> None:
    logits, target, other = some_logits(), some_labels(), some_labels().flip(0)
    mask = torch.zeros(6, 5)
    mask[:3] = 1
    parts = [Region(target, mask), Region(other, 1 - mask)]
    a, b = (torch.stack(region_losses(logits, [part], form)) for part in parts)
    both = torch.stack(region_losses(logits, [parts[0], Region(other, 1 - mask, 0.25)], form))
    torch.testing.assert_close(both, a + 0.25 * b)


def test_low_precision_logits_are_summed_in_float32() -> None:
    dice, cross = region_losses(some_logits().bfloat16(), [Region(some_labels())], "auto")
    assert dice.dtype == cross.dtype == torch.float32


shapes = st.lists(st.integers(6, 24), min_size=2, max_size=3).map(tuple)


@given(shapes, st.integers(0, 2**31), st.floats(0.1, 0.95))
def test_box_is_one_hole_of_the_right_size(shape: tuple[int, ...], seed: int, part: float) -> None:
    mask = box_mask(shape, np.random.RandomState(seed), part)
    wanted = hole_size(shape, part)
    assert mask.shape == shape
    assert (mask == 0).sum() == math.prod(wanted)
    if math.prod(wanted):
        hole = np.argwhere(mask == 0)
        assert tuple(np.ptp(hole, axis=0) + 1) == wanted


def test_hole_is_two_thirds_of_every_size() -> None:
    assert [hole_size([n])[0] for n in range(1, 2000)] == [2 * n // 3 for n in range(1, 2000)]


@given(shapes, st.integers(0, 2**31))
def test_variants_hold_about_as_much(shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.RandomState(seed)
    assert (cells_mask(shape, rng) == 0).sum() == 3 ** len(shape) * math.prod(hole_size([n // 3 for n in shape]))
    slab = slab_mask(shape, rng)
    assert (slab == 0).sum() == int(shape[0] * (2 / 3) ** len(shape) + 1e-9) * math.prod(shape[1:])


def test_mixing_takes_every_voxel_from_one_of_both() -> None:
    mask = torch.from_numpy(box_mask((6, 5), np.random.RandomState(0)))
    a, b = some_logits(), some_logits() + 10
    mixed = mix(a, b, mask)
    assert torch.equal(mixed[..., mask == 1], a[..., mask == 1])
    assert torch.equal(mixed[..., mask == 0], b[..., mask == 0])


@pytest.mark.parametrize(("count", "a", "b"), [(4, [0, 1], [2, 3]), (3, [0, 1], [1, 2]), (1, [0], [0])])
def test_halves(count: int, a: list[int], b: list[int]) -> None:
    assert [h.tolist() for h in halves(torch.arange(count))] == [a, b]


def slow_largest_pieces(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The rule, spelled out."""
    out = np.zeros_like(labels)
    for structure in range(1, int(labels.max()) + 1):
        pieces = skimage_label(labels == structure, connectivity=labels.ndim)
        if pieces.max():
            out[pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])] = structure
    return out


@settings(max_examples=200, deadline=None)
@given(
    hnp.arrays(
        np.uint8,
        st.lists(st.integers(1, 7), min_size=2, max_size=3).map(tuple),
        elements=st.sampled_from([0, 0, 0, 1, 2]),
    )
)
def test_largest_pieces(labels: NDArray[np.uint8]) -> None:
    kept = largest_pieces(labels)
    np.testing.assert_array_equal(kept, slow_largest_pieces(labels))
    dropped = largest_pieces(labels, IGNORE)
    np.testing.assert_array_equal(dropped, np.where((kept == 0) & (labels > 0), IGNORE, kept))


def test_uncertain_voxels_become_unknown() -> None:
    logits = some_logits(scale=2.0)
    sure = torch.softmax(logits, 1).amax(1) >= 0.6
    labels = pseudo_labels(logits, largest=False, confidence=0.6)
    assert torch.equal(labels != IGNORE, sure)
    assert torch.equal(labels[sure], logits.argmax(1)[sure])
    assert 0 < int(sure.sum()) < sure.numel()


@pytest.mark.parametrize("kind", ["poly", "cosine"])
def test_rate_falls_to_nothing(kind: str) -> None:
    rates = [learning_rate(Schedule(kind), 0.2, 0, p / 50) for p in range(51)]  # type: ignore[arg-type]
    assert rates[0] == pytest.approx(0.2)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)


def test_rate_warms_up() -> None:
    schedule = Schedule("poly", warmup=0.1)
    rates = [learning_rate(schedule, 1.0, 0, p / 1000) for p in range(101)]
    assert 0 < rates[0] < 0.01
    assert rates == sorted(rates)
    assert rates[-1] == 1.0


def test_rate_drops_in_steps() -> None:
    schedule = Schedule("step", every=10, gamma=0.5)
    assert [learning_rate(schedule, 1.0, step, 0.9) for step in (0, 9, 10, 29)] == [1.0, 1.0, 0.5, 0.25]
    assert learning_rate(Schedule("constant"), 0.3, 12, 0.7) == 0.3


def test_ramp() -> None:
    ramp = [sigmoid_ramp(p / 10, 0.5) for p in range(11)]
    assert ramp[0] == pytest.approx(math.exp(-5))
    assert ramp[5:] == [1.0] * 6
    assert ramp == sorted(ramp)
    assert sigmoid_ramp(0.0, 0.0) == 1.0


def test_rare_classes_weigh_as_much_as_they_are_rare() -> None:
    """The weighted mean over the voxels of the mask, voxel by voxel."""
    generator = torch.Generator().manual_seed(0)
    logs = torch.log_softmax(torch.randn(2, 3, 5, 6, generator=generator), 1)
    target = (torch.rand(2, 5, 6, generator=generator) > 0.8).long()
    target[0, 0, 0] = 2
    mask = (torch.rand(2, 5, 6, generator=generator) > 0.3).float()
    mask[0, 0, 0] = 1
    inside = [(int(b), int(i), int(j)) for b, i, j in mask.nonzero()]
    counts = [sum(int(target[at]) == k for at in inside) for k in range(3)]
    weights = [min((len(inside) / (n + 1)) ** 0.5, 50.0) for n in counts]
    total = sum(-weights[int(target[at])] * float(logs[at[0], int(target[at]), at[1], at[2]]) for at in inside)
    expected = total / sum(weights[int(target[at])] for at in inside)
    assert float(cross_entropy(logs, target, mask, 0.5)) == pytest.approx(expected, rel=1e-5)
    assert float(cross_entropy(logs, target, mask, 0.0)) != pytest.approx(expected, rel=1e-2)
