"""The state of a run on disk, to resume it exactly: learner, optimiser and where it stands.

All of it is in one file, so it is there as a whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import RunError
from ..inference.tensor_file import load_tensors, parse_meta, save_tensors
from ..nets.finite import not_finite
from ..runs.rules import number
from ..runs.shapes import misfit

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Progress:
    """Where a run stands, besides its tensors.

    `phase_seconds` is training time spent in each phase so far; `best` the highest held-out Dice; `bad` how many steps
    in a row came to nothing.
    """

    step: int
    phase: int
    phase_step: int
    seconds: float
    phase_seconds: float
    best: float | None = None
    bad: int = 0


def save_checkpoint(folder: Path, learner: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress) -> str:
    """Write a state to resume from; returns the file's name.

    Raises
    ------
    RunError
        When it holds values that are no numbers, or the disk is full; the state that was written before stays.
    """
    tensors = {f"learner/{name}": value for name, value in learner.state_dict().items()}
    scalars: dict[str, Any] = {}
    state = optimiser.state_dict()
    for key, value in _flatten("optimiser", state["state"]):
        if isinstance(value, Tensor):
            tensors[key] = value
        else:
            scalars[key] = value
    if not_finite(tensors):
        raise RunError(
            "Weights of the network are no finite numbers any more. Start again with a lower learning rate; the state "
            "that was saved before is kept."
        )
    meta = {"progress": progress.__dict__, "optimiser": scalars, "groups": state["param_groups"]}
    save_tensors(folder / CHECKPOINT, tensors, json.dumps(meta))
    return CHECKPOINT


def load_checkpoint(folder: Path, learner: nn.Module, optimiser: torch.optim.Optimizer | None = None) -> Progress:
    """Restore a state; returns where it stands.

    With `optimiser` None only the learner is restored.

    Raises
    ------
    RunError
        When there is no checkpoint or it does not fit.
    """
    tensors, text = load_tensors(folder / CHECKPOINT)
    path = folder / CHECKPOINT
    meta = parse_meta(path, text, "progress", "optimiser", "groups")
    own = {k.removeprefix("learner/"): v for k, v in tensors.items() if k.startswith("learner/")}
    try:
        learner.load_state_dict(own)
    except RuntimeError as error:
        raise RunError(f"{folder}: the checkpoint is of another network. Start a new run from it instead.") from error
    if optimiser is not None:
        state: dict[Any, Any] = {}
        try:
            flat = {k: v for k, v in tensors.items() if k.startswith("optimiser/")} | meta["optimiser"]
            for key, value in flat.items():
                _, index, name = key.split("/")
                state.setdefault(int(index), {})[name] = value
            optimiser.load_state_dict({"state": state, "param_groups": meta["groups"]})
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise _unfit(path, error) from error
    return _progress(path, meta)


def read_progress(folder: Path) -> Progress:
    """Where the checkpoint of a run stands."""
    _, text = load_tensors(folder / CHECKPOINT, tensors=False)
    return _progress(folder / CHECKPOINT, parse_meta(folder / CHECKPOINT, text, "progress"))


def _progress(path: Path, meta: Mapping[str, Any]) -> Progress:
    try:
        progress = Progress(**meta["progress"])
        wrong = misfit(Progress, vars(progress))
        counts = (value for name, value in vars(progress).items() if name != "best")
        if wrong is not None or not all(map(number(0), counts)):
            raise TypeError(f"{wrong or 'one of its numbers'} is not what it should be")
    except TypeError as error:
        raise _unfit(path, error) from error
    return progress


def _unfit(path: Path, error: Exception) -> RunError:
    return RunError(f"{path}: the state does not say where the run stands ({error}). Start a new run.")


def _flatten(prefix: str, state: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for index, values in state.items():
        for name, value in values.items():
            yield f"{prefix}/{index}/{name}", value
