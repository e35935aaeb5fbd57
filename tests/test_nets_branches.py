"""Several decoders on one encoder: one pass of it, weights that go from one network to another."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from napari_medssl.errors import SpecError
from napari_medssl.inference.predictor import Predictor, View
from napari_medssl.nets.attention import ATTENTIONS, make_attention
from napari_medssl.nets.branches import disturb, fitting
from napari_medssl.nets.build import build_net
from napari_medssl.nets.mtnet import STRIDES
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan

ONE = {
    "unet-2d": NetSpec("unet", 2, 3, 3, (4, 8, 8), ((1, 1), (2, 2), (2, 2))),
    "unet-3d": NetSpec("unet", 3, 1, 4, (4, 8), ((1, 1, 1), (2, 2, 2))),
    "unet-3d-folded": NetSpec("unet", 3, 1, 4, (8, 8), ((2, 2, 2), (2, 2, 2))),
    "mtnet": NetSpec("mtnet", 2, 3, 3, (4, 16, 32, 64, 128), STRIDES),
    "vnet": NetSpec("vnet", 3, 1, 3, (4, 8, 12, 16, 20), ((1, 1, 1), *((2, 2, 2),) * 4)),
    "bcp-unet2d": NetSpec("bcp-unet2d", 2, 1, 3, (4, 8, 12, 16, 20), ((1, 1), *((2, 2),) * 4)),
    "desd-resnet": NetSpec("desd-resnet", 2, 1, 3, (4, 16, 32, 64, 128), ((2, 2),) * 5),
    "pcrl-unet3d": NetSpec("pcrl-unet3d", 3, 1, 3, (4, 8, 12), ((1, 1, 1), (2, 2, 2), (2, 2, 2))),
    "pcrl-resnet18": NetSpec("pcrl-resnet18", 2, 1, 3, (4, 4, 8, 16, 32), ((2, 2),) * 5),
}
THREE = {name: dataclasses.replace(spec, branches=ATTENTIONS) for name, spec in ONE.items()}


def an_image(spec: NetSpec, side: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(2, spec.in_channels, *(side,) * spec.ndim, generator=generator)


def fresh(spec: NetSpec, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return build_net(spec).eval()


@pytest.mark.parametrize("spec", THREE.values(), ids=THREE)
def test_every_branch_sees_the_same_features_once(spec: NetSpec) -> None:
    net, x = fresh(spec), an_image(spec)
    passes = []
    net.encoder.register_forward_hook(lambda *_: passes.append(1))
    opinions = net.branch_logits(x)
    assert len(passes) == 1
    assert [z.shape for z in opinions] == [(2, spec.classes, *x.shape[2:])] * 3
    assert torch.equal(net(x), opinions[0])
    assert not torch.allclose(opinions[0], opinions[1])


@pytest.mark.parametrize("spec", THREE.values(), ids=THREE)
def test_every_weight_learns(spec: NetSpec) -> None:
    net = fresh(spec).train()
    sum(z.square().mean() for z in net.branch_logits(an_image(spec))).backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None]


@pytest.mark.parametrize("spec", THREE.values(), ids=THREE)
def test_noise_is_for_the_others(spec: NetSpec) -> None:
    net, x = fresh(spec), an_image(spec)
    calm, shaken = net.branch_logits(x), net.branch_logits(x, 0.3)
    assert [torch.equal(a, b) for a, b in zip(calm, shaken, strict=True)] == [True, False, False]


def test_noise_is_multiplicative_bounded_and_the_same_for_all_images() -> None:
    factors = disturb(torch.full((3, 4, 9, 9), 2.0), 0.3) / 2
    assert 0.7 <= float(factors.min()) < 0.75
    assert 1.25 < float(factors.max()) <= 1.3
    assert torch.equal(factors[0], factors[2])
    assert float((disturb(torch.zeros(2, 4, 3, 3), 0.3)).abs().max()) == 0


def test_branches_that_cannot_be_are_refused() -> None:
    with pytest.raises(SpecError, match="no attention 'self'"):
        build_net(dataclasses.replace(ONE["unet-2d"], branches=("self",)))
    with pytest.raises(SpecError, match="mtnet is 2-D"):
        build_net(dataclasses.replace(ONE["mtnet"], widths=(4, 8, 16, 32, 64)))


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("kind", ATTENTIONS)
def test_attention_only_ever_weakens(kind: str, ndim: int) -> None:
    x = torch.randn(2, 6, *(8,) * ndim)
    factors = make_attention(kind, 6, ndim, ratio=2, kernel=3)(x).detach() / x
    assert float(factors.min()) > 0
    assert float(factors.max()) < 1
    # channels' gates do not know places, places' gates do not know channels
    per_channel, per_place = factors.flatten(2).std(2).max(), factors.std(1).max()
    assert (float(per_channel) < 1e-5) is (kind == "ca")
    assert (float(per_place) < 1e-5) is (kind == "sa")


class TestFitting:
    @pytest.mark.parametrize("name", ONE)
    def test_one_decoder_starts_all_branches(self, name: str) -> None:
        one, three = fresh(ONE[name]), fresh(THREE[name], 1)
        fits, left = fitting(three.state_dict(), one.state_dict())
        three.load_state_dict(fits, strict=False)
        x = an_image(ONE[name])
        for a, b in zip(one.encoder(x), three.encoder(x), strict=True):
            assert torch.equal(a, b)
        for decoder in three.decoders.values():
            assert torch.equal(decoder.head.weight, one.decoder.head.weight)
        # what is left is attention: the plain U-Net has none, MTNet's is of one kind
        assert all("gates" in n or "attention" in n for n in left)
        assert left

    @pytest.mark.parametrize("name", ONE)
    def test_the_first_branch_starts_one_decoder(self, name: str) -> None:
        one, three = fresh(ONE[name]), fresh(THREE[name], 1)
        # files keep tensors in alphabetical order
        state = dict(sorted(three.state_dict().items()))
        fits, left = fitting(one.state_dict(), state)
        assert fits.keys() == one.state_dict().keys()
        assert all(n.startswith(("decoders.csa.gates", "gates.")) for n in left)
        one.load_state_dict(fits)
        if name == "mtnet":
            x = an_image(ONE[name])
            assert torch.equal(one(x), three(x))

    def test_other_classes_leave_the_heads(self) -> None:
        three = fresh(dataclasses.replace(THREE["unet-3d"], classes=2))
        fits, left = fitting(three.state_dict(), fresh(THREE["unet-3d"]).state_dict())
        assert left == sorted(f"decoders.{b}.head.{p}" for b in ATTENTIONS for p in ("bias", "weight"))
        assert len(fits) == len(three.state_dict()) - len(left)

    def test_an_encoder_alone(self) -> None:
        encoder = {n: v for n, v in fresh(ONE["unet-2d"]).state_dict().items() if n.startswith("encoder.")}
        three = fresh(THREE["unet-2d"])
        fits, left = fitting(three.state_dict(), {**encoder, "projector.weight": torch.zeros(2)})
        assert fits.keys() == encoder.keys()
        assert "projector.weight" in left


def make_plan(net: NetSpec, patch: int = 16) -> Plan:
    axis = 0 if net.ndim == 2 else None
    return Plan(net, (1.0,) * 3, (patch,) * net.ndim, 1, slice_axis=axis)


@pytest.mark.parametrize("name", ["unet-2d", "unet-3d"])
def test_all_branches_are_asked_in_one_pass(name: str) -> None:
    spec, net = THREE[name], fresh(THREE[name])
    image = np.random.default_rng(0).normal(0, 1, (spec.in_channels, 5, 16, 12)).astype(np.float16)
    predictor = Predictor([net], make_plan(spec))
    passes = []
    predictor._members[0].encoder.register_forward_hook(lambda *_: passes.append(1))
    ((where, found),) = predictor.parts(image, [View(every=True), View(flip=2)])
    assert len(passes) == 2  # one for the branches, one for the mirrored view
    assert where == tuple(slice(0, n) for n in (5, 16, 12))
    assert len(found) == 4
    torch.testing.assert_close(found[0], predictor.probabilities(image))
    torch.testing.assert_close(found[3], predictor.probabilities(image, flip=2))
    assert not torch.allclose(found[0], found[1])
    ((_, (alone,)),) = Predictor([fresh(ONE[name])], make_plan(ONE[name])).parts(image, [View(every=True)])
    assert alone.shape == found[0].shape


def test_frozen_statistics_stay_as_they_are() -> None:
    spec = dataclasses.replace(THREE["mtnet"], norm="frozen")
    net = fresh(spec).train()
    before = {n: v.clone() for n, v in net.named_buffers()}
    net.branch_logits(an_image(spec))
    assert all(torch.equal(v, before[n]) for n, v in net.named_buffers())
    assert any(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    assert all(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("name", THREE)
def test_the_gates_of_a_branch_are_those_that_its_features_pass(name: str) -> None:
    """Shut, they change what their branch says and nothing that another says."""
    net, image = fresh(THREE[name]).eval(), an_image(THREE[name])
    with torch.no_grad():
        before = net.branch_logits(image)
        kinds = [[type(gate).__name__ for gate in net.gates_of(branch)] for branch in net.branches]
        count = len(kinds[1])
        assert count
        assert kinds[0] == ["ChannelAttention", "SpatialAttention"] * count
        assert kinds[1:] == [["SpatialAttention"] * count, ["ChannelAttention"] * count]
        for index, branch in enumerate(net.branches):
            gains = [(gate, gate.gain) for gate in net.gates_of(branch)]
            for gate, _ in gains:
                gate.gain = 0.0
            changed = [not torch.equal(a, b) for a, b in zip(before, net.branch_logits(image), strict=True)]
            assert changed == [other == index for other in range(3)]
            for gate, gain in gains:
                gate.gain = gain
