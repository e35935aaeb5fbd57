"""BCP against numbers of the authors' code: every `bcp_*.npz` of `golden/`, told apart by its keys.

Numbers, seeds, sizes and counts all come from the files. A file with a key that nothing here looks at fails.
"""

from __future__ import annotations

import copy
import json
import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import plan_for
from reference_arrays import Golden, check_file, close, files, rounded
from torch import Tensor, nn
from torch.nn import functional as F

from napari_medssl.inference.sliding import sliding_probabilities
from napari_medssl.methods.base import Patches, Phase
from napari_medssl.methods.bcp import BCP, SELF_TRAINING, BCPLearner
from napari_medssl.methods.bcp_options import BCPOptions
from napari_medssl.methods.bcp_paper import ACDC_SLICES, bcp_paper
from napari_medssl.methods.copy_paste import box_mask, cells_mask, hole_size, hole_start, mix, slab_mask
from napari_medssl.methods.losses import LossForm, Region, region_losses
from napari_medssl.methods.options import resolve_options
from napari_medssl.methods.pseudo_labels import hard_labels, largest_pieces, pseudo_labels
from napari_medssl.methods.schedules import learning_rate, official_consistency_weight
from napari_medssl.nets.build import build_net
from napari_medssl.nets.ema import update_ema
from napari_medssl.nets.spec import NetSpec
from napari_medssl.training.optimisers import make_optimiser
from napari_medssl.training.paper_augment import augment_slice, augment_volume

FILES = files("bcp")

# Float32 sums of up to a few thousand terms in another order than the authors' code takes them.
LOSS = {"rtol": 1e-5, "atol": 1e-6}
# Gradients are of the order 1e-4 to 1e-2; the same rounding, absolute.
GRADIENT = {"rtol": 1e-4, "atol": 1e-6}
# A whole network in float32: convolutions sum in an order that depends on the library.
NETWORK = {"rtol": 1e-4, "atol": 1e-5}
# Batch statistics of few voxels at the deepest stage divide by small deviations and magnify rounding.
TRAIN_MODE = {"rtol": 1e-4, "atol": 1e-4}
# Copies, averages of two numbers, interpolation of none: the last bit of float32.
LAST_BIT = {"rtol": 1e-6, "atol": 1e-7}


def number(whole: str, rest: str | None) -> float:
    """ "0", "5" of u0p5."""
    return float(f"{whole}.{rest or 0}")


# --- masks and mixing


def check_masks(golden: Golden) -> None:
    size, hole = golden["image_size_3d"], golden["hole_size_3d"]
    assert hole_size(size) == tuple(hole)
    for seed, start in zip(golden["seeds"], golden["hole_start_3d"], strict=True):
        assert_hole(size, seed, start, hole)
    for index, seed in enumerate(golden["seeds"]):
        for which, flat in enumerate(golden["image_sizes_2d"]):
            assert_hole(flat, seed, golden["hole_start_2d"][index, which], golden["hole_size_2d"][index, which])
    seed = int(golden["seed_for_variants"])
    for name, (kind,) in golden.matching(r"(random|contact)_mask_2d_\d+"):
        make = {"random": cells_mask, "contact": slab_mask}[kind]
        np.testing.assert_array_equal(make(golden[name].shape, np.random.RandomState(seed)), golden[name])


def assert_hole(size: np.ndarray, seed: int, start: np.ndarray, hole: np.ndarray) -> None:
    assert hole_start(size, hole_size(size), np.random.RandomState(seed)) == tuple(start)
    inside = np.argwhere(box_mask(size, np.random.RandomState(seed)) == 0)
    np.testing.assert_array_equal(inside.min(axis=0), start)
    np.testing.assert_array_equal(inside.max(axis=0) + 1, start + hole)
    assert len(inside) == np.prod(hole)


def check_mix(golden: Golden) -> None:
    mask = golden.tensor("mask")
    pairs = {
        "mixl_img": ("img_a", "unimg_a"),
        "mixu_img": ("unimg_b", "img_b"),
        "mixl_lab": ("lab_a", "plab_a"),
        "mixu_lab": ("plab_b", "lab_b"),
        "pre_img": ("img_a", "img_b"),
        "pre_lab": ("lab_a", "lab_b"),
    }
    for mixed, (outside, inside) in pairs.items():
        got = mix(golden.tensor(outside), golden.tensor(inside), mask)
        np.testing.assert_array_equal(got.numpy(), golden[mixed])  # values are moved, not computed


# --- losses


def two_regions(
    logits: Tensor, mask: Tensor, outside: Tensor, inside: Tensor, weights: tuple[float, float], form: LossForm
) -> tuple[Tensor, Tensor]:
    regions = [Region(outside, mask, weights[0]), Region(inside, 1 - mask, weights[1])]
    return region_losses(logits, regions, form)


def weights_of(side: str, weight: float) -> tuple[float, float]:
    """The human target lies under the mask in mix l, in the hole in mix u."""
    return (1.0, weight) if side == "l" else (weight, 1.0)


def check_loss_la(golden: Golden) -> None:
    mask, lab, plab = (golden.labels(name) for name in ("loss_mask", "lab", "plab"))
    logits = golden.tensor("logits").requires_grad_()
    hole, everywhere = 1 - mask, torch.ones_like(mask)
    for name, (side, whole, rest) in golden.matching(r"mix_([lu])_u(\d+)(?:p(\d+))?"):
        dice, cross = two_regions(logits, mask, lab, plab, weights_of(side, number(whole, rest)), "la")
        total = 0.5 * (dice + cross)
        close(total, golden[name], LOSS)
        close(torch.autograd.grad(total, logits)[0], golden[f"grad_{name}"], GRADIENT)
    for name, target, region in (("mask", lab, mask), ("hole", plab, hole)):
        dice, cross = region_losses(logits, [Region(target, region)], "la")
        close(dice, golden[f"dice_in_{name}"], LOSS)
        close(cross, golden[f"ce_in_{name}"], LOSS)
    mixed = mix(lab, golden.labels("lab_b"), mask)
    np.testing.assert_array_equal(mixed.numpy(), golden["pre_lab"])
    dice, cross = region_losses(logits, [Region(mixed)], "la")
    close(dice, golden["pre_dice"], LOSS)
    close(cross, golden["pre_ce"], LOSS)
    close(0.5 * (dice + cross), golden["pre_loss"], LOSS)
    close(torch.autograd.grad(0.5 * (dice + cross), logits)[0], golden["grad_pre"], GRADIENT)
    nothing = torch.zeros_like(lab)
    close(region_losses(logits, [Region(nothing, mask)], "la")[0], golden["dice_absent_fg"], LOSS)
    dice, cross = two_regions(logits, everywhere, lab, plab, (1.0, 0.5), "la")
    close(0.5 * (dice + cross), golden["mix_empty_hole"], LOSS)
    sure = golden.tensor("conf_bg_logits")
    close(region_losses(sure, [Region(nothing, mask)], "la")[0], golden["conf_bg_dice"], LOSS)
    dice, cross = two_regions(sure, mask, nothing, nothing, (1.0, 0.5), "la")
    close(0.5 * (dice + cross), golden["conf_bg_mix"], LOSS)


def check_loss_acdc(golden: Golden) -> None:
    mask, image, patch = (golden.labels(name) for name in ("loss_mask", "target_img", "target_patch"))
    logits = golden.tensor("logits").requires_grad_()
    for name, (side, whole, rest) in golden.matching(r"dice_(l|u|pre)_u(\d+)(?:p(\d+))?"):
        dice, cross = two_regions(logits, mask, image, patch, weights_of(side, number(whole, rest)), "acdc")
        close(dice, golden[name], LOSS)
        close(cross, golden[name.replace("dice", "ce", 1)], LOSS)
        (gradient,) = torch.autograd.grad(0.5 * (dice + cross), logits)
        close(gradient, golden[name.replace("dice", "grad_half_sum", 1)], GRADIENT)
    absent = golden.labels("target_img_no3")
    dice, cross = two_regions(logits, mask, absent, patch, (1.0, 0.5), "acdc")
    close(dice, golden["dice_no3"], LOSS)
    close(cross, golden["ce_no3"], LOSS)
    fixed, _ = region_losses(logits, [Region(image, mask)], "acdc")
    close(fixed, golden["dice_region_fixed"], LOSS)
    close(legacy_dice(logits, image, mask), golden["dice_region_legacy_buggy"], LOSS)
    nothing = torch.zeros_like(image)
    dice, cross = two_regions(golden.tensor("conf_bg_logits"), mask, nothing, nothing, (1.0, 0.5), "acdc")
    close(dice, golden["conf_bg_dice"], LOSS)
    # log-softmax of a nearly certain class: 1 + 1e-5 leaves two digits of float32, and so the authors' own number
    close(cross, golden["conf_bg_ce"], {"rtol": 1e-3, "atol": 1e-7})


def legacy_dice(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """What was wrong before 2023-10-29 and is not built in: background was counted outside the region as well."""
    p = torch.softmax(logits, dim=1)
    y = F.one_hot(target, p.shape[1]).movedim(-1, 1).float()
    m = mask.unsqueeze(1).expand_as(p).float().clone()
    m[:, 0] = 1
    total = [(x * m).sum((0, 2, 3)) for x in (p * y, p * p, y * y)]
    return (1 - (2 * total[0] + 1e-10) / (total[1] + total[2] + 1e-10)).mean()


# --- average, pseudo-labels


def check_ema(golden: Golden) -> None:
    def network(prefix: str) -> nn.Module:
        state = {name.removeprefix(prefix): golden.tensor(name) for name, _ in golden.matching(prefix + ".*")}
        first, last = state["0.weight"], state["2.weight"]
        net = nn.Sequential(
            nn.Conv2d(first.shape[1], first.shape[0], tuple(first.shape[2:])),
            nn.BatchNorm2d(first.shape[0]),
            nn.Conv2d(last.shape[1], last.shape[0], tuple(last.shape[2:])),
        )
        net.load_state_dict(state)
        return net

    student = network("student__")
    wanted = {(int(count), kind) for _, (count, kind) in golden.matching(r"after(\d+)_(params_only|state_dict)__.*")}
    assert wanted
    for count, kind in wanted:
        teacher = network("teacher_before__")
        for _ in range(count):
            update_ema(teacher, student, float(golden["alpha"]), buffers=kind == "state_dict")
        for name, value in teacher.state_dict().items():
            expected = golden[f"after{count}_{kind}__{name}"]
            if value.is_floating_point():
                close(value, expected, LAST_BIT)
            else:
                np.testing.assert_array_equal(value.numpy(), expected)


def check_pseudo_labels(golden: Golden) -> None:
    for dims in ("3d", "2d"):
        logits = golden.tensor(f"logits{dims}")
        raw = hard_labels(torch.softmax(logits, dim=1))
        np.testing.assert_array_equal(raw.numpy(), golden[f"raw{dims}"])
        np.testing.assert_array_equal(pseudo_labels(logits, largest=False).numpy(), golden[f"raw{dims}"])
        np.testing.assert_array_equal(pseudo_labels(logits).numpy(), golden[f"lcc{dims}"])


# --- networks


def spec_of(shapes: list[tuple[str, list[int]]], dropout: float) -> NetSpec:
    """The spec from the shapes of the authors' state: first and last convolution say it all."""
    weights = [shape for _, shape in shapes if len(shape) > 1]
    first, last = weights[0], weights[-1]
    ndim = len(first) - 2
    return NetSpec(
        architecture="vnet" if ndim == 3 else "bcp-unet2d",
        ndim=ndim,
        in_channels=first[1],
        classes=last[0],
        widths=tuple(first[0] * 2**k for k in range(5)),
        strides=((1,) * ndim, *((2,) * ndim for _ in range(4))),
        dropout=dropout,
    )


def places(net: nn.Module, shapes: list[tuple[str, list[int]]]) -> dict[str, Tensor]:
    """The network's tensors under the authors' names: parameters by their order, buffers by theirs."""
    parameters = list(net.parameters())
    statistics = [b for b in net.buffers() if b.is_floating_point()]
    named = [(n, s) for n, s in shapes if "running" not in n] + [(n, s) for n, s in shapes if "running" in n]
    out = {}
    for (name, shape), tensor in zip(named, [*parameters, *statistics], strict=True):
        assert list(tensor.shape) == list(shape), name
        out[name] = tensor
    return out


@torch.no_grad()
def fill(net: nn.Module, shapes: list[tuple[str, list[int]]], seed: int) -> nn.Module:
    """Weights by the rule of the files."""
    for name, tensor in places(net, shapes).items():
        shape = tuple(tensor.shape)
        rs = np.random.RandomState((zlib.crc32(name.encode()) ^ seed) & 0xFFFFFFFF)
        if name.endswith("running_mean"):
            value = 0.1 * rs.standard_normal(shape)
        elif name.endswith("running_var"):
            value = 0.8 + 0.4 * rs.random_sample(shape)
        elif len(shape) > 1:
            value = rs.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        elif name.endswith("weight"):
            value = 0.8 + 0.4 * rs.random_sample(shape)
        else:
            value = 0.1 * (rs.random_sample(shape) - 0.5)
        tensor.copy_(torch.from_numpy(np.asarray(value, np.float32)))
    return net


def check_stored_vnet(golden: Golden) -> None:
    stored = {name.removeprefix("w__"): golden.tensor(name).float() for name, _ in golden.matching("w__.*")}
    shapes = [(name, list(value.shape)) for name, value in stored.items()]
    net = build_net(spec_of(shapes, dropout=0.0))
    tensors = places(net, shapes)
    with torch.no_grad():
        for name, value in stored.items():
            tensors[name].copy_(value)
    x = golden.tensor("x")
    close(net.eval()(x), golden["y_eval"], NETWORK)
    y = net.train()(x)
    close(y, golden["y_train"], TRAIN_MODE)
    y.square().mean().backward()
    parameters = list(net.parameters())
    close(parameters[0].grad, golden["grad_first_conv"], TRAIN_MODE)
    close(parameters[-2].grad, golden["grad_out_conv"], TRAIN_MODE)
    for key, (statistic, block) in golden.matching(r"(running_mean|running_var)_after__(\w+)"):
        own = next(value for name, value in tensors.items() if f".{block}." in name and name.endswith(statistic))
        close(own, golden[key], NETWORK)


def check_network_by_rule(golden: Golden) -> None:
    shapes = json.loads(str(golden["names_shapes_json"]))
    spec = spec_of(shapes, dropout=0.5)
    net: Any = fill(build_net(spec), shapes, int(golden["fill_seed"])).eval()
    shape = tuple(golden["input_shape"])
    x = torch.from_numpy(np.random.RandomState(int(golden["input_seed"])).standard_normal(shape).astype(np.float32))
    with torch.no_grad():
        pyramid = net.encoder(x)
        y = net.decoder(pyramid)
    step = 4 if spec.ndim == 3 else 2
    close(y[(..., *(slice(None, None, step),) * spec.ndim)], golden["y_sub"], NETWORK)
    close(y.mean(), golden["y_mean"], NETWORK)
    close(y.std(), golden["y_std"], NETWORK)
    if "bottleneck" in golden:
        close(pyramid[-1][:, ::8], golden["bottleneck"], NETWORK)
    if "feat_means" in golden:
        close(np.array([float(f.mean()) for f in pyramid]), golden["feat_means"], NETWORK)
        close(np.array([float(f.std()) for f in pyramid]), golden["feat_stds"], NETWORK)


# --- whole steps


def paper_options(ndim: int) -> BCPOptions:
    names = BCPOptions.__dataclass_fields__
    options = resolve_options(BCPOptions, {k: v for k, v in bcp_paper(ndim).items() if k in names})
    assert isinstance(options, BCPOptions)
    return options


def self_training_phase(ndim: int) -> Phase:
    (phase,) = [p for p in BCP().phases(paper_options(ndim), plan_for(4, (16, 16))) if p.name == SELF_TRAINING]
    return phase


def check_training(golden: Golden) -> None:
    """The real learner and optimiser of the paper preset, but for dropout, whose draws no file can hold."""
    shapes = json.loads(str(golden["names_shapes_json"]))
    learner = BCPLearner(paper_options(3), spec_of(shapes, dropout=0.0))
    fill(learner.student, shapes, int(golden["student_fill_seed"]))
    fill(learner.average, shapes, int(golden["teacher_fill_seed"]))
    volume, label, mask = golden.tensor("volume"), golden.labels("label"), golden.tensor("mask")
    half = len(volume) // 2
    labelled, unlabelled = Patches(volume[:half], label[:half]), Patches(volume[half:])
    groups = volume[half:].chunk(2)
    # on a copy: a teacher in train mode keeps running statistics of what it sees
    teacher = copy.deepcopy(learner.average).train()
    for group, name in zip(groups, "ab", strict=True):
        logits = teacher(group)
        np.testing.assert_array_equal(pseudo_labels(logits).numpy(), golden[f"plab_{name}0"])
        if f"teacher_logits_{name}0" in golden:
            close(logits[..., ::2, ::2, ::2], golden[f"teacher_logits_{name}0"], TRAIN_MODE)
    phase = self_training_phase(3)
    exact = copy.deepcopy(learner).double()
    optimiser, twin = make_optimiser(learner, phase), make_optimiser(exact, phase)
    in_double = [Patches(volume[:half].double(), label[:half]), Patches(volume[half:].double())]
    at: Any = None  # only the schedule of the average would look at it, and it has none here
    wanted = golden["losses_l_u_total"]
    for step in range(1, len(wanted) + 1):
        ours, twins = (
            one_step(one, with_optimiser, patches, mask, at)
            for one, with_optimiser, patches in ((learner, optimiser, (labelled, unlabelled)), (exact, twin, in_double))
        )
        close(ours, wanted[step - 1], rounded(TRAIN_MODE, ours, twins))
        for name, (who,) in golden.matching(rf"(student|teacher)_param_norms_after{step}"):
            norms = [
                np.array([float(p.detach().double().norm()) for p in (getattr(one, which).parameters())])
                for which in ("student" if who == "student" else "average",)
                for one in (learner, exact)
            ]
            close(norms[0], golden[name], rounded(TRAIN_MODE, *norms))
        for name, (which,) in golden.matching(rf"student_(first|out)_conv_w_after{step}"):
            place = 0 if which == "first" else -2
            now, then = (list(one.student.parameters())[place].detach() for one in (learner, exact))
            close(now, golden[name], rounded(TRAIN_MODE, now, then))


def one_step(learner: Any, optimiser: Any, patches: Any, mask: Tensor, at: Any) -> Any:
    """Take a step; its losses: labelled, unlabelled, total."""
    learner.train()
    losses = learner.self_training(*patches, mask.to(patches[0].images.dtype), learner._bcp.unlabelled_weight)
    optimiser.zero_grad(set_to_none=True)
    losses.total.backward()
    optimiser.step()
    learner.after_step(at)
    return np.array([float(losses.terms["labelled"]), float(losses.terms["unlabelled"]), float(losses.total.detach())])


# --- data, inference, schedules


def check_augmentation(golden: Golden) -> None:
    for index, seed in enumerate(golden["seeds"]):
        patch = golden[f"out_label_{index}"].shape
        image, labels = augment_volume(golden["image"][None], golden["label"], patch, np.random.RandomState(seed))
        np.testing.assert_array_equal(image, golden[f"out_image_{index}"])  # voxels are moved, not computed
        np.testing.assert_array_equal(labels, golden[f"out_label_{index}"])
        size, coin = golden[f"out2d_label_{index}"].shape, random.Random(int(seed)).random
        image, labels = augment_slice(
            golden["image2d"][None], golden["label2d"], size, np.random.RandomState(seed), coin
        )
        np.testing.assert_array_equal(image, golden[f"out2d_image_{index}"])
        np.testing.assert_array_equal(labels, golden[f"out2d_label_{index}"])


class TwiceConvolved(nn.Module):
    """The model of the sliding-window files."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        return 2 * F.conv3d(x, self.weight, self.bias, padding=1)


def check_sliding(golden: Golden) -> None:
    model = TwiceConvolved(golden.tensor("conv_w"), golden.tensor("conv_b"))
    stride = (int(golden["stride_xy"]), int(golden["stride_xy"]), int(golden["stride_z"]))
    for name, (case,) in golden.matching(r"image_(\d+)"):
        found = sliding_probabilities(model, golden[name][None], golden["patch"].tolist(), stride)
        close(found[1], golden[f"score_{case}"], {"rtol": 1e-5, "atol": 1e-6})  # up to 100s of windows are summed
        # a voxel that is one half to the last bit may fall on either side
        sure = np.abs(golden[f"score_{case}"] - 0.5) > 1e-6
        np.testing.assert_array_equal(found.argmax(axis=0)[sure], golden[f"label_{case}"][sure])
        np.testing.assert_array_equal(largest_pieces(golden[f"label_{case}"]), golden[f"lcc_{case}"])


def check_schedules(golden: Golden) -> None:
    for name, highest, length in (("la", 1.0, 40.0), ("acdc", 0.5, 200.0)):
        weights = [official_consistency_weight(int(i), highest, length) for i in golden["iters"]]
        close(np.array(weights), golden[f"{name}_consistency_weight"], {"rtol": 1e-9, "atol": 0.0})  # float64
    optimiser = self_training_phase(3).optimiser
    rates = [learning_rate(optimiser.schedule, optimiser.lr, int(i), 0.5) for i in golden["lr_iters"]]
    close(np.array(rates), golden["la_selftrain_lr_after_iter"], {"rtol": 1e-9, "atol": 0.0})
    known = [ACDC_SLICES[int(patients)] for patients in golden["acdc_labelled_patients"]]
    np.testing.assert_array_equal(known, golden["acdc_labelled_slices"])


# --- which file is which

CHECKS = (
    ({"hole_start_3d", "seeds"}, check_masks),
    ({"mixl_img", "mixu_img"}, check_mix),
    ({"logits", "lab", "plab"}, check_loss_la),
    ({"logits", "target_img", "target_patch"}, check_loss_acdc),
    ({"alpha", "student__0.weight"}, check_ema),
    ({"logits3d", "lcc3d"}, check_pseudo_labels),
    ({"x", "y_train", "w__encoder.block_one.conv.0.weight"}, check_stored_vnet),
    ({"fill_seed", "input_seed", "y_sub"}, check_network_by_rule),
    ({"student_fill_seed", "losses_l_u_total"}, check_training),
    ({"out_image_0", "image2d"}, check_augmentation),
    ({"conv_w", "stride_xy"}, check_sliding),
    ({"iters", "lr_iters"}, check_schedules),
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numbers_of_the_authors_code(path: Path) -> None:
    check_file(path, CHECKS)
