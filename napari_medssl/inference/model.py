"""A deployed model from its run's folder: the networks and what they know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from ..errors import RunError, SpecError
from ..nets.build import build_net, is_state_of
from ..nets.finite import not_finite
from ..runs.request import check_segments
from ..runs.spec import Plan, read_spec
from .tensor_file import load_tensors, parse_meta, save_tensors

MODEL = "model.safetensors"
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class DeployedModel:
    """Networks that predict, the deployed one first; `values` are the label values of their classes, 0 first."""

    name: str
    members: list[nn.Module]
    plan: Plan
    values: tuple[int, ...]
    class_names: tuple[str, ...]
    info: dict[str, Any]


def save_model(folder: Path, members: list[nn.Module], info: Mapping[str, Any]) -> str:
    """Write the networks that predict; returns the file's name.

    Raises
    ------
    RunError
        When they hold values that are no numbers, or the disk is full; a model that was there stays.
    """
    tensors = {f"{i}/{name}": v for i, member in enumerate(members) for name, v in member.state_dict().items()}
    if not_finite(tensors):
        raise RunError(
            f"{folder.name}: this model is not put to use, for some of its weights are no finite numbers. Start again "
            "with a lower learning rate."
        )
    save_tensors(folder / MODEL, tensors, json.dumps({"members": len(members), **info}))
    return MODEL


def load_model(folder: Path) -> tuple[list[dict[str, Tensor]], dict[str, Any]]:
    """State of each predicting network and what was said about it.

    Raises
    ------
    RunError
        When the run has no model (yet), the file is damaged, or it holds values that are no numbers.
    """
    tensors, text = load_tensors(folder / MODEL)
    if not_finite(tensors):
        raise RunError(
            f"{folder.name}: some weights of its model are no finite numbers, so it is not asked for proposals. Choose "
            "another run, or train this one again."
        )
    info = parse_meta(folder / MODEL, text, "members")
    members: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition("/")
        members.setdefault(index, {})[name] = value
    names = [str(number) for number in range(len(members))]
    if info["members"] != len(members) or set(members) != set(names):
        raise RunError(f"{folder / MODEL}: the file is damaged (networks are missing). Train the run again.")
    return [members[name] for name in names], info


def load_deployed(folder: Path, device: str, threads: int, precision: Precision) -> DeployedModel:
    """The model of a run.

    Raises
    ------
    RunError, SpecError
        When the run has none, or it is damaged.
    """
    spec = read_spec(folder)
    if spec.plan is None:
        raise RunError(f"{folder.name}: this run never got to train. Choose another run.")
    check_segments(spec)
    states, info = load_model(folder)
    members = []
    for state in states:
        if not is_state_of(state, build_net, spec.plan.net):
            raise RunError(f"{folder.name}: the model does not fit its spec. Train the run again.")
        net = build_net(spec.plan.net)
        net.load_state_dict(state)
        members.append(net)
    plan = replace(spec.plan, device=device, threads=threads, precision=precision)
    values, names = info.get("values", ()), info.get("class_names", ())
    if not _are(values, int) or not _are(names, str) or len(values) != len(names) + 1:
        raise RunError(f"{folder / MODEL}: the file is damaged (it names no classes). Train the run again.")
    return DeployedModel(spec.run, members, plan, tuple(values), tuple(names), info)


def _are(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(type(one) is kind for one in values)


def check_classes(model: DeployedModel, values: set[int]) -> None:
    """Make sure that a project knows the model's classes.

    Raises
    ------
    SpecError
        Naming the classes that are missing.
    """
    missing = [
        f"{value} = {name}"
        for value, name in zip(model.values[1:], model.class_names, strict=True)
        if value not in values
    ]
    if missing:
        raise SpecError(
            f"Model {model.name} finds classes that this project does not have: {', '.join(missing)}. Add them first."
        )
