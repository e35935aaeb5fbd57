"""The networks of a run: as it left them, and as they were before it learnt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import RunError
from ..inference.model import load_model
from ..methods.base import Learner
from ..methods.catalog import method_info
from ..nets.build import build_encoder, is_state_of
from ..runs.spec import Plan, RunSpec
from ..training.resolve import options_of

_ENCODER = "encoder."


def load_encoder(folder: Path, plan: Plan) -> nn.Module:
    """The encoder of the model that a run deployed.

    Raises
    ------
    RunError
        When the run has none, or it does not fit its spec.
    """
    states, _ = load_model(folder)
    weights = _without_prefix(states[0])
    if not is_state_of(weights, build_encoder, plan.net):
        raise RunError(f"{folder.name}: the model does not fit its spec. Train the run again.")
    encoder = build_encoder(plan.net)
    encoder.load_state_dict(weights)
    return encoder.eval()


def fresh_learner(spec: RunSpec) -> Learner:
    """The networks of a resolved run as they were before its first step, but for what it began with."""
    assert spec.plan is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)  # as `training.execute` does
        return method_info(spec.method).load().learner(options_of(spec), spec.plan.net)


def fresh_encoder(spec: RunSpec) -> nn.Module:
    """The encoder that a run began with when it began with nothing."""
    encoder: nn.Module = fresh_learner(spec).members()[0].encoder  # type: ignore[assignment]
    return encoder.eval()


def _without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(_ENCODER): value for name, value in state.items() if name.startswith(_ENCODER)}
