"""The optimisers' fast steps do what PyTorch's plain ones do."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from napari_medssl.methods.base import Learner, Optimiser, ParamGroup, Phase
from napari_medssl.methods.catalog import CATALOG
from napari_medssl.training.muon import Muon
from napari_medssl.training.optimisers import make_optimiser

SGD = Optimiser("sgd", lr=0.1, momentum=0.9, weight_decay=0.01)
ADAMW = Optimiser("adamw", lr=0.1, weight_decay=0.01)
PLAIN = {
    "sgd": lambda weights: torch.optim.SGD(weights, 0.1, momentum=0.9, weight_decay=0.01, fused=False),
    "adamw": lambda weights: torch.optim.AdamW(weights, 0.1, weight_decay=0.01, fused=False),
}


class Two(Learner):
    """Two layers, one of which can rest; kernels lie with their channels last, as the engine lays them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)]).to(memory_format=torch.channels_last)

    def parameter_groups(self) -> list[ParamGroup]:
        return [ParamGroup(list(self.parameters()))]


def learn(learner: Two, optimiser: torch.optim.Optimizer, layers: list[int], step: int) -> None:
    torch.manual_seed(step)
    x = torch.randn(2, 3, 5, 6)
    optimiser.zero_grad(set_to_none=True)
    torch.stack([learner.layers[n](x).square().mean() for n in layers]).sum().backward()
    optimiser.step()


@pytest.mark.parametrize("wanted", [SGD, ADAMW], ids=lambda wanted: wanted.kind)
def test_a_layer_may_learn_later_than_others(wanted: Optimiser) -> None:
    torch.manual_seed(0)
    learner = Two()
    other = copy.deepcopy(learner)
    fast = make_optimiser(learner, Phase("a", "A", 1.0, wanted, 1))
    plain: Any = PLAIN[wanted.kind](list(other.parameters()))
    for step, layers in enumerate([[0], [0], [0, 1], [1], [0, 1]]):
        learn(learner, fast, layers, step)
        learn(other, plain, layers, step)
    for got, expected in zip(learner.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("wanted", [SGD, ADAMW], ids=lambda wanted: wanted.kind)
def test_a_state_from_disk_is_laid_out_as_the_weights_are(wanted: Optimiser) -> None:
    """Files know no layout but channels first; the fast step takes weights and momentum as they lie in memory."""
    torch.manual_seed(0)
    learner = Two()
    phase = Phase("a", "A", 1.0, wanted, 1)
    straight = make_optimiser(learner, phase)
    learn(learner, straight, [0, 1], 0)
    other = copy.deepcopy(learner)
    state = straight.state_dict()
    state["state"] = {
        index: {name: value.clone(memory_format=torch.contiguous_format) for name, value in values.items()}
        for index, values in state["state"].items()
    }
    resumed = make_optimiser(other, phase)
    resumed.load_state_dict(state)
    for step in (1, 2):
        learn(learner, straight, [0, 1], step)
        learn(other, resumed, [0, 1], step)
    for got, expected in zip(other.parameters(), learner.parameters(), strict=True):
        assert torch.equal(got, expected)


def test_muon_is_made_with_the_rates_of_the_groups() -> None:
    optimiser = make_optimiser(
        Two(), Phase("a", "A", 1.0, Optimiser("muon", lr=0.1, momentum=0.7, weight_decay=0.01), 1)
    )
    assert isinstance(optimiser, Muon)
    (group,) = optimiser.param_groups
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.1, 0.7, 0.01)


def test_methods_that_learn_from_labels_use_muon_and_their_papers_do_not() -> None:
    for info in CATALOG.values():
        if info.segments:
            assert info.options().optimiser == "muon"
        assert all(info.paper(ndim)["optimiser"] == "sgd" for ndim in (2, 3))
