"""Residual encoders: published sizes, pyramid, norms."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import nn

from napari_medssl.nets.blocks import make_norm
from napari_medssl.nets.fuse import fuse_batchnorm
from napari_medssl.nets.resnet import ResNetEncoder, ResNetSpec, kaiming_fan_out, torchvision_spec

ANISOTROPIC = ResNetSpec(
    ndim=3,
    in_channels=1,
    block="bottleneck",
    counts=(1, 1, 1, 1),
    width=4,
    stem_stride=(1, 2, 2),
    pool_stride=(2, 2, 2),
    strides=((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2)),
    norm="instance",
    activation="leaky",
    project_first=True,
)
SPECS = {
    "3d-bottleneck": ANISOTROPIC,
    "3d-basic": dataclasses.replace(ANISOTROPIC, block="basic", norm="group"),
    "2d-basic": torchvision_spec(2, 3, "basic", (2, 1, 1, 1), width=4),
    "2d-output-stride-16": torchvision_spec(2, 3, "bottleneck", (1, 2, 1, 1), width=4, last_stride=1, norm="frozen"),
}


def parameters(spec: ResNetSpec) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in ResNetEncoder(spec).parameters())


def test_published_sizes() -> None:
    full = dataclasses.replace(ANISOTROPIC, counts=(3, 4, 6, 3), width=64)
    assert parameters(full) == 46_155_072
    assert parameters(dataclasses.replace(full, block="basic", counts=(1, 1, 1, 1))) == 14_359_744
    assert parameters(torchvision_spec(2, 3, "basic", (2, 2, 2, 2))) == 11_176_512
    assert parameters(torchvision_spec(2, 3, "bottleneck", (3, 4, 6, 3))) == 23_508_032


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_pyramid_is_as_announced(spec: ResNetSpec) -> None:
    encoder = ResNetEncoder(spec)
    size = [32, 64, 64][-spec.ndim :]
    pyramid = encoder(torch.randn(2, spec.in_channels, *size))
    assert len(pyramid) == len(encoder.widths) == len(encoder.strides)
    for features, width, stride in zip(pyramid, encoder.widths, encoder.strides, strict=True):
        size = [n // s for n, s in zip(size, stride, strict=True)]
        assert features.shape == (2, width, *size)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_parameter_learns(spec: ResNetSpec) -> None:
    encoder = ResNetEncoder(spec)
    sum(f.square().mean() for f in encoder(torch.randn(2, spec.in_channels, *(64,) * spec.ndim))).backward()
    assert not [name for name, p in encoder.named_parameters() if p.grad is None]


def test_shortcuts_are_projected_where_the_shape_changes() -> None:
    def projected(spec: ResNetSpec) -> list[list[bool]]:
        return [[isinstance(b.shortcut, nn.Sequential) for b in s] for s in ResNetEncoder(spec).stages]

    assert projected(SPECS["2d-basic"]) == [[False, False], [True], [True], [True]]
    assert projected(SPECS["3d-basic"]) == [[True], [True], [True], [True]]
    assert projected(SPECS["2d-output-stride-16"]) == [[True], [True, False], [True], [True]]


@pytest.mark.parametrize("ndim", [2, 3])
def test_frozen_statistics_stay_and_are_used(ndim: int) -> None:
    norm = make_norm("frozen", 2, ndim).train()
    norm.running_mean.fill_(3.0)
    before = copy.deepcopy(norm.state_dict())
    x = torch.randn(4, 2, *(5,) * ndim)
    torch.testing.assert_close(norm(x), (x - 3) / (1 + norm.eps) ** 0.5)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    assert all(p.requires_grad for p in norm.parameters())


def test_folded_gives_the_same() -> None:
    encoder = ResNetEncoder(SPECS["2d-output-stride-16"])
    with torch.no_grad():
        for name, value in encoder.named_buffers():
            if value.is_floating_point():
                value.add_(torch.rand(value.shape) if "var" in name else 0.1 * torch.randn(value.shape))
    x = torch.randn(2, 3, 32, 32)
    folded = fuse_batchnorm(encoder)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    for ours, theirs in zip(folded(x), encoder(x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)  # float32: two roundings more per layer


def test_fan_out_initialisation() -> None:
    encoder = ResNetEncoder(SPECS["2d-basic"])
    kaiming_fan_out(encoder)
    weight = encoder.stages[3][0].units[0].weight  # 32 outputs of 3 x 3
    assert float(weight.detach().std()) == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.1)
