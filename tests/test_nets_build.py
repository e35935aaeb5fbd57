"""Networks: shapes, kernels, sizes as published, folding, averaging."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from napari_medssl.errors import SpecError
from napari_medssl.nets.build import build_encoder, build_net
from napari_medssl.nets.ema import update_ema, warmed_decay
from napari_medssl.nets.fuse import fuse_batchnorm
from napari_medssl.nets.spec import NetSpec
from napari_medssl.nets.unet import Encoder, kernels

HALVING_3D = ((1, 1, 1), *((2, 2, 2),) * 4)
HALVING_2D = ((1, 1), *((2, 2),) * 4)
PUBLISHED = (16, 32, 64, 128, 256)

SPECS = {
    "unet-3d": NetSpec("unet", 3, 2, 4, (4, 6, 8), ((1, 1, 1), (2, 2, 2), (2, 2, 2)), dropout=0.3),
    "unet-3d-anisotropic": NetSpec("unet", 3, 1, 2, (4, 6, 8, 8), ((1, 1, 1), (2, 2, 1), (2, 2, 1), (2, 2, 2))),
    "unet-3d-folded": NetSpec("unet", 3, 2, 4, (6, 8, 8), ((1, 2, 2), (2, 2, 2), (2, 1, 2))),
    "unet-2d": NetSpec("unet", 2, 3, 2, (4, 6, 8), ((1, 1), (2, 2), (2, 1))),
    "unet-2d-instance": NetSpec("unet", 2, 1, 3, (4, 6), ((1, 1), (2, 2)), norm="instance"),
    "vnet": NetSpec("vnet", 3, 1, 2, (2, 4, 6, 8, 10), HALVING_3D, dropout=0.5),
    "vnet-instance": NetSpec("vnet", 3, 2, 3, (2, 4, 6, 8, 10), HALVING_3D, norm="instance"),
    "mtnet": NetSpec("mtnet", 2, 3, 2, (4, 16, 32, 64, 128), (*((2, 2),) * 4, (1, 1)), dropout=0.5),
    "mtnet-group": NetSpec("mtnet", 2, 1, 3, (4, 16, 32, 64, 128), (*((2, 2),) * 4, (1, 1)), norm="group"),
    "bcp-unet2d": NetSpec("bcp-unet2d", 2, 1, 4, (2, 4, 6, 8, 10), HALVING_2D, dropout=0.5),
}


def an_input(spec: NetSpec, times: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(2, spec.in_channels, *(times * f for f in spec.factor), generator=generator)


def worn(net: nn.Module) -> nn.Module:
    """Statistics and weights that are not those of a fresh network."""
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for name, value in [*net.named_parameters(), *net.named_buffers()]:
            if value.is_floating_point():
                noise = torch.randn(value.shape, generator=generator)
                value.add_(noise.abs() if "var" in name else 0.1 * noise)
    return net


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_logits_have_the_size_of_the_image(spec: NetSpec) -> None:
    x = an_input(spec, 3)
    assert build_net(spec)(x).shape == (2, spec.classes, *x.shape[2:])


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_size_is_made_to_fit(spec: NetSpec) -> None:
    factor = spec.factor
    assert spec.fit([1] * spec.ndim) == (2 * factor[0], *factor[1:])  # two voxels at the deepest stage
    assert spec.fit([2 * f + 1 for f in factor]) == tuple(3 * f for f in factor)
    assert build_encoder(spec).widths == spec.widths  # heads are hung on it


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_encoder_gives_every_stage(spec: NetSpec) -> None:
    x = an_input(spec)
    size = list(x.shape[2:])
    pyramid = build_net(spec).encoder(x)
    assert len(pyramid) == len(spec.widths)
    for features, width, stride in zip(pyramid, spec.widths, spec.strides, strict=True):
        size = [n // s for n, s in zip(size, stride, strict=True)]
        assert features.shape == (2, width, *size)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_parameter_learns(spec: NetSpec) -> None:
    net = build_net(spec)
    net(an_input(spec)).square().mean().backward()
    without = [name for name, p in net.named_parameters() if p.grad is None]
    assert not without


def test_convolutions_before_a_norm_have_no_bias() -> None:
    encoder = Encoder(SPECS["unet-3d"])
    assert [m.bias for m in encoder.modules() if isinstance(m, nn.Conv3d)] == [None] * 6


@pytest.mark.parametrize(
    ("strides", "wanted"),
    [
        # isotropic: 3 everywhere
        ([(1, 1, 1), (2, 2, 2), (2, 2, 2)], [(3, 3, 3)] * 3),
        # halved one stage later: its voxels were about twice as large, so flat until they are nearly equal
        ([(1, 1, 1), (2, 2, 1), (2, 2, 2)], [(3, 3, 1), (3, 3, 3), (3, 3, 3)]),
        ([(1, 1, 1), (1, 2, 2), (1, 2, 2), (2, 2, 2)], [(1, 3, 3), (1, 3, 3), (3, 3, 3), (3, 3, 3)]),
        # never halved: flat at first, but not all the way
        ([(1, 1, 1), (2, 2, 1), (2, 2, 1), (2, 2, 1), (2, 2, 1)], [(3, 3, 1)] * 2 + [(3, 3, 3)] * 3),
        # nothing is halved
        ([(1, 1), (1, 1)], [(3, 3), (3, 3)]),
        # halved early and not later (a short side): never flat
        ([(1, 1, 1), (2, 2, 2), (2, 2, 1)], [(3, 3, 3)] * 3),
    ],
)
def test_kernels_follow_the_strides(strides: Sequence[tuple[int, ...]], wanted: list[tuple[int, ...]]) -> None:
    assert kernels(strides) == wanted


def test_published_sizes() -> None:
    vnet = build_net(NetSpec("vnet", 3, 1, 2, PUBLISHED, HALVING_3D, dropout=0.5))
    unet = build_net(NetSpec("bcp-unet2d", 2, 1, 4, PUBLISHED, HALVING_2D, dropout=0.5))
    counts = [sum(p.numel() for p in m.parameters()) for m in (vnet.encoder, vnet.decoder, unet.encoder, unet.decoder)]
    assert counts == [7_376_896, 2_071_970, 1_180_464, 633_300]


@pytest.mark.parametrize("name", ["unet-3d", "vnet", "bcp-unet2d"])
def test_dropout_works_in_training_only(name: str) -> None:
    net, x = build_net(SPECS[name]), an_input(SPECS[name])
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


@pytest.mark.parametrize(
    "spec",
    [
        NetSpec("unet", 3, 1, 2, (4, 8), ((1, 1, 1),)),
        NetSpec("unet", 3, 1, 2, (4, 8), ((1, 1), (2, 2))),
        NetSpec("bcp-unet2d", 2, 1, 2, PUBLISHED, ((2, 2),) * 5),
        NetSpec("vnet", 2, 1, 2, PUBLISHED, HALVING_2D),
        NetSpec("vnet", 3, 1, 2, (4, 8), ((1, 1, 1), (2, 2, 2))),
        NetSpec("bcp-unet2d", 3, 1, 2, PUBLISHED, HALVING_3D),
        NetSpec("perceptron", 3, 1, 2, (4,), ((1, 1, 1),)),  # type: ignore[arg-type]
    ],
)
def test_contradictory_specs_are_refused(spec: NetSpec) -> None:
    with pytest.raises(SpecError):
        build_net(spec)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_fused_gives_the_same(spec: NetSpec) -> None:
    net = worn(build_net(spec))
    x, before = an_input(spec), copy.deepcopy(net.state_dict())
    folded = fuse_batchnorm(net)
    assert not any(isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d | nn.Dropout3d) for m in folded.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    # float32: two roundings more per layer
    torch.testing.assert_close(folded(x), net.eval()(x), rtol=1e-4, atol=1e-4)


def test_average_is_matched_by_name_not_by_order() -> None:
    student = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    average = nn.ModuleDict({"b": nn.Linear(2, 2), "a": nn.Linear(2, 2)})
    update_ema(average, student, 0.0, buffers=True)
    assert torch.equal(average["a"].weight, student["a"].weight)
    assert torch.equal(average["b"].weight, student["b"].weight)


def test_average_refuses_another_network() -> None:
    with pytest.raises(KeyError):
        update_ema(nn.ModuleDict({"a": nn.Linear(2, 2)}), nn.ModuleDict({"b": nn.Linear(2, 2)}), 0.9, buffers=False)


def test_buffers_are_averaged_on_demand_and_counters_truncated() -> None:
    student, average = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    student.running_mean.fill_(1.0)
    student.num_batches_tracked.fill_(99)
    update_ema(average, student, 0.9, buffers=False)
    assert float(average.running_mean.sum()) == 0
    update_ema(average, student, 0.9, buffers=True)
    torch.testing.assert_close(average.running_mean, torch.full((2,), 0.1))
    assert int(average.num_batches_tracked) == 9  # 9.9


def test_warm_up_of_the_average_ends_at_its_decay() -> None:
    decays = [warmed_decay(0.99, t) for t in range(2000)]
    assert decays[0] == pytest.approx(0.1)
    assert decays == sorted(decays)
    assert decays[-1] == 0.99
