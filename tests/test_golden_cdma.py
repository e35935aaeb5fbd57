"""CDMA against numbers of the authors' code: every `cdma_*.npz` of `golden/`, told apart by its keys.

Numbers, seeds, sizes and counts all come from the files. A file with a key that nothing here looks at fails.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import plan_for
from reference_arrays import Golden, check_file, close, files
from torch import Tensor, nn

from napari_medssl.methods.base import ParamGroup, Phase
from napari_medssl.methods.cdma import CDMA, CDMALearner
from napari_medssl.methods.cdma_options import CDMAOptions
from napari_medssl.methods.cdma_paper import EPOCHS, FIRST_EPOCHS, cdma_paper
from napari_medssl.methods.distillation import cross_distillation, distillation, uncertainty
from napari_medssl.methods.losses import Region, region_losses
from napari_medssl.methods.options import resolve_options
from napari_medssl.methods.schedules import learning_rate
from napari_medssl.nets.attention import ATTENTIONS, ChannelAttention, make_attention
from napari_medssl.nets.build import build_net
from napari_medssl.nets.mtnet import STRIDES, AttentiveDecoder
from napari_medssl.nets.spec import NetSpec

FILES = files("cdma")

# Float32 sums of up to a few thousand terms in another order than the authors' code takes them.
LOSS = {"rtol": 1e-5, "atol": 1e-6}
# Gradients are of the order 1e-4 to 1; the same rounding.
GRADIENT = {"rtol": 1e-4, "atol": 1e-6}
# One attention block: two small convolutions and a product.
BLOCK = {"rtol": 1e-5, "atol": 1e-6}
# Sixty convolutions in float32, whose sums are ordered as the library likes.
NETWORK = {"rtol": 1e-3, "atol": 1e-4}

DECODERS = {"CBAM": "csa", "SA": "sa", "CA": "ca"}  # the authors' names of the three
TOP_LEVEL = 2  # modules of each attention that the authors' network holds and never uses


def leaf(golden: Golden, name: str) -> Tensor:
    return golden.tensor(name).requires_grad_()


# --- attention


def check_attention(golden: Golden) -> None:
    cotangent = golden.tensor("cotangent")
    for name, (tag,) in golden.matching(r"(\w+?)__y"):
        weights = [golden.tensor(key) for key, _ in golden.matching(rf"{tag}__w__.*")]
        x = leaf(golden, "x")
        y = attention_of(tag, weights, x.shape[1])(x)
        close(y, golden[name], BLOCK)
        (gradient,) = torch.autograd.grad((y * cotangent).sum(), x)
        close(gradient, golden[f"{tag}__grad_x"], {"rtol": 1e-4, "atol": 1e-5})  # up to 10, through a maximum


def attention_of(tag: str, weights: list[Tensor], channels: int) -> nn.Module:
    """A block of the kind that the tag begins with, of the sizes that its weights have."""
    kind = max((k for k in ATTENTIONS if tag.startswith(k)), key=len)
    narrow = [w for w in weights if w.shape[1] == channels]
    wide = [w for w in weights if w.ndim == 4 and w.shape[2] > 1]
    ratio = channels // narrow[0].shape[0] if narrow else 1
    block = make_attention(kind, channels, 2, ratio, wide[0].shape[2] if wide else 1)
    with torch.no_grad():
        for parameter, value in zip(block.parameters(), weights, strict=True):
            parameter.copy_(value)
    return block


# --- losses


def check_distillation(golden: Golden) -> None:
    teacher = golden.tensor("teacher")
    for name, (temperature,) in golden.matching(r"kd_T(\d+)"):
        student = leaf(golden, "student")
        loss = distillation(student, teacher, float(temperature))
        close(loss, golden[name], LOSS)
        close(torch.autograd.grad(loss, student)[0], golden[f"grad_T{temperature}"], GRADIENT)
    for student, (classes,) in golden.matching(r"rows_student(\d+)"):  # pixels in rows
        rows, others = golden.tensor(student), golden.tensor(f"rows_teacher{classes}")
        for name, (temperature,) in golden.matching(r"rows_kd_T(\d+)"):
            close(distillation(rows, others, float(temperature)), golden[name], LOSS)


def check_entropy(golden: Golden) -> None:
    for name, (classes,) in golden.matching(r"logits(\d+)"):
        logits = leaf(golden, name)
        loss = uncertainty(torch.softmax(logits, dim=1))
        close(loss, golden[f"ent{classes}"], LOSS)
        close(torch.autograd.grad(loss, logits)[0], golden[f"grad{classes}"], GRADIENT)
    sure = torch.zeros(1, 2, 3, 3)
    sure[:, 0] = 1
    # log(1 + 1e-6), where 1 + 1e-6 is rounded to float32 before: the same everywhere
    close(uncertainty(sure), golden["ent_onehot"], {"rtol": 1e-3, "atol": 0.0})
    close(uncertainty(torch.full((1, 2, 3, 3), 0.5)), golden["ent_uniform"], LOSS)


def paper_options(**more: Any) -> CDMAOptions:
    names = CDMAOptions.__dataclass_fields__
    settings = {k: v for k, v in cdma_paper(2).items() if k in names}
    options = resolve_options(CDMAOptions, settings | more)
    assert isinstance(options, CDMAOptions)
    return options


def tiny_learner(classes: int) -> CDMALearner:
    """The learner of the paper preset on a network that plays no part."""
    return CDMALearner(paper_options(), NetSpec("unet", 2, 1, classes, (2, 4), ((1, 1), (2, 2)), branches=ATTENTIONS))


def check_objective(golden: Golden) -> None:
    logits = [leaf(golden, f"out_{branch}") for branch in ATTENTIONS]
    count = int(golden["labeled_bs"])
    labels = golden.tensor("label")[:count, 0].long()
    for index, z in enumerate(logits):
        dice, cross = region_losses(z[:count], [Region(labels)], "cdma")
        close(dice, golden["dice"][index], LOSS)
        close(cross, golden["ce"][index], LOSS)
    for index, student in enumerate(logits):
        others = sum(distillation(student, teacher) for j, teacher in enumerate(logits) if j != index)
        close(others, golden["cross_each"][index], LOSS)
    close(cross_distillation(logits), golden["cdkd"], LOSS)
    mean = torch.stack([torch.softmax(z, dim=1) for z in logits]).mean(dim=0)
    close(uncertainty(mean), golden["entropy"], LOSS)
    learner = tiny_learner(logits[0].shape[1])
    first = learner.objective(logits, labels, 0.0, 0.0)
    close(first.terms["labelled"], golden["loss_sup"], LOSS)
    close(first.total, golden["total_before_epoch15"], LOSS)
    whole = learner.objective(logits, labels, 1.0, 0.0)
    close(whole.total, golden["total_from_epoch15"], LOSS)
    for branch, gradient in zip(ATTENTIONS, torch.autograd.grad(whole.total, logits), strict=True):
        close(gradient, golden[f"grad_{branch}"], GRADIENT)
    sure = golden.tensor("conf_bg_logits")
    nothing = torch.zeros(len(sure), *sure.shape[2:], dtype=torch.long)
    close(region_losses(sure, [Region(nothing)], "cdma")[0], golden["conf_bg_dice"], LOSS)


# --- network


@torch.no_grad()
def fill(net: nn.Module, shapes: list[tuple[str, list[int]]], seed: int) -> None:
    """Weights by the rule of the files: parameters and statistics in the authors' order.

    The norm after a decoder's second convolution is in their list and has no effect.
    """
    used = [(name, shape) for name, shape in shapes if not re.search(r"(^|decoder\d\.)bn3\.", name)]
    own = [*net.parameters(), *(b for b in net.buffers() if b.is_floating_point())]
    for (name, shape), tensor in zip(used, own, strict=True):
        assert list(tensor.shape) == list(shape), name
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


def published(classes: int, channels: int = 3, **more: Any) -> NetSpec:
    wanted = cdma_paper(2)
    assert tuple(tuple(s) for s in wanted["strides"]) == STRIDES
    return NetSpec("mtnet", 2, channels, classes, tuple(wanted["widths"]), STRIDES, 0.5, branches=ATTENTIONS, **more)


def check_decoders(golden: Golden) -> None:
    for name, (official,) in golden.matching(r"(\w+)__names_shapes_json"):
        shapes = json.loads(str(golden[name]))
        decoder = AttentiveDecoder(published(classes=shapes[-1][1][0]), DECODERS[official]).eval()
        fill(decoder, shapes, int(golden["fill_seed"]))
        with torch.no_grad():
            close(decoder(golden.tensor("x"), golden.tensor("x_low")), golden[f"{official}__y"], NETWORK)


def check_network(golden: Golden) -> None:
    shapes = json.loads(str(golden["names_shapes_json"]))
    size = tuple(golden["input_shape"])
    classes = next(shape[0] for name, shape in reversed(shapes) if name.endswith("conv4.bias"))
    net: Any = build_net(published(classes, size[1], norm="frozen"))
    fill(net, shapes, int(golden["fill_seed"]))
    x = torch.from_numpy(np.random.RandomState(int(golden["input_seed"])).random_sample(size).astype(np.float32))
    net.eval()
    with torch.no_grad():
        pooled, fine = net.shared(x)
        deepest = net.encoder(x)[-1]
        logits = net.branch_logits(x)
        assert torch.equal(net(x), logits[0])
    close(fine[:, ::16, ::4, ::4], golden["low_sub"], NETWORK)
    close(deepest[:, ::32], golden["high_sub"], NETWORK)
    close(pooled[:, ::8], golden["aspp_sub"], NETWORK)
    close(np.array([float(f.std()) for f in (fine, deepest, pooled)]), golden["feat_std"], NETWORK)
    for branch, y in zip(ATTENTIONS, logits, strict=True):
        close(y[..., ::2, ::2], golden[f"y_{branch}"], NETWORK)
    close(np.array([float(y.mean()) for y in logits]), golden["y_mean"], NETWORK)
    close(np.array([float(y.std()) for y in logits]), golden["y_std"], NETWORK)


# --- measure, schedule, groups


def official_dice(per_sample: np.ndarray) -> float:
    """What the authors' `compute_dice` says and is not built in: it drops the first sample and counts background."""
    return 100 * float(per_sample[1:].mean())


def check_metric_and_schedule(golden: Golden) -> None:
    predicted = golden["pred_logits"].argmax(axis=1)
    truth = golden["gt"].astype(int)
    found = np.array([[smooth_dice(p == c, t == c) for c in (0, 1)] for p, t in zip(predicted, truth, strict=True)])
    close(found, golden["per_sample_bg_fg_dice"], LOSS)
    close(official_dice(found), golden["official_compute_dice"], LOSS)
    close(100 * found[:, 1].mean(), golden["all_samples_fg_dice"], LOSS)
    rates = golden["base_lr_by_epoch"]
    at = rate_at if len(rates) == EPOCHS else shorter_rate(rates)
    close(np.array([at(epoch) for epoch in range(len(rates))]), rates, {"rtol": 1e-9, "atol": 0.0})  # float64
    check_groups(golden)


def smooth_dice(a: np.ndarray, b: np.ndarray) -> float:
    return (2 * float((a & b).sum()) + 1e-5) / (float(a.sum() + b.sum()) + 1e-5)


def rate_at(epoch: int) -> float:
    """Learning rate of an epoch of the paper preset's run."""
    first, second = phases()
    steps = FIRST_EPOCHS if epoch < FIRST_EPOCHS else EPOCHS - FIRST_EPOCHS
    phase, done = (first, epoch) if epoch < FIRST_EPOCHS else (second, epoch - FIRST_EPOCHS)
    return learning_rate(phase.optimiser.schedule, phase.optimiser.lr, done, min(done / steps, 1.0))


def shorter_rate(rates: np.ndarray) -> Callable[[int], float]:
    """Learning rate of a run of another length: it falls where the file's does, by the paper preset's factor."""
    falls = tuple(float(epoch) / len(rates) for epoch in np.flatnonzero(np.diff(rates)) + 1)
    schedule = replace(phases()[-1].optimiser.schedule, drops=falls)
    return lambda epoch: learning_rate(schedule, float(rates[0]), epoch, epoch / len(rates))


def phases() -> list[Phase]:
    return CDMA().phases(paper_options(), plan_for(8, (256, 256)))


def groups_of(classes: int) -> list[ParamGroup]:
    return CDMALearner(paper_options(third_norm=True), published(classes)).parameter_groups()


def check_groups(golden: Golden) -> None:
    """Backbone weights and biases, new weights and biases: how many, how large, and how fast they learn.

    The authors' network holds attention modules that nothing uses; they are counted in with the new weights.
    """
    biases = sum(p.numel() for p in groups_of(classes=2)[-1].parameters)
    classes = 2 + (int(golden["group_numel"][-1]) - biases) // len(
        ATTENTIONS
    )  # each branch has one more bias per class
    groups = groups_of(classes)
    width = published(classes=2).widths[0] * 4
    unused = [p for kind in ATTENTIONS for _ in range(TOP_LEVEL) for p in make_attention(kind, width, 2).parameters()]
    groups[2].parameters.extend(unused)
    assert [group.lr_scale for group in groups] == golden["group_lr_multipliers"].tolist()
    assert [len(group.parameters) for group in groups] == golden["group_tensors"].tolist()
    assert [sum(p.numel() for p in group.parameters) for group in groups] == golden["group_numel"].tolist()
    assert all(group.decay_scale == 1 for group in groups)


# --- which file is which

CHECKS = (
    ({"cotangent", "csa__y"}, check_attention),
    ({"student", "teacher", "kd_T10"}, check_distillation),
    ({"ent_onehot", "ent_uniform"}, check_entropy),
    ({"out_csa", "label", "total_from_epoch15"}, check_objective),
    ({"x_low", "CBAM__y"}, check_decoders),
    ({"fill_seed", "input_seed", "y_csa"}, check_network),
    ({"pred_logits", "base_lr_by_epoch"}, check_metric_and_schedule),
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numbers_of_the_authors_code(path: Path) -> None:
    check_file(path, CHECKS)


def test_published_size() -> None:
    """43,028,662 parameters, less 34,696 that have no effect."""
    net = build_net(published(classes=2))
    assert sum(p.numel() for p in net.parameters()) == 43_028_662 - 34_696
    assert sum(p.numel() for p in net.encoder.parameters()) == 23_508_032  # type: ignore[union-attr]


def test_gate_is_narrow_but_never_empty() -> None:
    assert [ChannelAttention(c, 3).narrow.out_channels for c in (4, 32, 304)] == [1, 2, 19]
