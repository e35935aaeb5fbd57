"""The seam between the engine and a method.

A method knows no files, runs or screens: it gets tensors and gives losses. Only the engine calls `zero_grad`,
`backward` and `step`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..nets.spec import NetSpec

if TYPE_CHECKING:
    from ..runs.spec import Plan

IGNORE = 255


@dataclass(frozen=True)
class Patches:
    """A stack of patches: `images` (B, C, *space) float, `labels` (B, *space) int64 with 255 = not looked at."""

    images: Tensor
    labels: Tensor | None = None


@dataclass(frozen=True)
class Origin:
    """Which case something was taken from; `place` is its middle there, 0 to 1 along D, H, W, None: anywhere."""

    case: str
    place: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Batch:
    """What a step learns from; a side that the phase did not ask for is None.

    `views` are what the phase's `ViewMaker` made of each unlabelled scan, stacked: (B, views, C, *space) each.
    `origins` is for the engine to tell: of each labelled patch, then of each unlabelled patch or scan.
    """

    labelled: Patches | None = None
    unlabelled: Patches | None = None
    views: Mapping[str, Tensor] | None = None
    origins: tuple[Origin, ...] = ()


class ViewMaker(Protocol):
    """Makes the views of one scan that a self-supervised method compares; runs beside the training, in its thread."""

    def __call__(
        self, image: NDArray[np.float16], spacing: tuple[float, float, float], rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Views by name, each float32 with an axis of views in front.

        Parameters
        ----------
        image : ndarray, (C, D, H, W)
            The scan in network space, memory-mapped: read only the window that is needed. A 2-D network gets one
            slice (D = 1) and returns views without D.
        spacing : voxel size along D, H, W
        rng : Generator
            Of this step and scan alone.
        """
        ...


@dataclass(frozen=True)
class Schedule:
    """Learning rate over a phase, as a pure function of the step and of the part of the phase that is done.

    "constant"; "poly": (1 - progress) ** 0.9; "cosine"; "step": x `gamma` every `every` steps; "drops": x `gamma` from
    each of the parts `drops` of the phase on. All after a linear warm-up over the first `warmup` part of the phase.
    """

    kind: Literal["constant", "poly", "cosine", "step", "drops"] = "constant"
    warmup: float = 0.0
    every: int = 0
    gamma: float = 1.0
    floor: float = 0.0
    from_zero: bool = False
    drops: tuple[float, ...] = ()
    epochs: int = 0  # cosine: in so many equal steps, and a last one at its end; 0 falls evenly


@dataclass(frozen=True)
class Optimiser:
    """Which optimiser a phase uses and how it starts."""

    kind: Literal["sgd", "adamw", "muon"] = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: Schedule = Schedule()
    nesterov: bool = False
    keep_state: bool = False  # go on with the momentum of the phase before
    clip: float | None = None  # gradient norm
    decay_end: float | None = None  # weight decay goes there along a cosine; None: it stays


@dataclass(frozen=True)
class Phase:
    """A stretch of training with its own batches and optimiser.

    `share` is its part of a time budget; `steps` its length when the budget is the method's own (paper preset). After
    `most_steps` of a share it ends, and the next phase, which there must be, has the rest. With `views`, unlabelled
    scans come as the views it makes instead of as patches.
    """

    name: str
    title: str
    share: float
    optimiser: Optimiser
    labelled: int
    unlabelled: int = 0
    steps: int | None = None
    most_steps: int | None = None
    views: ViewMaker | None = None


@dataclass(frozen=True)
class Step:
    """Where training is.

    `rng` is a fresh generator for this step alone (a function of seed and step): methods draw boxes and scales from
    it, so that a resumed run repeats the same draws.
    """

    index: int
    phase: Phase
    phase_step: int
    phase_progress: float
    rng: np.random.RandomState


@dataclass(frozen=True)
class Losses:
    """`total` is differentiated; `terms` are detached and shown."""

    total: Tensor
    terms: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class ParamGroup:
    """Parameters that share multipliers of the phase's learning rate and weight decay."""

    parameters: list[nn.Parameter]
    lr_scale: float = 1.0
    decay_scale: float = 1.0


class Learner(nn.Module):
    """Owns everything that must be saved: networks, teacher, centres."""

    def losses(self, batch: Batch, at: Step) -> Losses:
        """Losses of one step; no optimiser is touched."""
        raise NotImplementedError

    def before_phase(self, phase: Phase) -> None:
        """A phase begins (not called again on resume): copy weights into the teacher, say."""

    def after_step(self, at: Step) -> None:
        """After the optimiser's step: EMA, centre."""

    def parameter_groups(self) -> list[ParamGroup]:
        """What the optimiser changes."""
        raise NotImplementedError

    def members(self) -> list[nn.Module]:
        """The networks that predict, the deployed one first; their disagreement is the uncertainty.

        Of a self-supervised method: one module whose attribute `encoder` others start from.
        """
        raise NotImplementedError

    def initialise_from(self, state: Mapping[str, Tensor]) -> list[str]:
        """Take what fits from another model's member state; returns the names that did not fit."""
        raise NotImplementedError


class Method(Protocol):
    """Stateless and cheap."""

    def phases(self, options: Any, plan: Plan) -> list[Phase]:
        """The stretches of training; the plan gives the most patches of each kind in a step, and their size."""
        ...

    def learner(self, options: Any, net: NetSpec) -> Learner: ...


def seed_everything(seed: int, step: int) -> np.random.RandomState:
    """Seed torch for this step and return the step's own generator: both are functions of (seed, step) alone."""
    mixed = np.random.SeedSequence([seed, step]).generate_state(2)
    torch.manual_seed(int(mixed[0]))
    return np.random.RandomState(int(mixed[1]))
