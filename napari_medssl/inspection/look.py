"""Whose model is looked at, with which case, at which stage."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import RunError, SpecError
from ..imaging import Grid
from ..inference.preprocess import to_network_space
from ..project import Project
from ..runs.request import start_run_folder
from ..runs.spec import Plan, RunSpec, read_spec
from ..training.machine import find_device
from .stages import strides_of, usual_stage


@dataclass(frozen=True, eq=False)
class Look:
    """A case before the eyes of a model.

    Attributes
    ----------
    spec, folder
        Of the run that trained the model.
    plan : Plan
        That run's, on this machine, in float32.
    grid : Grid
        The case's.
    image : ndarray, (C, D, H, W)
        The case in network space.
    stage : int
        Of the encoder, 1 being the finest.
    """

    project: Project
    spec: RunSpec
    folder: Path
    plan: Plan
    grid: Grid
    image: NDArray[np.float16]
    stage: int

    @property
    def strides(self) -> tuple[int, int, int]:
        """Voxels of network space per value of the stage."""
        return strides_of(self.plan.net)[self.stage - 1]

    @property
    def stage_text(self) -> str:
        """Which stage, and how fine it is: "stage 2 of 4, a value every 2 mm"."""
        plan = self.plan
        # strides come in the order of (D, H, W), of which D is the axis that is sliced; spacing in that of the axes
        strides = list(self.strides)[-len(plan.spacing) :]
        strides.insert(plan.slice_axis or 0, strides.pop(0))
        sizes = [f"{stride * length:.3g}" for stride, length in zip(strides, plan.spacing, strict=True)]
        every = sizes[0] if len(set(sizes)) == 1 else " x ".join(sizes)
        unit = "pixels" if self.grid.unit == "pixel" else self.grid.unit
        return f"stage {self.stage} of {len(plan.net.strides)}, a value every {every} {unit}"


def prepare(project: Project, run: str, case: str, stage: int | None, device: str) -> Look:
    """See `inspect.inspect_case`.

    Raises
    ------
    MedSSLError
        When there is no such case or run, the run has no plan, or they do not fit.
    """
    folder = model_folder(project, run)
    spec = read_spec(folder)
    if spec.plan is None:
        raise RunError(f"{spec.run}: this run never got to train. Choose another run.")
    net = spec.plan.net
    if stage is not None and not 1 <= stage <= len(net.strides):
        raise SpecError(
            f"There is no stage {stage}: the encoder of {spec.run} has stages 1 (the finest) to {len(net.strides)}."
        )
    volume = project.case(case).read_image()
    flat = volume.grid.ndim == 2
    if len(volume.array) != net.in_channels or flat != (len(spec.plan.spacing) == 2):
        kind = "images" if len(spec.plan.spacing) == 2 else "volumes"
        raise SpecError(
            f"Case {case} does not fit the model of {spec.run}, which looks at {kind} with {net.in_channels} channels. "
            "Choose another run."
        )
    threads = max(1, min(spec.plan.threads, os.cpu_count() or 1))
    torch.set_num_threads(threads)
    plan = replace(spec.plan, device=find_device(device), threads=threads, precision="float32")
    image = to_network_space(volume, plan)
    usual = usual_stage(image.shape[1:], net)
    return Look(project, spec, folder, plan, volume.grid, image, usual if stage is None else stage)


def model_folder(project: Project, run: str) -> Path:
    """Folder of the run whose model a run trained, or predicts with.

    Raises
    ------
    SpecError
        When there is no such run.
    """
    folder = start_run_folder(project, run)
    spec = read_spec(folder)
    return start_run_folder(project, spec.start_from) if spec.task == "predict" and spec.start_from else folder
