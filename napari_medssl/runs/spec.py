"""The complete description of a run: what was asked and what was planned.

A spec is written once by whoever starts the run, with `plan` None or partial wishes in `settings`; the run's process
plans from the data and the machine, and writes the resolved spec back, so that a person can read and change it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..disk import damaged, read_json, write_json
from ..errors import DamagedFileError, SpecError, UnreadableFileError
from ..nets.spec import NetSpec
from .rules import broken
from .shapes import misfit

SPEC_NAME = "spec.json"
Made = TypeVar("Made")


@dataclass(frozen=True)
class Budget:
    """How long to train: minutes of wall-clock, steps, or (both None) the preset's own length."""

    minutes: float | None = None
    steps: int | None = None


@dataclass(frozen=True)
class LabelledCase:
    """A case and the label revision that this run learns from or is measured on."""

    case: str
    revision: str


@dataclass(frozen=True)
class Plan:
    """What the data and the machine ask for; most fields can be overridden by a setting of the same name.

    Attributes
    ----------
    spacing : tuple of float
        Voxel size in mm (pixels for raster images) that cases are resampled to, in canonical (RAS) axis order.
    patch : tuple of int
        Patch size in voxels of that spacing.
    batch : int
        Patches of each kind (labelled, unlabelled) in a step, at most: a method may share one batch among both kinds.
    slice_axis : int or None
        For 2-D networks on 3-D scans: the axis that is sliced; None otherwise.
    normalisation : str
        "z-score" (each scan and channel by its own mean and sd), "range" (each to 0..1), "ct" (clip to `clip`, then
        z-score with `mean` and `sd` of the cohort).
    mirror_axes : tuple of int
        Axes of (D, H, W) network space that augmentation may mirror.
    window_step : tuple of int or None
        Predict in windows of the size of a patch, so many voxels apart, and average them, as papers do; None: in tiles
        as large as memory allows.
    looks : int
        How often a scan is looked at for a proposal: 1, as it is; 2 or 3, turned and zoomed a little too, and mirrored
        where `mirror_axes` says so. Their mean decides.
    single_piece : tuple of int
        Class indices that are one connected piece in the labelled cases: proposals keep the largest piece only.
    many_contrasts : bool
        Whether grey values differ between scans as between scanners or sequences; methods may train for that.
    labelled_voxels : int
        Voxels of that spacing in all labelled scans together, about; 0: not known.
    augmentation : str
        "strong"; "paper": BCP's published recipe; "tiles": CDMA's, for images; "none".
    precision : str
        "float32" or "bfloat16" (autocast).
    threads : int
        Compute threads on a CPU.
    reasons : tuple of str
        In plain words, why.
    """

    net: NetSpec
    spacing: tuple[float, ...]
    patch: tuple[int, ...]
    batch: int
    slice_axis: int | None = None
    normalisation: Literal["z-score", "range", "ct"] = "z-score"
    clip: tuple[float, float] | None = None
    mean: float = 0.0
    sd: float = 1.0
    mirror_axes: tuple[int, ...] = ()
    window_step: tuple[int, ...] | None = None
    looks: int = 1
    single_piece: tuple[int, ...] = ()
    many_contrasts: bool = False
    labelled_voxels: int = 0
    augmentation: Literal["strong", "paper", "tiles", "none"] = "strong"
    precision: Literal["float32", "bfloat16"] = "float32"
    device: str = "cpu"
    threads: int = 1
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.window_step is not None and len(self.window_step) != len(self.patch):
            raise SpecError(f"The window step {self.window_step} does not fit a patch of {len(self.patch)} sides.")


@dataclass(frozen=True)
class RunSpec:
    """One run.

    Attributes
    ----------
    run : str
        Its name, also of its folder.
    task : str
        "train" (then propose, when `propose`) or "predict" (propose with the model of `start_from`).
    settings : mapping
        What the user set by hand: names of options or of plan fields, as JSON values.
    options, plan
        All options and the whole plan, once resolved; None before.
    labelled, held_out : tuple of LabelledCase
        Cases to learn from; cases to measure and to choose the deployed checkpoint on.
    unlabelled : tuple of str
        Cases used without labels.
    propose : tuple of str or None
        Cases to predict at the end; None means every case without a complete human label.
    start_from : str or None
        A run of this project, or the path of a run folder, whose weights to start with.
    then : str or None
        A run of this project that begins with this one's model as soon as it is there; its spec lies ready.
    """

    run: str
    method: str
    task: Literal["train", "predict"] = "train"
    preset: Literal["auto", "paper"] = "auto"
    budget: Budget = Budget()
    seed: int = 0
    device: str = "auto"
    settings: Mapping[str, Any] = field(default_factory=dict)
    labelled: tuple[LabelledCase, ...] = ()
    unlabelled: tuple[str, ...] = ()
    held_out: tuple[LabelledCase, ...] = ()
    propose: tuple[str, ...] | None = None
    start_from: str | None = None
    then: str | None = None
    options: Mapping[str, Any] | None = None
    plan: Plan | None = None


def spec_to_json(spec: RunSpec) -> str:
    """Readable JSON."""
    return json.dumps(dataclasses.asdict(spec), indent=1)


def spec_from_json(text: str) -> RunSpec:
    """The spec of `spec_to_json`.

    Raises
    ------
    SpecError
        When it is no spec.
    """
    try:
        return _from_values(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SpecError(f"This is no run spec that this version understands: {error}") from error


def _from_values(raw: Mapping[str, Any]) -> RunSpec:
    """The spec of a JSON object; what is none ends in a `TypeError`, `KeyError`, `ValueError` or `AttributeError`."""
    values: dict[str, Any] = dict(raw)
    values["budget"] = _made(Budget, raw["budget"])
    for key in ("labelled", "held_out"):
        values[key] = tuple(_made(LabelledCase, one) for one in raw[key])
    for key in ("unlabelled", "propose"):
        values[key] = _tuples(raw[key])
    if raw["plan"] is not None:
        plan = {k: _tuples(v) for k, v in raw["plan"].items()}
        plan["net"] = _made(NetSpec, {k: _tuples(v) for k, v in raw["plan"]["net"].items()})
        values["plan"] = _made(Plan, plan)
    return _made(RunSpec, values)


def _made(cls: type[Made], values: Mapping[str, Any]) -> Made:
    wrong = misfit(cls, values)
    if wrong is not None:
        raise TypeError(f"{wrong} is not what it should be")
    rule = broken(values)
    if rule is not None:
        raise ValueError(rule)
    return cls(**values)


def read_spec(folder: Path) -> RunSpec:
    """The spec of a run's folder.

    Raises
    ------
    SpecError
        When there is none, or it is unreadable.
    """
    path = folder / SPEC_NAME
    try:
        values = read_json(path)  # strictly: whoever changed a digit by hand wants it to count, or to be told
    except PermissionError as error:
        raise SpecError(str(UnreadableFileError(path, error))) from error
    except OSError as error:
        raise SpecError(f"{path}: no run here ({error.strerror}). Choose the folder of a run.") from error
    except DamagedFileError as error:
        raise SpecError(f"{error} Whoever edits it deletes its last member, crc32.") from error
    if values is None:
        raise SpecError(f"{path}: no run here (No such file or directory). Choose the folder of a run.")
    try:
        return _from_values(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpecError(f"{damaged(path, why=str(error))}") from error


def write_spec(folder: Path, spec: RunSpec) -> None:
    """Write a spec in one piece.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    write_json(folder / SPEC_NAME, dataclasses.asdict(spec))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
