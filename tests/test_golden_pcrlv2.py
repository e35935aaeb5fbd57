"""PCRLv2 against numbers of the authors' code: every `pcrlv2_*.npz` of `golden/`, told apart by its keys.

Numbers, seeds, sizes and counts all come from the files. A file with a key that nothing here looks at fails.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from reference_arrays import Golden, check_file, close, files, rounded
from torch import Tensor, nn

from napari_medssl.methods.options import resolve_options
from napari_medssl.methods.pcrlv2 import PCRLv2, PCRLv2Learner
from napari_medssl.methods.pcrlv2_boxes import (
    Box,
    common_box,
    cut_off,
    intersection_over_union,
    local_starts,
)
from napari_medssl.methods.pcrlv2_losses import Draws, compare_at, compare_locals, falling_weight, restoration
from napari_medssl.methods.pcrlv2_options import PCRLv2Options
from napari_medssl.methods.pcrlv2_paper import pcrlv2_paper
from napari_medssl.methods.pcrlv2_views import read_window
from napari_medssl.methods.schedules import in_epochs, learning_rate
from napari_medssl.nets.nsunet import NSUNet, ViewFeatures
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan
from napari_medssl.training.optimisers import make_optimiser, set_learning_rate

FILES = files("pcrlv2")

# Float32 sums of up to a few thousand terms in another order than the authors' code takes them.
LOSS = {"rtol": 1e-5, "atol": 1e-6}
GRADIENT = {"rtol": 1e-4, "atol": 1e-6}
# The same formula in float64.
SCHEDULE = {"rtol": 1e-9, "atol": 1e-12}
# A whole network in float32 whose batch norms see three or four samples at the bottleneck: they magnify rounding.
FEATURES = {"rtol": 1e-3, "atol": 2e-3}
IMAGES_3D = {"rtol": 1e-3, "atol": 1e-4}
IMAGES_2D = {"rtol": 1e-3, "atol": 2e-3}
# Linear interpolation after a Gaussian, in float32.
WINDOW = {"rtol": 0.0, "atol": 1e-4}
# Running statistics are a tenth of the batch's, some around 0.
STATISTICS = {"rtol": 1e-3, "atol": 1e-5}
# Means over the rows of such features.
STEP = {"rtol": 1e-3, "atol": 1e-4}
# Updates are sums over millions of such rounded gradients.
UPDATE = {"rtol": 5e-3, "atol": 1e-6}


def paper_options(ndim: int, **more: Any) -> PCRLv2Options:
    names = PCRLv2Options.__dataclass_fields__
    settings = {k: v for k, v in pcrlv2_paper(ndim).items() if k in names} | more
    options = resolve_options(PCRLv2Options, settings)
    assert isinstance(options, PCRLv2Options)
    return options


def draws_of(golden: Golden) -> Draws:
    """The file's draws: the step's scale, then for each local view that with the first and with the second global."""
    first, *rest = (int(scale) for scale in golden["scale_draws"])
    return Draws(first, tuple(zip(rest[::2], rest[1::2], strict=True)))


# --- losses


def check_loss(golden: Golden) -> None:
    """The learner's own objective, on the file's features instead of a network's."""
    scales, count, rows = int(golden["n_scales"]), int(golden["n_local"]), int(golden["B"])
    leaves = {
        name: golden.tensor(name).requires_grad_()
        for name, _ in golden.matching(r"(?:g1|g2|loc)_(?:proj|pred|restored)_(?:s\d+|final)")
    }

    def features(view: str) -> ViewFeatures:
        def of(kind: str) -> dict[int, Tensor]:
            return {s: leaves[f"{view}_{kind}_s{s}"] for s in range(scales) if f"{view}_{kind}_s{s}" in leaves}

        return ViewFeatures(of("proj"), of("pred"), of("restored"), leaves.get(f"{view}_restored_final"))

    first, second, small = (features(view) for view in ("g1", "g2", "loc"))
    draws, target, weight = draws_of(golden), golden.tensor("target_g1"), golden["beta"]
    assert len(draws.pairs) == count
    assert len(small.predictions[0]) == count * rows
    assert {int(s) for _, (s,) in golden.matching(r"g1_pred_s(\d+)")} == set(range(scales))
    epochs = pcrlv2_paper(3)["epochs"]
    close(falling_weight(int(golden["epoch"]) / epochs), weight, SCHEDULE)
    close(compare_at(first, second, draws.sampled), golden["compare_global"], LOSS)
    close(compare_locals((first, second), small, draws.pairs) / (2 * count), golden["compare_local"], LOSS)
    assert first.final is not None
    close(restoration(first.final, target), golden["restore_final"], LOSS)
    sampled = restoration(first.restorations[draws.sampled], target)
    close(float(weight) * sampled, golden["restore_sampled_weighted"], LOSS)

    learner = PCRLv2Learner.__new__(PCRLv2Learner)
    nn.Module.__init__(learner)
    learner._options = paper_options(target.ndim - 2)
    learner.network = FixedFeatures([first, second, small])  # type: ignore[assignment]
    views = {
        "globals": torch.stack((target, target), 1),  # their content plays no part here
        "targets": target.unsqueeze(1),
        "locals": target.unsqueeze(1).expand(-1, count, *target.shape[1:]),
    }
    losses = learner.objective(views, draws, float(weight))
    close(losses.total, golden["total"], LOSS)
    losses.total.backward()
    for name, leaf in leaves.items():
        got = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        close(got, golden[f"grad_{name}"], GRADIENT)
        if "_proj_" in name:
            assert not got.any(), f"{name}: a projection is held constant"


class FixedFeatures(nn.Module):
    """Answers with the given features, one after the other."""

    def __init__(self, features: list[ViewFeatures]) -> None:
        super().__init__()
        self._left = list(features)

    def forward(self, x: Tensor, compare: set[int], restore: set[int] = frozenset(), final: bool = False) -> Any:  # type: ignore[assignment]
        found = self._left.pop(0)
        assert compare <= set(found.predictions)
        assert set(restore) <= set(found.restorations)
        return found if final else replace(found, final=None)


# --- schedules


def check_schedules(golden: Golden) -> None:
    for name, epochs in (("lr_3d", None), ("lr_2d", None), ("lr_short", int(golden["short_epochs"]))):
        wanted = golden[name]
        # rates from the first to the one after the last epoch, which is 0
        options = paper_options(3, epochs=len(wanted) - 1 if epochs is None else epochs)
        schedule = PCRLv2().phases(options, plan_of(3))[0].optimiser.schedule
        for epoch, rate in enumerate(wanted):
            for progress in within(epoch, len(wanted)):
                close(learning_rate(schedule, float(wanted[0]), 0, progress), rate, SCHEDULE)
    weights, epochs = golden["beta"], paper_options(3).epochs  # written into the code, however long a run is
    for epoch, weight in enumerate(weights):
        for progress in within(epoch, epochs + 1):
            close(falling_weight(in_epochs(progress, epochs)), weight, SCHEDULE)


def within(epoch: int, epochs: int) -> tuple[float, float, float]:
    """Progress at the beginning, in the middle and nearly at the end of an epoch."""
    return epoch / epochs, (epoch + 0.5) / epochs, (epoch + 0.999) / epochs


def plan_of(ndim: int) -> Plan:
    settings = pcrlv2_paper(ndim)
    net = NetSpec(
        settings["architecture"], ndim, 1, 2, tuple(settings["widths"]), tuple(map(tuple, settings["strides"]))
    )
    return Plan(
        net=net,
        spacing=(1.0,) * ndim,
        patch=tuple(settings["patch"]),
        batch=settings["batch"],
        normalisation="range",
        augmentation=settings["augmentation"],
    )


# --- boxes and windows

SHRINKS_BY = 32  # windows of the authors' code in the plane of a small volume; ours are as large as it allows


def box_of(numbers: np.ndarray) -> Box:
    """From x0, x1, y0, y1, …"""
    return Box(tuple(int(n) for n in numbers[0::2]), tuple(int(n) for n in numbers[1::2]))


def check_overlap(golden: Golden) -> None:
    least = paper_options(3).overlap
    for index, (a, b) in enumerate(zip(golden["box1"], golden["box2"], strict=True)):
        overlap = intersection_over_union(box_of(a), box_of(b))
        assert overlap == golden["iou"][index]
        assert (overlap > least) == golden["accepted"][index]
        around = common_box(box_of(a), box_of(b))
        np.testing.assert_array_equal(around.low, golden["union_lo"][index])
        np.testing.assert_array_equal(around.high, golden["union_hi"][index])


def check_sub_crops(golden: Golden) -> None:
    shape = tuple(int(n) for n in golden["volume_shape"])
    x, y, z = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in shape), indexing="ij", sparse=True)
    volume = 0.2 + 0.06 * np.sin(0.11 * x + 0.3) + 0.05 * np.cos(0.07 * y) + 0.04 * np.sin(0.13 * z + 0.5)
    scan = volume.astype(np.float32)[None]
    options, plan = paper_options(3, containment="corner"), plan_of(3)
    maker: Any = PCRLv2().phases(options, plan)[0].views
    cases = [case for _, (case,) in golden.matching(r"box1_(\d+)")]
    assert cases
    for case in cases:
        tried = list(zip(golden[f"tried_box1_{case}"], golden[f"tried_box2_{case}"], strict=True))
        overlaps = [intersection_over_union(box_of(a), box_of(b)) for a, b in tried]
        assert overlaps == list(golden[f"tried_iou_{case}"])
        assert len(tried) == golden[f"n_tries_{case}"]
        assert [overlap > maker.rule.overlap for overlap in overlaps] == [False] * (len(tried) - 1) + [True]
        for box in (box_of(numbers) for pair in tried for numbers in pair):
            shrunk = (box.size[0] + SHRINKS_BY, box.size[1] + SHRINKS_BY, box.size[2])
            assert {box.size, shrunk} & set(maker.rule.sizes)
            for low, high, margin, extent in zip(box.low, box.high, maker.rule.margins, shape, strict=True):
                assert margin <= low
                assert high <= extent - margin
        pair = [box_of(golden[f"box{number}_{case}"]) for number in (1, 2)]
        assert pair == [box_of(numbers) for numbers in tried[-1]]
        assert intersection_over_union(*pair) == golden[f"iou_{case}"]
        size = tuple(int(n) for n in golden[f"global_shape_{case}"])
        for number, box in enumerate(pair, start=1):
            window = read_window(scan, box, size, maker.extra)[0]
            close(window[::4, ::4, ::4], golden[f"global{number}_sub_{case}"], WINDOW)
        check_locals(golden, case, pair, scan, maker)


def check_locals(golden: Golden, case: str, pair: list[Box], scan: np.ndarray, maker: Any) -> None:
    shape = scan.shape[1:]
    starts = local_starts(common_box(*pair), shape)
    np.testing.assert_array_equal(starts, golden[f"local_start_range_{case}"])
    count, *size = (int(n) for n in golden[f"local_shape_{case}"])
    assert count == len(golden[f"local_start_{case}"])
    for index in range(count):
        low, extent = golden[f"local_start_{case}"][index], golden[f"local_size_{case}"][index]
        assert tuple(extent) in maker.rule.local_sizes
        assert all(a <= n < b for n, (a, b) in zip(low, starts, strict=True))
        box = cut_off(tuple(int(n) for n in low), tuple(int(n) for n in extent), shape)
        np.testing.assert_array_equal(box.high, golden[f"local_stop_{case}"][index])
        view = read_window(scan, box, tuple(size))[0]
        close(view[::4, ::4, ::4], golden[f"local_sub_{case}"][index], WINDOW)


# --- networks

BLOCK = r"model\.decoder\.blocks\.(\d+)\."
# The authors' names and ours; levels of the 3-D code are named by their channels.
NAMES = (
    (r"down_tr\d+#(\d+)\.ops\.(\d)\.conv1", lambda m: f"encoder.levels.{m[1]}.{3 * int(m[2])}"),
    (r"down_tr\d+#(\d+)\.ops\.(\d)\.bn1", lambda m: f"encoder.levels.{m[1]}.{3 * int(m[2]) + 1}"),
    (r"up_tr\d+#(\d+)\.up_conv", lambda m: f"decoder_scales.{m[1]}.ascent.up"),
    (r"up_tr\d+#(\d+)\.ops\.(\d)\.conv1", lambda m: f"decoder_scales.{m[1]}.ascent.units.{3 * int(m[2])}"),
    (r"up_tr\d+#(\d+)\.ops\.(\d)\.bn1", lambda m: f"decoder_scales.{m[1]}.ascent.units.{3 * int(m[2]) + 1}"),
    (r"up_tr\d+#(\d+)\.bn", lambda m: f"decoder_scales.{m[1]}.projection"),
    (r"up_tr\d+#(\d+)\.predictor_head\.(\d)", lambda m: f"decoder_scales.{m[1]}.predictor.{m[2]}"),
    (r"up_tr\d+#(\d+)\.deep_supervision_head\.conv1", lambda m: f"decoder_scales.{m[1]}.restoration.0"),
    (r"up_tr\d+#(\d+)\.deep_supervision_head\.bn1", lambda m: f"decoder_scales.{m[1]}.restoration.1"),
    (r"out_tr\.final_conv", lambda m: "final"),
    (r"model\.encoder\.conv1", lambda m: "encoder.stem.0"),
    (r"model\.encoder\.bn1", lambda m: "encoder.stem.1"),
    (r"model\.encoder\.layer(\d)\.(\d+)\.(conv|bn)(\d)", lambda m: (
        f"encoder.stages.{int(m[1]) - 1}.{m[2]}.units.{3 * int(m[4]) - 3 + (m[3] == 'bn')}"
    )),
    (r"model\.encoder\.layer(\d)\.(\d+)\.downsample\.(\d)", lambda m: (
        f"encoder.stages.{int(m[1]) - 1}.{m[2]}.shortcut.{m[3]}"
    )),
    (BLOCK + r"conv(\d)\.(\d)", lambda m: f"decoder_scales.{m[1]}.ascent.units.{3 * int(m[2]) - 3 + int(m[3])}"),
    (BLOCK + r"bn", lambda m: f"decoder_scales.{m[1]}.projection"),
    (BLOCK + r"predictor_head\.(\d)", lambda m: f"decoder_scales.{m[1]}.predictor.{m[2]}"),
    (BLOCK + r"deep_supervision_head\.(\d)", lambda m: f"decoder_scales.{m[1]}.restoration.{m[2]}"),
    (r"model\.segmentation_head\.0", lambda m: "final"),
)  # fmt: skip


def translator(names: list[str]) -> Callable[[str], str]:
    """From the authors' name of a tensor to ours."""
    levels = {
        kind: list(dict.fromkeys(n.split(".")[0] for n in names if n.startswith(kind))) for kind in ("down_tr", "up_tr")
    }

    def translate(name: str) -> str:
        module, _, last = name.rpartition(".")
        for found in levels.values():
            head, dot, rest = module.partition(".")
            if head in found:
                module = f"{head}#{found.index(head)}{dot}{rest}"
        for pattern, ours in NAMES:
            match = re.fullmatch(pattern, module)
            if match:
                return f"{ours(match)}.{last}"
        raise AssertionError(f"{name}: no such tensor here")

    return translate


def fill_by_formula(golden: Golden, net: nn.Module) -> dict[str, str]:
    """Weights by the rule of the files; returns our name of each of the authors'."""
    names = [str(name) for name in golden["param_names"]]
    shapes = [tuple(int(n) for n in str(shape).split(",")) for shape in golden["param_shapes"]]
    translate, own = translator(names), dict(net.named_parameters())
    ours = {name: translate(name) for name in names}
    assert sorted(ours.values()) == sorted(own)
    seed = int(golden["weight_seed"])
    with torch.no_grad():
        for index, (name, shape) in enumerate(zip(names, shapes, strict=True)):
            r = np.random.RandomState(1000 * seed + index).standard_normal(shape)
            if len(shape) > 1:
                value = r * np.sqrt(2 / np.prod(shape[1:]))
            else:
                value = 1 + 0.1 * r if name.endswith("weight") else 0.1 * r
            assert tuple(own[ours[name]].shape) == shape, name
            own[ours[name]].copy_(torch.from_numpy(value.astype(np.float32)))
    assert sum(p.numel() for p in own.values()) == golden["n_params"]
    return ours


def official_net(golden: Golden, channels: int, ndim: int) -> tuple[NetSpec, int]:
    """The spec that the file's shapes tell, and how many scales there are."""
    names = [str(name) for name in golden["param_names"]]
    shapes = {n: tuple(int(k) for k in str(s).split(",")) for n, s in zip(names, golden["param_shapes"], strict=True)}
    if ndim == 3:
        widths = tuple(s[0] for n, s in shapes.items() if re.fullmatch(r"down_tr\d+\.ops\.1\.conv1\.weight", n))
        strides = ((1,) * 3, *((2,) * 3 for _ in widths[1:]))
        return NetSpec("pcrl-unet3d", 3, channels, 2, widths, strides), len(widths) - 1
    stem = shapes["model.encoder.conv1.weight"][0]
    widths = (stem, *(stem * 2**k for k in range(4)))
    scales = sum(1 for n in names if re.fullmatch(BLOCK + r"bn\.weight", n))
    return NetSpec("pcrl-resnet18", 2, channels, 2, widths, ((2, 2),) * 5), scales


def check_network(golden: Golden) -> None:
    x = golden.tensor("x")
    spec, scales = official_net(golden, x.shape[1], x.ndim - 2)
    images = IMAGES_3D if spec.ndim == 3 else IMAGES_2D
    net = NSUNet(spec, scales)
    assert net.scales == scales
    ours = fill_by_formula(golden, net)
    every = range(scales)
    with torch.no_grad():
        # what leaves half precision with `float()` would leave double precision, too
        with patch.object(Tensor, "float", lambda tensor: tensor):
            exact = copy.deepcopy(net).double().train()(x.double(), every, every, final=True)
        seen = net.train()(x, every, every, final=True)
    close(seen.final, golden["restored_final_train"], images)
    for scale in every:
        for name, single, twin in (
            ("proj", seen.projections[scale], exact.projections[scale]),
            ("pred", seen.predictions[scale], exact.predictions[scale]),
        ):
            close(single, golden[f"{name}_s{scale}_train"], rounded(FEATURES, single, twin))
        close(seen.restorations[scale][:1], golden[f"restored_s{scale}_train"], images)
    buffers = dict(net.named_buffers())
    translate = translator(list(ours))
    for key, (name,) in golden.matching(r"buf_after\.(.*)"):
        close(buffers[translate(name)], golden[key], STATISTICS)
    if "encoder_bottom_mean" in golden:
        before = NSUNet(spec, scales)  # statistics as they were
        fill_by_formula(golden, before)
        with torch.no_grad():
            bottom = before.train().encoder(x)[-1]
        close(bottom.flatten(2).mean(2), golden["encoder_bottom_mean"], FEATURES)
    if "restored_final_eval" in golden:
        with torch.no_grad():
            calm = net.eval()(x, every, (), final=True)
        assert calm.final is not None
        close(calm.final[:1], golden["restored_final_eval"], images)
        for scale in every:
            close(calm.predictions[scale], golden[f"pred_s{scale}_eval"], FEATURES)


# --- a whole step


def check_step(golden: Golden) -> None:
    """The real learner and optimiser of the paper preset, with as many scales as the file's network has."""
    first, second = golden.tensor("x1"), golden.tensor("x2")
    small = golden.tensor("locals")  # (local views, B, C, *space)
    spec, scales = official_net(golden, first.shape[1], first.ndim - 2)
    rate, decay, momentum = (float(golden[k]) for k in ("lr", "weight_decay", "sgd_momentum"))
    options = paper_options(
        spec.ndim, scales=scales, learning_rate=rate, weight_decay=decay, momentum=momentum, local_views=len(small)
    )
    phase = PCRLv2().phases(options, replace(plan_of(spec.ndim), net=spec))[0]
    learner: Any = PCRLv2().learner(options, spec)
    ours = fill_by_formula(golden, learner.network)
    parameters = dict(learner.network.named_parameters())
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    optimiser = make_optimiser(learner, phase)
    set_learning_rate(optimiser, phase, 0, 0.0)  # the file's rate is that of its step
    views = {
        "globals": torch.stack((first, second), 1),
        "targets": golden.tensor("target_g1").unsqueeze(1),
        "locals": small.transpose(0, 1),
    }
    losses = learner.train().objective(views, draws_of(golden), falling_weight(int(golden["epoch"]) / options.epochs))
    close(losses.total, golden["total"], STEP)
    close(losses.terms["restoration"], golden["restore_final"], STEP)
    close(losses.terms["local_comparison"], golden["compare_local"], STEP)
    losses.total.backward()
    optimiser.step()
    changes = [(parameters[name].detach() - before[name]).double() for name in ours.values()]
    close(np.array([float(change.norm()) for change in changes]), golden["update_l2"], UPDATE)
    # sums of changes that nearly cancel: as large an error as their norms may have
    sizes = np.array([float(change.norm()) * math.sqrt(change.numel()) for change in changes])
    sums = np.array([float(change.sum()) for change in changes])
    assert (np.abs(sums - golden["update_sum"]) <= UPDATE["rtol"] * sizes + UPDATE["atol"]).all()


# --- which file is which

CHECKS = (
    ({"n_scales", "grad_g1_pred_s0"}, check_loss),
    ({"lr_3d", "beta"}, check_schedules),
    ({"accepted", "union_lo"}, check_overlap),
    ({"volume_shape", "tried_box1_0"}, check_sub_crops),
    ({"weight_seed", "restored_final_train"}, check_network),
    ({"weight_seed", "update_l2"}, check_step),
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numbers_of_the_authors_code(path: Path) -> None:
    check_file(path, CHECKS)
