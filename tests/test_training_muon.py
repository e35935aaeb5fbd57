"""Muon against the singular values it is meant to even out, and against plain momentum where it is not used."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from napari_medssl.training.muon import ITERATIONS, QUINTIC, Muon, even_out, is_kernel

SHAPES = [(16, 8, 3, 3, 3), (8, 16, 3, 3), (12, 2, 1, 1, 1), (24, 24, 1, 1), (32, 8, 2, 2, 2)]


def uneven(shape: tuple[int, ...]) -> Tensor:
    """A gradient in which some directions are a thousand times as strong as others."""
    generator = torch.Generator().manual_seed(0)
    change = torch.randn(shape, generator=generator)
    return change * torch.logspace(0, -3, shape[0]).reshape(-1, *[1] * (len(shape) - 1))


def expected(change: Tensor) -> Tensor:
    """The iteration on each singular value alone, as polynomials of matrices are defined, in double precision."""
    left, values, right = torch.linalg.svd(change.flatten(1).double(), full_matrices=False)
    values = values / values.norm()
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        values = a * values + b * values**3 + c * values**5
    rows, columns = change.flatten(1).shape
    even = (left * values) @ right * max(1.0, rows / columns) ** 0.5
    return even.reshape(change.shape).float()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_becomes_even_as_its_singular_values_say(shape: tuple[int, ...]) -> None:
    change = uneven(shape)
    torch.testing.assert_close(even_out(change), expected(change), rtol=1e-3, atol=2e-4)
    rows, columns = change.flatten(1).shape
    before = torch.linalg.svdvals(change.flatten(1))
    after = torch.linalg.svdvals(even_out(change).flatten(1)) / max(1.0, rows / columns) ** 0.5
    assert after[before > 0.02 * before.norm()].min() > 0.6
    assert after.max() < 1.25


def test_how_large_a_gradient_is_makes_no_difference() -> None:
    change = uneven((16, 8, 3, 3))
    torch.testing.assert_close(even_out(1000 * change), even_out(change), rtol=1e-3, atol=1e-4)


def test_no_gradient_is_no_change() -> None:
    assert torch.equal(even_out(torch.zeros(8, 8, 3, 3)), torch.zeros(8, 8, 3, 3))


def test_the_layout_of_a_kernel_stays() -> None:
    change = uneven((16, 8, 3, 3, 3))
    last = change.contiguous(memory_format=torch.channels_last_3d)
    even = even_out(last)
    assert even.is_contiguous(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(even, even_out(change))


def test_only_kernels_between_features_are_evened_out() -> None:
    assert is_kernel(nn.Conv3d(16, 16, 3).weight)
    assert is_kernel(nn.ConvTranspose2d(16, 8, 2).weight)
    assert not is_kernel(nn.Conv3d(1, 16, 3).weight)
    assert not is_kernel(nn.Conv3d(16, 4, 1).weight)
    assert not is_kernel(nn.BatchNorm2d(16).weight)
    assert not is_kernel(nn.Linear(16, 16).weight)


def test_the_rest_follows_plain_momentum() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.LeakyReLU(), nn.Conv2d(8, 3, 1))
    other = copy.deepcopy(net)
    ours = Muon([{"params": list(net.parameters()), "lr": 0.1, "weight_decay": 0.01}], momentum=0.8)
    plain = torch.optim.SGD(other.parameters(), 0.1, momentum=0.8, weight_decay=0.01, nesterov=True)
    for step in range(3):
        torch.manual_seed(step)
        x = torch.randn(2, 1, 6, 7)
        for model, optimiser in ((net, ours), (other, plain)):
            optimiser.zero_grad()
            model(x).square().mean().backward()
            optimiser.step()
    for got, wanted in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(got, wanted)


def test_a_kernel_moves_along_its_momentum_by_the_rate() -> None:
    first, second = uneven((8, 4, 3, 3)), torch.randn(8, 4, 3, 3)
    weight = nn.Parameter(torch.randn(8, 4, 3, 3))
    at = weight.detach().clone()
    optimiser = Muon([{"params": [weight], "lr": 0.05, "weight_decay": 0.1}], momentum=0.9)
    speed = torch.zeros_like(at)
    for gradient in (first, second):
        weight.grad = gradient.clone()
        optimiser.step()
        speed = 0.9 * speed + gradient
        at = at * (1 - 0.05 * 0.1) - 0.05 * expected(gradient + 0.9 * speed)
    torch.testing.assert_close(weight.detach(), at, rtol=1e-3, atol=1e-4)


def test_weak_directions_are_learnt_as_soon_as_strong_ones() -> None:
    """What it is there for: inputs of very different strength, of which plain momentum learns the strong ones only."""

    def left_to_learn(make: type[Muon] | type[torch.optim.SGD]) -> float:
        torch.manual_seed(0)
        layer, goal = nn.Conv2d(16, 16, 1, bias=False), nn.Conv2d(16, 16, 1, bias=False)
        before = (layer.weight - goal.weight).norm().item()
        x = torch.randn(4, 16, 4, 4) * torch.logspace(0, -2, 16).reshape(1, 16, 1, 1)
        groups = [{"params": list(layer.parameters()), "lr": 0.02, "weight_decay": 0.0}]
        optimiser = make(groups, momentum=0.9)  # type: ignore[arg-type] # SGD wants lists of tensors named so
        for _ in range(60):
            optimiser.zero_grad()
            (layer(x) - goal(x).detach()).square().mean().backward()
            optimiser.step()
        return (layer.weight - goal.weight).norm().item() / before

    assert left_to_learn(Muon) < 0.7 * left_to_learn(torch.optim.SGD)
