"""CDMA's learner: what each part of its loss teaches, when, and at which rate."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import plan_for
from test_methods_learners import INSTANCE, NETS, SIDE, a_batch, a_step, equal_state, fresh, options_for, train

from napari_medssl.methods.base import IGNORE, Batch, Patches, Phase
from napari_medssl.methods.catalog import method_info
from napari_medssl.methods.cdma import CDMA, DISTILLATION, LABELS_FIRST, CDMALearner
from napari_medssl.methods.cdma_options import CDMAOptions, cdma_net
from napari_medssl.methods.cdma_paper import cdma_paper
from napari_medssl.methods.distillation import cross_distillation, distillation, uncertainty
from napari_medssl.methods.options import resolve_options
from napari_medssl.methods.schedules import learning_rate
from napari_medssl.nets.attention import ATTENTIONS, Gate
from napari_medssl.nets.mtnet import STRIDES
from napari_medssl.nets.spec import NetSpec
from napari_medssl.training.optimisers import make_optimiser, set_learning_rate

TINY_MTNET = NetSpec("mtnet", 2, 1, 3, (4, 16, 32, 64, 128), STRIDES, dropout=0.5)


def learner_of(net: NetSpec = INSTANCE, **settings: Any) -> CDMALearner:
    return fresh("cdma", options_for("cdma", **settings), net)


def phases_of(**settings: Any) -> list[Phase]:
    return CDMA().phases(options_for("cdma", **settings), plan_for(4, (SIDE, SIDE)))


def paper_learner(net: NetSpec = TINY_MTNET, **more: Any) -> CDMALearner:
    info = method_info("cdma")
    names = {f.name for f in dataclasses.fields(info.options)}
    options = resolve_options(info.options, {k: v for k, v in cdma_paper(2).items() if k in names} | more)
    torch.manual_seed(0)
    return CDMALearner(options, net)


@pytest.mark.parametrize("ndim", [2, 3])
def test_loss_falls(ndim: int) -> None:
    learner, phase = learner_of(NETS[ndim], ramp_up=0.0), phases_of()[1]
    totals = []
    optimiser = make_optimiser(learner, phase)
    for index in range(25):
        losses = learner.losses(a_batch(ndim, seed=index), a_step(phase, index))
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
        totals.append(float(losses.total.detach()))
    assert np.mean(totals[-5:]) < 0.85 * np.mean(totals[:5])


def test_paper_network_learns() -> None:
    """From nothing, batch statistics and all, at rates of a run and not of a fine-tuning."""
    learner = paper_learner(learning_rate=0.02)
    phase = CDMA().phases(learner._cdma, plan_for(4, (SIDE, SIDE)))[1]
    totals = train(learner, phase, range(30), make_optimiser(learner, phase))
    assert np.mean(totals[-5:]) < 0.9 * np.mean(totals[:5])


def test_three_opinions_of_one_network() -> None:
    learner = learner_of()
    assert learner.members() == [learner.average]
    assert learner.average.branches == ATTENTIONS
    learner = learner_of(deploy="student")
    assert learner.members() == [learner.student]
    assert not list(learner.average.parameters())  # nobody would look at it
    learner.after_step(a_step(phases_of()[0]))
    learner.initialise_from(learner_of().student.state_dict())


def test_labels_teach_every_branch_the_same_way() -> None:
    learner = learner_of()
    labels = a_batch().labelled.labels
    logits = [torch.randn(4, 3, SIDE, SIDE) for _ in range(3)]
    alone = [float(learner.objective([z] * 3, labels, 0.0, 0.0).total) for z in logits]
    assert float(learner.objective(logits, labels, 0.0, 0.0).total) == pytest.approx(np.mean(alone), rel=1e-5)


def test_unlabelled_images_teach_agreement_and_certainty_only() -> None:
    learner = learner_of()
    labels = a_batch(count=2).labelled.labels
    logits = [torch.randn(5, 3, SIDE, SIDE) for _ in range(3)]
    other = [torch.cat((z[:2], torch.randn(3, 3, SIDE, SIDE))) for z in logits]
    one, two = learner.objective(logits, labels, 1.0, 0.0), learner.objective(other, labels, 1.0, 0.0)
    assert float(one.terms["labelled"]) == pytest.approx(float(two.terms["labelled"]))
    assert float(one.terms["unlabelled"]) != pytest.approx(float(two.terms["unlabelled"]))
    mean = torch.stack([z.softmax(dim=1) for z in logits]).mean(dim=0)
    wanted = 0.1 * (cross_distillation(logits) + uncertainty(mean))
    torch.testing.assert_close(one.terms["unlabelled"], wanted)
    torch.testing.assert_close(one.total, one.terms["labelled"] + wanted)


def test_branches_that_agree_and_are_sure_have_nothing_to_learn() -> None:
    sure = 60.0 * torch.nn.functional.one_hot(torch.randint(0, 3, (2, 8, 8)), 3).movedim(-1, 1).float()
    assert float(cross_distillation([sure] * 3)) == 0
    assert float(uncertainty(sure.softmax(dim=1))) == pytest.approx(0, abs=1e-5)
    assert float(uncertainty(torch.full((2, 3, 8, 8), 1 / 3))) == pytest.approx(1, abs=1e-5)


def test_teachers_do_not_learn_from_their_pupils() -> None:
    student, teacher = (torch.randn(2, 3, 4, 4, requires_grad=True) for _ in range(2))
    distillation(student, teacher).backward()
    assert student.grad is not None
    assert teacher.grad is None
    # in both directions, each learns what it would learn alone
    a, b = (t.detach().clone().requires_grad_() for t in (student, teacher))
    (cross_distillation([a, b]) * 2).backward()
    torch.testing.assert_close(a.grad, student.grad)


def test_agreement_comes_after_labels() -> None:
    learner = learner_of(ramp_up=0.5, remap=0.0)
    first, second = phases_of(ramp_up=0.5)
    assert (first.name, first.labelled, first.unlabelled) == (LABELS_FIRST, 4, 0)
    assert (second.name, second.labelled, second.unlabelled) == (DISTILLATION, 2, 2)
    assert {(p.labelled, p.unlabelled) for p in phases_of(loss_form="cdma")} == {(4, 0), (4, 4)}
    only = learner.losses(Batch(a_batch().labelled), a_step(first))
    assert "unlabelled" not in only.terms
    terms = [learner.losses(a_batch(), a_step(second, 0, p)).terms["unlabelled"] for p in (0.0, 0.25, 0.5, 1.0)]
    assert terms[0] < terms[1] < terms[2]
    assert terms[2] == terms[3]
    hard = learner_of(ramp_up=0.0, remap=0.0)
    assert hard.losses(a_batch(), a_step(second, 0, 0.0)).terms["unlabelled"] == terms[3]
    assert [p.name for p in phases_of(warmup_share=0.0)] == [DISTILLATION]


def test_unseen_voxels_of_labelled_images_still_teach_agreement() -> None:
    learner, batch = learner_of(ramp_up=0.0), a_batch()
    hidden = Patches(batch.labelled.images, torch.full_like(batch.labelled.labels, IGNORE))
    losses = learner.losses(Batch(hidden, batch.unlabelled), a_step(phases_of()[1]))
    assert float(losses.terms["labelled"]) == pytest.approx(0, abs=1e-6)
    assert float(losses.terms["unlabelled"]) > 0
    torch.testing.assert_close(losses.total.detach(), losses.terms["unlabelled"])


def test_noise_changes_what_the_other_branches_see() -> None:
    """Same draws, other noise: other losses."""
    found = []
    for noise in (0.0, 0.3, 0.3):
        learner = learner_of(feature_noise=noise, ramp_up=0.0)
        found.append(float(learner.losses(a_batch(), a_step(phases_of()[1])).total.detach()))
    assert found[0] != found[1]
    assert found[1] == found[2]


def test_rates_of_the_paper() -> None:
    learner = paper_learner()
    first, second = CDMA().phases(learner._cdma, plan_for(8, (SIDE, SIDE)))
    optimiser = make_optimiser(learner, second)
    assert (first.share, second.share, first.steps, second.steps) == (0.1, 0.9, 1500, 13_500)
    assert second.optimiser.keep_state
    for phase, epoch, base in (
        (first, 0, 1e-3),
        (first, 14, 1e-3),
        (second, 15, 1e-3),
        (second, 36, 1e-3),
        (second, 37, 1e-4),
        (second, 74, 1e-4),
        (second, 75, 1e-5),
        (second, 112, 1e-6),
        (second, 149, 1e-6),
    ):
        begin, length = (0, 15) if phase is first else (15, 135)
        done = 100 * (epoch - begin) / (100 * length)  # as steps say
        assert learning_rate(phase.optimiser.schedule, phase.optimiser.lr, 0, done) == pytest.approx(base)
        set_learning_rate(optimiser, phase, 0, done)
        assert [g["lr"] for g in optimiser.param_groups] == pytest.approx([base, 2 * base, 10 * base, 20 * base])
    assert {g["weight_decay"] for g in optimiser.param_groups} == {5e-4}


def test_gates_learn_more_slowly_than_decoders() -> None:
    options = CDMAOptions(gate_rate=0.1, decoder_rate=1.5)
    learner = CDMA().learner(options, cdma_net(options, plan_for(2, (SIDE, SIDE)).net))
    gates = {id(p) for m in learner.modules() if isinstance(m, Gate) for p in m.parameters()}
    rates = {id(p): group.lr_scale for group in learner.parameter_groups() for p in group.parameters}
    student = dict(learner.student.named_parameters())
    assert gates & rates.keys()
    for name, p in student.items():
        expected = 1.0 if name.startswith("encoder.") else 0.15 if id(p) in gates else 1.5
        assert rates[id(p)] == pytest.approx(expected), name
    assert len(rates) == len(student) == sum(len(group.parameters) for group in learner.parameter_groups())


def test_drops_fall_where_they_do_whatever_the_first_phase_is() -> None:
    for share in (0.0, 0.3, 0.6):
        found = []
        phases, begin = phases_of(schedule="drops", warmup_share=share), 0.0
        for phase in phases:
            for done in np.linspace(0, 1, 200, endpoint=False):
                found.append((begin + phase.share * done, learning_rate(phase.optimiser.schedule, 1.0, 0, done)))
            begin += phase.share
        for where, rate in found:
            assert rate == pytest.approx(0.1 ** sum(where >= e / 150 - 1e-6 for e in (37, 75, 112)))


@pytest.mark.parametrize("other", ["supervised", "bcp"])
def test_other_methods_begin_with_it_and_it_with_them(other: str) -> None:
    learner, before = learner_of(), fresh(other, options_for(other), INSTANCE)
    left = learner.initialise_from(before.student.state_dict())
    assert left == sorted(n for n in learner.student.state_dict() if "gates" in n)
    assert equal_state(learner.student.encoder, before.student.encoder)
    assert equal_state(learner.average, learner.student)
    assert torch.equal(learner.student.decoders["ca"].head.weight, before.student.decoder.head.weight)
    torch.manual_seed(7)
    later = method_info(other).load().learner(options_for(other), INSTANCE)
    left = later.initialise_from(learner.members()[0].state_dict())
    assert all(n.startswith("decoders.csa.gates") for n in left)
    assert equal_state(later.student.encoder, learner.student.encoder)
    assert torch.equal(later.average.decoder.head.weight, learner.student.decoders["csa"].head.weight)


def test_its_network_has_branches_and_the_others_have_none() -> None:
    net = method_info("cdma").net(options_for("cdma", third_norm=True), TINY_MTNET)
    assert (net.branches, net.third_norm) == (ATTENTIONS, True)
    for other in ("supervised", "bcp"):
        assert method_info(other).net(options_for(other), net).branches == ()
