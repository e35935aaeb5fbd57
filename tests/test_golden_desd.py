"""DeSD against numbers of the authors' code: every `desd_*.npz` of `golden/`, told apart by its keys.

Numbers, seeds, sizes and counts all come from the files. A file with a key that nothing here looks at fails.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference_arrays import Golden, check_file, close, files
from torch import Tensor, nn

from napari_medssl.methods.base import Batch, Schedule, Step
from napari_medssl.methods.desd import DeSD, DeSDLearner
from napari_medssl.methods.desd_loss import move_centre, stage_loss, teacher_targets, teacher_temperature
from napari_medssl.methods.desd_options import DeSDOptions
from napari_medssl.methods.desd_paper import desd_paper
from napari_medssl.methods.options import resolve_options
from napari_medssl.methods.schedules import cosine, learning_rate
from napari_medssl.nets.desd_resnet import desd_encoder_spec
from napari_medssl.nets.ema import update_ema
from napari_medssl.nets.projector import Projector
from napari_medssl.nets.resnet import ResNetEncoder
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan
from napari_medssl.training.optimisers import make_optimiser, set_learning_rate

FILES = files("desd")

# Float32 sums of up to a few hundred terms in another order than the authors' code takes them.
LOSS = {"rtol": 1e-5, "atol": 1e-6}
# Gradients and outputs of three layers with batch norm; the same rounding, and again on the way back.
HEAD = {"rtol": 1e-4, "atol": 1e-5}
# Averages of two numbers: the last bit of float32.
LAST_BIT = {"rtol": 1e-6, "atol": 1e-7}
# The networks' maps were computed in float64 and stored in float32; so they are here.
NETWORK = {"rtol": 1e-5, "atol": 1e-6}
# Pure functions in float64.
EXACT = {"rtol": 1e-9, "atol": 1e-12}
# Steps with momentum and large rates, each with four heads whose batch norm sees few rows: with some seeds they magnify
# the rounding of float32 a thousand times.
STEPS = {"rtol": 1e-3, "atol": 1e-4}


def paper_options(**changed: Any) -> DeSDOptions:
    names = DeSDOptions.__dataclass_fields__
    options = resolve_options(DeSDOptions, {k: v for k, v in desd_paper(3).items() if k in names} | changed)
    assert isinstance(options, DeSDOptions)
    return options


# --- loss


def check_loss(golden: Golden) -> None:
    views, scans, directions = int(golden["ncrops"]), int(golden["B"]), int(golden["K"])
    epochs = int(golden["nepochs"])
    temperature = teacher_temperature(
        float(golden["warmup_teacher_temp"]),
        float(golden["teacher_temp"]),
        int(golden["warmup_teacher_temp_epochs"]) / epochs,
        epochs,
        int(golden["epoch"]) / epochs,
    )
    close(temperature, golden["temp_used"], EXACT)
    sharpness, centre = float(golden["student_temp"]), golden.tensor("center_0").clone()
    for step in range(int(golden["steps"])):
        names = sorted(name for name, _ in golden.matching(rf"student_logits\d_s{step}"))
        stages = [golden.tensor(name).requires_grad_() for name in names]
        looked_at = golden.tensor(f"teacher_logits_s{step}")
        assert stages[0].shape == (views * scans, directions)
        targets = teacher_targets(looked_at.unflatten(0, (-1, scans)), centre, temperature)
        losses = [stage_loss(logits.unflatten(0, (views, scans)), targets, sharpness) for logits in stages]
        total = torch.stack(losses).mean()
        close(torch.stack(losses), golden[f"loss_per_stage_s{step}"], LOSS)
        close(total, golden[f"total_s{step}"], LOSS)
        move_centre(centre, looked_at, float(golden["center_momentum"]))
        close(centre, golden[f"center_after_s{step}"], LOSS)
        gradients = torch.autograd.grad(total, stages)
        for name, (stage,) in golden.matching(rf"grad_total_wrt_student_logits(\d+)_s{step}"):
            close(gradients[int(stage) - 1], golden[name], HEAD)


# --- schedules


def end_of_cosine(values: np.ndarray) -> float:
    """Where a cosine goes that begins with the first value and is cut off one step before its end."""
    last = 0.5 * (1 + math.cos(math.pi * (len(values) - 1) / len(values)))
    return float((values[-1] - values[0] * last) / (1 - last))


def check_schedules(golden: Golden) -> None:
    epochs, steps = int(golden["epochs"]), int(golden["epochs"]) * int(golden["niter"])
    done = np.arange(steps) / steps
    rate = Schedule(
        "cosine", warmup=int(golden["lr_warmup_epochs"]) / epochs, floor=float(golden["lr_min"]), from_zero=True
    )
    peak = float(golden["lr_peak"])
    close([learning_rate(rate, peak, step, p) for step, p in enumerate(done)], golden["lr"], EXACT)
    decay = golden["wd"]
    close([cosine(decay[0], end_of_cosine(decay), p) for p in done], decay, EXACT)
    momentum = golden["momentum"]
    close([cosine(momentum[0], 1.0, p) for p in done], momentum, EXACT)
    temperature = golden["temp"]
    warmup = int(golden["temp_warmup_epochs"]) / epochs
    found = [teacher_temperature(temperature[0], temperature[-1], warmup, epochs, e / epochs) for e in range(epochs)]
    close(found, temperature, EXACT)
    check_official(golden)


def check_official(golden: Golden) -> None:
    """The paper preset over the official number of iterations."""
    options = paper_options()
    epochs, niter = int(golden["official_epochs"]), int(golden["official_niter"])
    warmup = int(golden["official_lr_warmup_epochs"]) / epochs
    temperature = golden["temp_official"]
    rising = options.temperature_warmup * options.epochs / len(temperature)
    start, end = options.teacher_temperature_start, options.teacher_temperature
    places = [e / len(temperature) for e in range(len(temperature))]
    close([teacher_temperature(start, end, rising, len(temperature), p) for p in places], temperature, EXACT)
    rate = dataclasses.replace(paper_phase(options).optimiser.schedule, warmup=warmup)
    at = [(int(i), int(i) / (epochs * niter)) for i in golden["official_idx"]]
    close([learning_rate(rate, options.learning_rate, i, p) for i, p in at], golden["lr_official_at_idx"], EXACT)
    close([cosine(options.ema, 1.0, p) for _, p in at], golden["momentum_official_at_idx"], EXACT)


def paper_phase(options: DeSDOptions) -> Any:
    net = NetSpec("desd-resnet", 3, 1, 2, (4, 4, 8, 16, 32), ((1, 2, 2), *((2, 2, 2),) * 4))
    (phase,) = DeSD().phases(options, Plan(net, (1.0, 1.0, 1.0), (16, 32, 32), 2))
    return phase


# --- average and projector


def check_ema(golden: Golden) -> None:
    students = {index: golden.tensor(name) for name, (index,) in golden.matching(r"student_(\d+)")}
    assert students

    def module(values: dict[str, Tensor]) -> nn.Module:
        return nn.ParameterDict({index: nn.Parameter(value.clone()) for index, value in values.items()})

    for number, momentum in enumerate(golden["momentum"]):
        teacher = module({index: golden.tensor(f"teacher_{index}_in") for index in students})
        update_ema(teacher, module(students), float(momentum), buffers=False)
        for index, value in teacher.named_parameters():
            close(value, golden[f"teacher_{index}_out_m{number}"], LAST_BIT)


def official_names(projector: Projector) -> dict[str, Tensor]:
    """Parameters of a projector under the authors' names."""
    named = {name: p for name, p in projector.named_parameters() if name.startswith("mlp.")}
    if projector.lengths is not None:
        named["last_layer.weight_g"] = projector.lengths
    return named | {"last_layer.weight_v": projector.directions}


@torch.no_grad()
def fill_projector(projector: Projector, stored: dict[str, Tensor]) -> None:
    own = official_names(projector)
    for name, value in stored.items():
        if name == "last_layer.weight_g" and name not in own:
            assert torch.equal(value, torch.ones_like(value))  # what is not learnt has length 1
        else:
            own.pop(name).copy_(value)
    assert not own


def make_projector(stored: dict[str, Tensor], free_length: bool) -> Projector:
    layers = [value for name, value in stored.items() if name.startswith("mlp.") and value.ndim == 2]
    (hidden, inputs), bottleneck = layers[0].shape, len(layers[-1])
    outputs = len(stored["last_layer.weight_v"])
    norm = sum(name.startswith("mlp.") for name in stored) > 2 * len(layers)
    return Projector(inputs, hidden, bottleneck, outputs, norm=norm, free_length=free_length)


def check_projector(golden: Golden) -> None:
    stored = {name.removeprefix("param."): golden.tensor(name) for name, _ in golden.matching(r"param\..+")}
    trainable = dict(zip(golden["param_names"].tolist(), golden["trainable"].tolist(), strict=True))
    assert trainable.keys() == stored.keys()
    projector = make_projector(stored, free_length=trainable["last_layer.weight_g"])
    fill_projector(projector, stored)
    own = official_names(projector)
    assert own.keys() == {name for name, learns in trainable.items() if learns}
    x = golden.tensor("x").requires_grad_()
    y = projector.train()(x)
    close(y, golden["y_train"], HEAD)
    y.backward(golden.tensor("dy"))
    close(x.grad, golden["dx"], HEAD)
    for name, (parameter,) in golden.matching(r"grad\.(.+)"):
        close(own[parameter].grad, golden[name], HEAD)
    buffers = dict(projector.named_buffers())
    for name, (buffer,) in golden.matching(r"buffer_after_train\.(.+)"):
        close(buffers[buffer], golden[name], HEAD)
    close(projector.eval()(x), golden["y_eval_after_one_train_step"], HEAD)


# --- encoder


def check_encoder(golden: Golden) -> None:
    names = [str(name) for name in golden["param_names"]]
    shapes = [tuple(map(int, str(shape).split(","))) for shape in golden["param_shapes"]]
    strides = tuple(tuple(reversed(stride)) for stride in desd_paper(3)["strides"])  # the authors' axes: depth first
    width, last = shapes[0][0], [int(golden[f"map_shape{stage}"][1]) for stage in range(1, 5)]
    net = NetSpec("desd-resnet", 3, shapes[0][1], 2, (width, *last), strides, norm="instance")
    counts = tuple(
        1 + max(int(name.split(".")[1]) for name in names if name.startswith(f"layer{s}.")) for s in range(1, 5)
    )
    encoder = ResNetEncoder(dataclasses.replace(desd_encoder_spec(net), counts=counts))
    assert sum(p.numel() for p in encoder.parameters()) == int(golden["n_params"])
    fill_in_order(encoder, names, shapes, int(golden["weight_seed"]))
    noise = np.random.RandomState(int(golden["x_seed"])).standard_normal(tuple(golden["x_shape"]))
    x = torch.from_numpy((0.5 * noise).astype(np.float32))
    close(x.flatten()[:8], golden["x_first8"], LAST_BIT)
    with torch.no_grad():
        rough = [features.mean(dim=(2, 3, 4)) for features in encoder.train()(x)[1:]]
        maps = encoder.double()(x.double())[1:]
    for stage, features in enumerate(maps, start=1):
        assert tuple(features.shape) == tuple(golden[f"map_shape{stage}"])
        pooled = features.mean(dim=(2, 3, 4))
        close(pooled, golden[f"pooled{stage}"], NETWORK)
        close(features[0, :8, 0, :2, :2], golden[f"map_corner{stage}"], NETWORK)
        close(features.abs().mean(), golden[f"map_mean_abs{stage}"], NETWORK)
        close(features.square().sum(), golden[f"map_sumsq{stage}"], NETWORK)
        # in float32 no further away than a few times the authors' own run in float32
        allowed = 1e-5 + 5 * float(golden[f"float32_run_max_abs_diff{stage}"])
        close(rough[stage - 1], golden[f"pooled{stage}"], {"rtol": 0.0, "atol": allowed})


@torch.no_grad()
def fill_in_order(net: nn.Module, names: list[str], shapes: list[tuple[int, ...]], seed: int) -> None:
    """Weights by the rule of the files: parameters in the order of the authors' names."""
    for number, (name, shape, own) in enumerate(zip(names, shapes, net.parameters(), strict=True)):
        assert tuple(own.shape) == shape, name
        drawn = np.random.RandomState(1000 * seed + number).standard_normal(shape)
        if len(shape) > 1:
            drawn = drawn * np.sqrt(2 / np.prod(shape[1:]))
        elif name.endswith("weight"):
            drawn = 1 + 0.1 * drawn
        else:
            drawn = 0.1 * drawn
        own.copy_(torch.from_numpy(drawn.astype(np.float32)))


# --- whole steps

# What the files' README says and their keys do not.
TINY_EPOCHS, TINY_RISING, TINY_TEMPERATURES, TINY_MOMENTUM = 4, 2, (0.04, 0.07), 0.9


class Chain(nn.Module):
    """The encoder of the tiny files: linear layers with tanh on a flattened view; its levels are vectors."""

    def __init__(self, weights: list[Tensor]) -> None:
        super().__init__()
        self.widths = tuple(len(weight) for weight in weights)
        self.layers = nn.ModuleList(nn.Linear(w.shape[1], w.shape[0]) for w in weights)

    def forward(self, x: Tensor) -> list[Tensor]:
        x, levels = x.flatten(1), []
        for layer in self.layers:
            x = torch.tanh(layer(x))
            levels.append(x[..., None])
        return levels


def tiny_options(golden: Golden, stored: dict[str, Tensor]) -> DeSDOptions:
    rates, steps = golden["lr"], len(golden["lr"])
    # the last of the highest: the warm-up ends at the top, and the cosine after it begins there
    rising = int(np.flatnonzero(np.isclose(rates, rates.max(), rtol=1e-12, atol=0.0)).max())
    hidden, bottleneck = stored["head.mlp.0.weight"].shape[0], stored["head.mlp.6.weight"].shape[0]
    return dataclasses.replace(
        paper_options(),
        hidden=hidden,
        bottleneck=bottleneck,
        outputs=len(stored["head.last_layer.weight_v"]),
        learning_rate=float(rates.max()),
        learning_rate_floor=end_of_cosine(rates[rising:]),
        schedule_warmup=rising / steps,
        momentum=TINY_MOMENTUM,
        weight_decay=float(golden["wd"][0]),
        weight_decay_growth=end_of_cosine(golden["wd"]) / float(golden["wd"][0]),
        ema=float(golden["momentum"][0]),
        epochs=TINY_EPOCHS,
        temperature_warmup=TINY_RISING / TINY_EPOCHS,
        teacher_temperature_start=TINY_TEMPERATURES[0],
        teacher_temperature=TINY_TEMPERATURES[1],
        freeze_directions=int(golden["freeze_last_layer_epochs"]) / TINY_EPOCHS,
        steps=steps,
    )


def official_tiny_names(net: Any, heads: list[str]) -> dict[str, Tensor]:
    """Parameters of student or teacher under the authors' names."""
    named = {}
    for index, layer in enumerate(net.encoder.layers, start=1):
        named |= {f"backbone.l{index}.{name}": p for name, p in layer.named_parameters()}
    for head, projector in zip(heads, net.projectors, strict=True):
        named |= {f"{head}.{name}": p for name, p in official_names(projector).items()}
    return named


def check_training(golden: Golden) -> None:
    """The real learner, options and optimiser of the paper preset, on a small encoder."""
    stored = {name.removeprefix("init."): golden.tensor(name) for name, _ in golden.matching(r"init\..+")}
    weights = [stored[f"backbone.l{k}.weight"] for k in range(1, 5)]
    options = tiny_options(golden, stored)
    learner = DeSDLearner(options, Chain(weights)).train()
    named = {
        "student": official_tiny_names(learner.student, ["head_1", "head_2", "head_3", "head"]),
        "teacher": official_tiny_names(learner.teacher, ["head"]),
    }
    for who, parameters in named.items():
        official = set(golden[f"{who}_names"].tolist())
        assert {name for name in official if not name.endswith("weight_g")} == parameters.keys()
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(stored[name])
    decaying = {id(p) for g in learner.parameter_groups() if g.decay_scale for p in g.parameters}
    regularised = {name for name, p in named["student"].items() if id(p) in decaying}
    assert regularised == set(golden["regularised_names"].tolist())
    phase = paper_phase(options)
    optimiser, steps = make_optimiser(learner, phase), len(golden["lr"])
    for step in range(steps):
        done = step / steps
        close(set_learning_rate(optimiser, phase, step, done), golden["lr"][step], EXACT)
        close(optimiser.param_groups[0]["weight_decay"], golden["wd"][step], EXACT)
        close(cosine(options.ema, 1.0, done), golden["momentum"][step], EXACT)
    for step in range(int(golden["steps"])):
        done = step / steps
        at = Step(step, phase, step, done, np.random.RandomState(0))
        set_learning_rate(optimiser, phase, step, done)
        views = torch.stack((golden.tensor(f"view1_{step}"), golden.tensor(f"view2_{step}")), dim=1)
        losses = learner.losses(Batch(views={"globals": views}), at)
        close(losses.total, golden[f"total_{step}"], STEPS)
        close([float(losses.terms[f"stage_{k}"]) for k in range(1, 5)], golden[f"loss_per_stage_{step}"], STEPS)
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        optimiser.step()
        learner.after_step(at)
        close(learner.centre, golden[f"center_{step}"], STEPS)
    for name, (who, parameter) in golden.matching(r"final_(student|teacher)\.(.+)"):
        if parameter.endswith("weight_g"):
            np.testing.assert_array_equal(golden[name], 1.0)
        else:
            close(named[who][parameter], golden[name], STEPS)


# --- which file is which

CHECKS = (
    ({"ncrops", "teacher_logits_s0"}, check_loss),
    ({"lr_peak", "official_idx"}, check_schedules),
    ({"teacher_0_in", "student_0"}, check_ema),
    ({"param.last_layer.weight_v", "dy"}, check_projector),
    ({"weight_seed", "map_corner1"}, check_encoder),
    ({"init.head.last_layer.weight_v", "steps"}, check_training),
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numbers_of_the_authors_code(path: Path) -> None:
    check_file(path, CHECKS)
