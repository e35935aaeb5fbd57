"""Plans fit the data and the machine, whatever these are, and wishes win."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.errors import SpecError
from napari_medssl.nets.build import build_net
from napari_medssl.training.fingerprint import Fingerprint
from napari_medssl.training.machine import Machine, find_device
from napari_medssl.training.plan import make_plan

LAPTOP = Machine("cpu", 2, 8 << 30)
SERVER = Machine("cuda", 16, 80 << 30, bfloat16=True)


def facts(
    shape: tuple[int, ...] = (64, 64, 40), spacing: tuple[float, ...] = (1.0, 1.0, 1.5), **more: Any
) -> Fingerprint:
    return Fingerprint(len(shape), 1, 3, shape, spacing, oriented=True, labelled=3, unlabelled=9, **more)


volumes = st.builds(
    facts,
    st.tuples(*[st.integers(1, 600)] * 3),
    st.tuples(*[st.floats(0.1, 12.0)] * 3),
)
images = st.builds(facts, st.tuples(*[st.integers(1, 4000)] * 2), st.just((1.0, 1.0)))


@given(volumes | images, st.sampled_from([LAPTOP, SERVER]))
def test_every_plan_can_be_built_and_fed(found: Fingerprint, machine: Machine) -> None:
    plan = make_plan(found, machine, {})
    net = plan.net
    assert net.ndim == len(plan.patch) == len(net.factor)
    assert len(net.widths) == len(net.strides)
    assert all(side % f == 0 and side > 0 for side, f in zip(plan.patch, net.factor, strict=True))
    assert len(plan.spacing) == found.ndim
    assert all(s >= f - 1e-3 for s, f in zip(plan.spacing, found.spacing, strict=True))
    assert (plan.slice_axis is not None) == (found.ndim == 3 and net.ndim == 2)
    assert plan.batch >= 1
    assert plan.reasons
    assert all(reason.endswith(".") for reason in plan.reasons)
    assert math.prod(plan.patch) <= (4_000_000 if machine.has_gpu else 400_000)
    smaller = dataclasses.replace(net, widths=tuple(2 for _ in net.widths))
    build_net(smaller)


def test_thick_slices_are_looked_at_one_by_one() -> None:
    plan = make_plan(facts((200, 200, 12), (1.0, 1.0, 8.0)), LAPTOP, {})
    assert (plan.net.ndim, plan.slice_axis) == (2, 2)
    assert make_plan(facts((12, 200, 200), (8.0, 1.0, 1.0)), LAPTOP, {}).slice_axis == 0
    assert make_plan(facts(), LAPTOP, {}).slice_axis is None


def test_left_and_right_are_mirrored_only_where_nobody_knows_them() -> None:
    assert make_plan(facts(), LAPTOP, {}).mirror_axes == ()
    unknown = dataclasses.replace(facts(), oriented=False)
    assert make_plan(unknown, LAPTOP, {}).mirror_axes == (1, 2)


def test_large_scans_are_made_coarser_on_a_small_machine() -> None:
    large = facts((512, 512, 400), (0.7, 0.7, 1.0))
    slow, fast = make_plan(large, LAPTOP, {}), make_plan(large, SERVER, {})
    assert np.prod(slow.spacing) > np.prod(fast.spacing)
    assert any("coarser" in reason for reason in slow.reasons)


def test_scans_too_large_to_be_seen_voxel_by_voxel_are_folded() -> None:
    small, large = facts((40, 50, 40)), facts((120, 120, 80), (1.0, 1.0, 1.0))
    assert make_plan(small, LAPTOP, {}).net.strides[0] == (1, 1, 1)
    plan = make_plan(large, LAPTOP, {})
    assert plan.net.strides[0] == (2, 2, 2)
    assert plan.net.widths[0] == 2 * make_plan(small, LAPTOP, {}).net.widths[0]
    assert len(plan.net.widths) == len(plan.net.strides)
    assert any("blocks of 2 x 2 x 2" in reason for reason in plan.reasons)
    chosen = {"widths": (16, 32, 64)}
    for folding in (make_plan(large, SERVER, {}), make_plan(large, LAPTOP, chosen)):
        assert folding.net.strides[0] == (1, 1, 1)
    voxels = [
        np.prod(np.array(large.spacing) * large.shape / p.spacing) for p in (plan, make_plan(large, LAPTOP, chosen))
    ]
    assert voxels[0] == pytest.approx(2 * voxels[1], rel=0.05)


def test_a_network_too_shallow_to_fold_is_given_no_finer_voxels_either() -> None:
    large = facts((120, 120, 80), (1.0, 1.0, 1.0))
    tiny = make_plan(large, LAPTOP, {"patch": (8, 8, 8)})
    assert tiny.net.strides[0] == (1, 1, 1)
    assert tiny.spacing == make_plan(large, LAPTOP, {"widths": (16, 32, 64)}).spacing
    assert make_plan(large, LAPTOP, {"patch": (32, 32, 32)}).net.strides[0] == (2, 2, 2)


def test_short_budgets_look_at_coarser_scans() -> None:
    large = facts((80, 80, 60), (3.0, 3.0, 4.0))
    sizes = [np.prod(make_plan(large, LAPTOP, {}, minutes).spacing) for minutes in (0.1, 1, 2, 4, 60, None)]
    assert sizes[0] == sizes[1] > sizes[2] > sizes[3] == sizes[4] == sizes[5]
    assert make_plan(facts(), SERVER, {}, 0.1).spacing == make_plan(facts(), SERVER, {}).spacing


def test_ct_is_scaled_alike_everywhere() -> None:
    plan = make_plan(facts(is_ct=True, clip=(-100.0, 300.0), mean=50.0, sd=80.0), LAPTOP, {})
    assert (plan.normalisation, plan.clip, plan.mean, plan.sd) == ("ct", (-100.0, 300.0), 50.0, 80.0)


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({"patch": (30, 33, 17)}, {"patch": (32, 40, 24)}),
        ({"spacing": (2.0, 2.0, 2.0)}, {"spacing": (2.0, 2.0, 2.0)}),
        ({"batch": 7, "augmentation": "none", "threads": 3}, {"batch": 7, "augmentation": "none", "threads": 3}),
        ({"precision": "bfloat16", "normalisation": "range"}, {"precision": "bfloat16", "normalisation": "range"}),
        ({"slice_axis": 1}, {"slice_axis": 1}),
        ({"architecture": "bcp-unet2d", "widths": (8,) * 5}, {"slice_axis": 2}),
    ],
)
def test_wishes_win(wishes: dict[str, Any], says: dict[str, Any]) -> None:
    plan = make_plan(facts(), LAPTOP, wishes)
    for name, value in says.items():
        if name == "patch":
            factor = plan.net.factor
            value = tuple(-(-w // f) * f for w, f in zip(wishes["patch"], factor, strict=True))
        assert getattr(plan, name) == value
    assert plan.net.ndim == (2 if plan.slice_axis is not None else 3)


def test_wishes_reach_the_network() -> None:
    wishes = {"widths": (4, 8), "strides": ((1, 1, 1), (2, 2, 1)), "dropout": 0.3, "norm": "instance"}
    net = make_plan(facts(), LAPTOP, wishes).net
    assert (net.widths, net.strides, net.dropout, net.norm) == (*wishes.values(),)


@pytest.mark.parametrize(
    ("found", "wishes", "said"),
    [
        (facts(), {"patch": (16, 16)}, "has 2 sides, but the network is 3-D"),
        (facts(), {"spacing": (1.0, 1.0)}, "has 2 numbers, but the scans are 3-D"),
        (facts(), {"strides": ((1, 1), (2, 2))}, "3-D"),
        (facts(), {"slice_axis": 0, "architecture": "vnet"}, "vnet is 3-D"),
        (facts((64, 64), (1.0, 1.0)), {"architecture": "vnet"}, "vnet is 3-D"),
        (facts((64, 64), (1.0, 1.0)), {"patch": (16, 16, 16)}, "has 3 sides, but the network is 2-D"),
        (facts(), {"slice_axis": None, "architecture": "bcp-unet2d"}, "bcp-unet2d is 2-D"),
    ],
)
def test_wishes_that_do_not_fit_are_refused(found: Fingerprint, wishes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        make_plan(found, LAPTOP, wishes)


def test_a_device_that_is_not_there() -> None:
    assert find_device("cpu") == "cpu"
    with pytest.raises(SpecError, match="There is no device 'cuda:77' here; there are: auto, cpu"):
        find_device("cuda:77")


def test_hounsfield_units_are_divided_by_1024_in_ct_only() -> None:
    ct = facts(is_ct=True, clip=(-900.0, 400.0), mean=-300.0, sd=200.0)
    plan = make_plan(ct, LAPTOP, {"normalisation": "hounsfield"})
    assert (plan.normalisation, plan.clip, plan.mean, plan.sd) == ("ct", (-1024.0, 1024.0), 0.0, 1024.0)
    plan = make_plan(facts(), LAPTOP, {"normalisation": "hounsfield"})
    assert (plan.normalisation, plan.clip) == ("z-score", None)
    assert any("for CT" in reason for reason in plan.reasons)


def test_only_volumes_other_than_ct_are_of_many_contrasts_unless_somebody_says_so() -> None:
    assert make_plan(facts(contrasts=0.3), LAPTOP, {}).many_contrasts
    assert not make_plan(facts(contrasts=0.1), LAPTOP, {}).many_contrasts
    assert not make_plan(facts(contrasts=0.3, is_ct=True), LAPTOP, {}).many_contrasts
    photo = facts((512, 512), (1.0, 1.0), contrasts=0.3)
    assert not make_plan(photo, LAPTOP, {}).many_contrasts
    assert make_plan(photo, LAPTOP, {"many_contrasts": True}).many_contrasts
