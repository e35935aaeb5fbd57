"""Learners by themselves: they learn, they are saved as a whole, teacher and student play their parts."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import plan_for
from torch import nn

from napari_medssl.errors import SpecError
from napari_medssl.methods.averaged import AveragedLearner
from napari_medssl.methods.averaged_options import SupervisedOptions
from napari_medssl.methods.base import IGNORE, Batch, Learner, Patches, Phase, Step, seed_everything
from napari_medssl.methods.bcp import LABELS_FIRST, SELF_TRAINING, BCPLearner
from napari_medssl.methods.bcp_options import BCPOptions
from napari_medssl.methods.catalog import CATALOG, method_info
from napari_medssl.methods.losses import Region, region_losses
from napari_medssl.methods.options import Options, resolve_options
from napari_medssl.nets.spec import NetSpec
from napari_medssl.training.optimisers import make_optimiser

SIDE = 16
NETS = {
    2: NetSpec("unet", 2, 1, 3, (4, 8), ((1, 1), (2, 2))),
    3: NetSpec("unet", 3, 1, 3, (4, 8), ((1, 1, 1), (2, 2, 2))),
}
INSTANCE = dataclasses.replace(NETS[2], norm="instance")
SEGMENTING = [name for name, info in CATALOG.items() if info.segments]
#: Settings of the paper presets that tests cannot afford
SMALLER = {"desd": {"hidden": 32, "outputs": 64}}


def options_for(method: str, **settings: Any) -> Options:
    return resolve_options(method_info(method).options, settings)


def paper_options(method: str, ndim: int) -> Options:
    cls = method_info(method).options
    names = {f.name for f in dataclasses.fields(cls)}
    paper = {k: v for k, v in method_info(method).paper(ndim).items() if k in names}
    return resolve_options(cls, paper | SMALLER.get(method, {}))


def a_batch(ndim: int = 2, count: int = 4, seed: int = 0, unlabelled: bool = True) -> Batch:
    """Two blobs on noise; the classes are told apart by brightness."""
    rng = np.random.default_rng(seed)

    def patches() -> Patches:
        labels = np.zeros((2 * count, *(SIDE,) * ndim), np.int64)[:count]
        for sample in labels:
            for value in (1, 2):
                corner = rng.integers(0, SIDE - 6, ndim)
                sample[tuple(slice(c, c + 6) for c in corner)] = value
        images = labels[:, None] + 0.3 * rng.standard_normal((count, 1, *labels.shape[1:]))
        return Patches(torch.from_numpy(images.astype(np.float32)), torch.from_numpy(labels))

    return Batch(patches(), Patches(patches().images) if unlabelled else None)


def batch_for(phase: Phase, ndim: int = 2, seed: int = 0) -> Batch:
    """What the phase asks for: patches, or the views it makes of them."""
    count = max(phase.labelled, phase.unlabelled)
    batch = a_batch(ndim, count, seed=seed, unlabelled=phase.unlabelled > 0)
    if phase.views is None:
        return batch
    assert batch.unlabelled is not None
    scans = batch.unlabelled.images.half().numpy()
    made = [
        phase.views(scan[:, None] if ndim == 2 else scan, (1.0, 1.0, 1.0), np.random.default_rng([seed, number]))
        for number, scan in enumerate(scans)
    ]
    return Batch(views={name: torch.stack([views[name] for views in made]) for name in made[0]})


def phase_of(method: str, options: Any, name: str | None = None) -> Phase:
    phases = method_info(method).load().phases(options, plan_for(4, (16, 16)))
    return phases[0] if name is None else next(p for p in phases if p.name == name)


def a_step(phase: Phase, index: int = 0, progress: float = 0.5) -> Step:
    return Step(index, phase, index, progress, seed_everything(3, index))


def train(learner: Learner, phase: Phase, steps: range, optimiser: torch.optim.Optimizer) -> list[float]:
    totals = []
    learner.train()
    for index in steps:
        at = a_step(phase, index)
        losses = learner.losses(batch_for(phase, seed=index), at)
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        optimiser.step()
        learner.after_step(at)
        totals.append(float(losses.total.detach()))
    return totals


def fresh(method: str, options: Any, net: NetSpec = NETS[2]) -> Any:
    torch.manual_seed(0)
    return method_info(method).load().learner(options, net)


def equal_state(a: nn.Module, b: nn.Module) -> bool:
    one, other = a.state_dict(), b.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("method", "name"), [("supervised", None), ("bcp", LABELS_FIRST), ("bcp", SELF_TRAINING)])
def test_loss_falls(method: str, name: str | None) -> None:
    options = options_for(method)
    learner, phase = fresh(method, options), phase_of(method, options, name)
    learner.before_phase(phase)
    totals = train(learner, phase, range(25), make_optimiser(learner, phase))
    assert np.mean(totals[-5:]) < 0.85 * np.mean(totals[:5])


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("preset", ["auto", "paper"])
@pytest.mark.parametrize("method", CATALOG)
def test_every_phase_runs_and_names_its_terms(method: str, preset: str, ndim: int) -> None:
    options = paper_options(method, ndim) if preset == "paper" else options_for(method)
    learner = fresh(method, options, NETS[ndim])
    plan = plan_for(4, (16,) * ndim)
    if preset == "paper":
        plan = dataclasses.replace(plan, normalisation=method_info(method).paper(ndim)["normalisation"])
    phases = method_info(method).load().phases(options, plan)
    assert sum(p.share for p in phases) == pytest.approx(1.0)
    halved = method in SEGMENTING and preset == "auto"  # where two kinds of scans are looked at
    for phase in phases:
        patches = 2 if halved and phase.unlabelled else 4
        assert phase.labelled == (patches if method in SEGMENTING else 0)
        assert phase.steps is not None
        learner.before_phase(phase)
        losses = learner.losses(batch_for(phase, ndim), a_step(phase))
        losses.total.backward()
        assert torch.isfinite(losses.total)
        assert losses.terms
        assert not any(value.requires_grad for value in losses.terms.values())
        learner.after_step(a_step(phase))


@pytest.mark.parametrize("method", CATALOG)
def test_state_holds_everything(method: str) -> None:
    """Three steps, saved, three more in a new learner: the same as six, bit for bit."""
    options = options_for(method)
    phase = method_info(method).load().phases(options, plan_for(4, (16, 16)))[-1]
    whole = fresh(method, options)
    optimiser = make_optimiser(whole, phase)
    train(whole, phase, range(3), optimiser)
    saved, momentum = copy.deepcopy(whole.state_dict()), copy.deepcopy(optimiser.state_dict())
    train(whole, phase, range(3, 6), optimiser)
    torch.manual_seed(99)
    later = method_info(method).load().learner(options, NETS[2])
    later.load_state_dict(saved)
    optimiser = make_optimiser(later, phase)
    optimiser.load_state_dict(momentum)
    train(later, phase, range(3, 6), optimiser)
    assert equal_state(whole, later)


@pytest.mark.parametrize("method", CATALOG)
def test_optimiser_changes_what_learns_and_nothing_else(method: str) -> None:
    learner = fresh(method, options_for(method))
    phase = method_info(method).load().phases(options_for(method), plan_for(4, (16, 16)))[-1]
    for index in range(20):  # some methods teach a part drawn at random in each step
        learner.losses(batch_for(phase, seed=index), a_step(phase, index)).total.backward()
        learns = {name for name, p in learner.named_parameters() if p.grad is not None}
        if learns == {name for name, p in learner.named_parameters() if p.requires_grad}:
            break
    assert learns == {name for name, p in learner.named_parameters() if p.requires_grad}
    grouped = [id(p) for group in learner.parameter_groups() for p in group.parameters]
    assert sorted(grouped) == sorted(id(p) for p in learner.parameters() if p.requires_grad)
    for teacher in ("average", "teacher"):
        assert not any(p.requires_grad for p in getattr(learner, teacher, nn.Module()).parameters())


def test_deployed_network_comes_first() -> None:
    learner = fresh("bcp", options_for("bcp"))
    assert learner.members() == [learner.average, learner.student]
    learner = fresh("bcp", options_for("bcp", deploy="student"))
    assert learner.members() == [learner.student, learner.average]
    # the left-atrium recipe does not average statistics: its teacher is not to be evaluated
    learner = fresh("bcp", options_for("bcp", deploy="student", ema_buffers=False))
    assert learner.members() == [learner.student]
    learner = fresh("bcp", options_for("bcp", ema_buffers=False), INSTANCE)
    assert learner.members() == [learner.average, learner.student]
    with pytest.raises(SpecError, match="ema_buffers"):
        fresh("bcp", options_for("bcp", ema_buffers=False))


def test_members_are_networks_of_the_spec() -> None:
    learner = fresh("supervised", options_for("supervised"))
    x = a_batch().labelled.images
    assert [member(x).shape for member in learner.members()] == [(4, 3, SIDE, SIDE)] * 2


def test_takes_over_what_fits() -> None:
    before, learner = fresh("supervised", options_for("supervised")), fresh("bcp", options_for("bcp"))
    phase = phase_of("supervised", options_for("supervised"))
    train(before, phase, range(2), make_optimiser(before, phase))
    assert learner.initialise_from(before.average.state_dict()) == []
    assert equal_state(learner.student, before.average)
    assert equal_state(learner.average, before.average)
    other = fresh("bcp", options_for("bcp"), dataclasses.replace(NETS[2], classes=5))
    assert other.initialise_from({**before.average.state_dict(), "projector.weight": torch.zeros(1)}) == [
        "decoder.head.bias",
        "decoder.head.weight",
        "projector.weight",
    ]
    assert torch.equal(other.student.encoder.stages[0][0].weight, before.average.encoder.stages[0][0].weight)


@pytest.mark.parametrize(("deploy", "wanted"), [("average", "average"), ("student", "student")])
def test_self_training_starts_with_two_of_the_deployed_model(deploy: str, wanted: str) -> None:
    options = options_for("bcp", deploy=deploy)
    learner, first = fresh("bcp", options), phase_of("bcp", options)
    train(learner, first, range(3), make_optimiser(learner, first))
    assert not equal_state(learner.student, learner.average)
    source = copy.deepcopy(getattr(learner, wanted))
    learner.before_phase(phase_of("bcp", options, SELF_TRAINING))
    assert equal_state(learner.student, source)
    assert equal_state(learner.average, source)


def test_no_labels_first_when_its_share_is_nothing() -> None:
    phases = method_info("bcp").load().phases(options_for("bcp", warmup_share=0.0), plan_for(2, (16, 16)))
    assert [phase.name for phase in phases] == [SELF_TRAINING]


def parts(**settings: Any) -> tuple[BCPLearner, Batch, torch.Tensor]:
    learner = fresh("bcp", options_for("bcp", **settings), INSTANCE)
    mask = torch.ones(SIDE, SIDE, dtype=torch.uint8)
    mask[3:13, 2:12] = 0
    return learner, a_batch(), mask


def test_one_pass_or_two_are_the_same_without_batch_statistics() -> None:
    learner, batch, mask = parts(loss_form="la")
    at_once = learner.self_training(batch.labelled, batch.unlabelled, mask, 0.5)
    learner._bcp = dataclasses.replace(learner._bcp, fused=False)
    torch.testing.assert_close(at_once.total, learner.self_training(batch.labelled, batch.unlabelled, mask, 0.5).total)


@pytest.mark.parametrize("form", ["auto", "la", "acdc"])
def test_pasted_parts_carry_their_own_labels(form: str) -> None:
    """A label counts where its voxels are shown, and nowhere else."""
    learner, batch, mask = parts(loss_form=form)
    labels = batch.labelled.labels
    whole = learner.self_training(batch.labelled, batch.unlabelled, mask, 0.5).total
    hidden = labels.clone()
    hidden[:2, mask == 0] = 1  # group a lends its outside
    hidden[2:, mask == 1] = 1  # group b its box
    same = learner.self_training(Patches(batch.labelled.images, hidden), batch.unlabelled, mask, 0.5).total
    assert torch.equal(whole, same)
    for part, where in ((labels[:2], mask == 1), (labels[2:], mask == 0)):
        changed = labels.clone()
        changed[part.storage_offset() // labels[0].numel() :][:2][:, where] = 1
        other = learner.self_training(Patches(batch.labelled.images, changed), batch.unlabelled, mask, 0.5).total
        assert not torch.equal(whole, other)


@pytest.mark.parametrize("form", ["auto", "la", "acdc"])
def test_without_weight_unlabelled_scans_teach_nothing_but_context(form: str) -> None:
    learner, batch, mask = parts(loss_form=form)
    learner.average.decoder.head.bias.data += torch.tensor([9.0, 0.0, 0.0])  # another opinion
    with_guesses = learner.self_training(batch.labelled, batch.unlabelled, mask, 0.0).total
    learner.average.decoder.head.bias.data -= torch.tensor([18.0, 0.0, 0.0])
    assert torch.equal(with_guesses, learner.self_training(batch.labelled, batch.unlabelled, mask, 0.0).total)


def test_unlabelled_weight_ramps_up() -> None:
    options = options_for("bcp", ramp_up=0.5)
    learner, phase = fresh("bcp", options, INSTANCE), phase_of("bcp", options, SELF_TRAINING)
    terms = [learner.losses(a_batch(), a_step(phase, 0, done)).terms["unlabelled"] for done in (0.0, 0.25, 0.5, 1.0)]
    assert terms[0] < terms[1] < terms[2]
    assert terms[2] == terms[3]


def test_both_kinds_of_scan_fill_one_batch_together() -> None:
    phase = phase_of("bcp", options_for("bcp"), SELF_TRAINING)
    assert (phase.labelled, phase.unlabelled) == (2, 2)
    single = method_info("bcp").load().phases(options_for("bcp"), dataclasses.replace(plan_for(2, (16, 16)), batch=1))
    assert (single[1].labelled, single[1].unlabelled) == (1, 1)
    for mixing in (0.0, 1.0):  # with one patch of each kind as well, side by side and pasted into each other
        learner = fresh("bcp", options_for("bcp", mixing=mixing), INSTANCE)
        shown: list[int] = []
        learner.student.register_forward_pre_hook(lambda module, args, shown=shown: shown.append(len(args[0])))
        losses = learner.losses(a_batch(count=1), a_step(single[1]))
        assert shown == [2]
        assert losses.terms["labelled"] > 0
        assert losses.terms["unlabelled"] > 0


@pytest.mark.parametrize(
    ("method", "phase", "begin", "end"),
    [
        ("supervised", "labels", 0.0, 1.0),
        ("bcp", LABELS_FIRST, 0.0, 0.5),
        ("bcp", SELF_TRAINING, 0.5, 1.0),
        ("cdma", LABELS_FIRST, 0.0, 0.7),
    ],
)
def test_labels_meet_other_grey_values_more_and_more(method: str, phase: str, begin: float, end: float) -> None:
    settings = {"mixing": 0.0, "mixing_first": 0.0} if method == "bcp" else {}
    options = options_for(method, remap=1.0, **settings)
    learner = fresh(method, options, INSTANCE)
    seen: list[torch.Tensor] = []
    (learner.student.encoder if method == "cdma" else learner.student).register_forward_pre_hook(
        lambda module, args: seen.append(args[0])
    )
    batch = a_batch(count=40, unlabelled=phase == SELF_TRAINING)
    for done in (0.0, 0.5, 1.0):
        learner.losses(batch, a_step(phase_of(method, options, phase), 0, done))
    for images, share in zip(seen, (begin, (begin + end) / 2, end), strict=True):
        changed = int((images[:40] != batch.labelled.images).flatten(1).any(1).sum())
        assert changed == 40 * share if share in (0.0, 1.0) else abs(changed - 40 * share) <= 12


def test_teacher_sees_grey_values_as_they_are_and_the_student_others() -> None:
    learner = fresh("bcp", options_for("bcp", mixing=0.0, jitter=0.0, remap=1.0), INSTANCE)
    seen: dict[str, torch.Tensor] = {}
    learner.average.register_forward_pre_hook(lambda module, args: seen.update(teacher=args[0]))
    learner.student.register_forward_pre_hook(lambda module, args: seen.update(student=args[0]))
    batch = a_batch(count=2)
    learner.losses(batch, a_step(phase_of("bcp", options_for("bcp"), SELF_TRAINING)))
    assert torch.equal(seen["teacher"], batch.unlabelled.images)
    assert not torch.allclose(seen["student"][2:], batch.unlabelled.images, atol=0.1)


def test_rare_structures_weigh_no_more_once_the_teacher_speaks() -> None:
    def loss(phase: str, balance: float) -> float:
        options = options_for("bcp", mixing=0.0, mixing_first=0.0, jitter=0.0, remap=0.0, balance=balance)
        learner = fresh("bcp", options, INSTANCE)
        return float(learner.losses(a_batch(), a_step(phase_of("bcp", options, phase), 0, 0.0)).total)

    assert loss(LABELS_FIRST, 1.0) != pytest.approx(loss(LABELS_FIRST, 0.0), rel=1e-3)
    assert loss(SELF_TRAINING, 1.0) == pytest.approx(loss(SELF_TRAINING, 0.0))


def test_teacher_that_knows_nothing_for_sure_teaches_nothing() -> None:
    learner, batch, mask = parts(confidence=0.999)
    assert float(learner.self_training(batch.labelled, batch.unlabelled, mask, 0.5).terms["unlabelled"]) == 0.0


def test_teacher_looks_on_in_the_mode_asked_for() -> None:
    seen = []
    for mode in ("eval", "train"):
        learner = fresh("bcp", options_for("bcp", teacher_mode=mode, mixing=1.0))
        learner.average.register_forward_pre_hook(lambda module, args: seen.append((module.training, len(args[0]))))
        learner.train()
        learner.losses(a_batch(), a_step(phase_of("bcp", options_for("bcp"), SELF_TRAINING)))
    assert seen == [(False, 4), (True, 2), (True, 2)]  # batch statistics are of each group alone


def test_labels_first_in_the_forms_of_the_paper() -> None:
    for form, size in (("la", 1.0), ("acdc", 2.0)):
        learner, batch, mask = parts(loss_form=form)
        images, labels = batch.labelled.images, batch.labelled.labels
        got = learner.labels_first(batch.labelled, mask).total
        mixed = torch.where(mask == 1, images[:2], images[2:])
        target = torch.where(mask == 1, labels[:2], labels[2:])
        logits = learner.student(mixed)
        regions = [Region(target)] if form == "la" else [Region(target, mask), Region(target, 1 - mask)]
        torch.testing.assert_close(got, 0.5 * sum(region_losses(logits, regions, form)))  # type: ignore[arg-type]
        assert float(got.detach()) == pytest.approx(size, rel=0.5)  # ACDC's is about twice as large


@pytest.mark.parametrize("method", SEGMENTING)
def test_unseen_voxels_do_not_teach(method: str) -> None:
    options = options_for(method)
    learner, batch = fresh(method, options, INSTANCE), a_batch(unlabelled=False)
    labels = torch.full_like(batch.labelled.labels, IGNORE)
    losses = learner.losses(Batch(Patches(batch.labelled.images, labels)), a_step(phase_of(method, options)))
    losses.total.backward()
    assert float(losses.total.detach()) == pytest.approx(0.0, abs=1e-6)
    assert all(p.grad is None or not p.grad.any() for p in learner.student.parameters())


def test_statistics_are_averaged_or_left_alone() -> None:
    for buffers in (True, False):
        options = options_for("bcp", ema_buffers=buffers, deploy="student")
        learner = fresh("bcp", options)
        before = learner.average.encoder.stages[0][1].running_mean.clone()
        phase = phase_of("bcp", options)
        train(learner, phase, range(2), make_optimiser(learner, phase))
        assert torch.equal(before, learner.average.encoder.stages[0][1].running_mean) is not buffers


@pytest.mark.parametrize("cls", [Options, SupervisedOptions, BCPOptions])
def test_options_say_what_they_are(cls: type[Options]) -> None:
    for field in dataclasses.fields(cls):
        meta = field.metadata
        assert meta["title"], field.name
        assert meta["help"].endswith("."), field.name
        default = field.default
        if isinstance(default, str):
            assert default in meta["choices"], field.name
        elif not isinstance(default, bool):
            assert meta["low"] is None or meta["low"] <= default
            assert meta["high"] is None or default <= meta["high"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("steps", True),
        ("loss_form", "la2"),
        ("ema", 2.0),
        ("fused", 1),
        ("confidence", "high"),
        ("confidance", 0.5),
    ],
)
def test_wrong_settings_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(SpecError, match=name):
        options_for("bcp", **{name: value})


def test_average_of_learners_counts_its_updates() -> None:
    learner: AveragedLearner = fresh("supervised", options_for("supervised"))
    phase = phase_of("supervised", options_for("supervised"))
    learner.after_step(a_step(phase))
    learner.after_step(a_step(phase))
    other = fresh("supervised", options_for("supervised"))
    other.load_state_dict(learner.state_dict())
    assert other._updates == 2
