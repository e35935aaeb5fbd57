"""Tiny easy projects for tests of runs: a bright and a dark ball in noise, learnt within a few dozen steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from PIL import Image

from napari_medssl.methods.catalog import method_info
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project import ClassInfo, Project
from napari_medssl.runs.drivers import InlineDriver
from napari_medssl.runs.events import CheckpointSaved, RunEvent, RunFinished, RunStarted, Stepped, Validated
from napari_medssl.runs.history import MODEL_NAME
from napari_medssl.runs.journal import JOURNAL_NAME, JournalWriter
from napari_medssl.runs.request import make_spec, write_spec
from napari_medssl.runs.settings import PLAN_SETTINGS
from napari_medssl.runs.spec import Plan, RunSpec

CLASSES = (ClassInfo(1, "bright", "#e69f00", "1"), ClassInfo(2, "dark", "#56b4e9", "2"))

#: Plan and options that make a step take milliseconds, and results depend on nothing but seed and step.
QUICK: Mapping[str, Any] = {
    "widths": [4, 8],
    "batch": 2,
    "precision": "float32",
    "threads": 1,
    "augmentation": "none",
    "learning_rate": 0.05,
    "ema": 0.9,
}
#: More of them by method: heads of a size for such networks, phases of a length that tests count on.
QUICK_OF: Mapping[str, Mapping[str, Any]] = {
    "bcp": {"warmup_share": 0.3},
    "cdma": {"warmup_share": 0.4, "learning_rate": 0.1},
    "desd": {"hidden": 32, "bottleneck": 16, "outputs": 64, "learning_rate": 0.005},
}
PATCH = {"raster": [16, 16], "3d": [16, 16, 16], "thick": [16, 16]}
SHAPE = {"raster": (24, 20), "3d": (16, 18, 16), "thick": (20, 24, 5)}
SPACING = {"raster": (1.0, 1.0), "3d": (1.0, 1.0, 1.5), "thick": (1.0, 1.0, 6.0)}


def balls(shape: tuple[int, ...], seed: int, classes: int = 2, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """An image (channels, *shape) float32 and its labels (*shape) uint8: class 1 is bright, class 2 dark."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0.0, 0.2, (channels, *shape)).astype(np.float32)
    labels = np.zeros(shape, np.uint8)
    where = np.indices(shape).astype(float)
    axis = int(np.argmax(shape))
    for value in range(1, classes + 1):
        centre = np.array([n / 2 for n in shape]) + rng.uniform(-1, 1, len(shape))
        centre[axis] = shape[axis] * (value / (classes + 1))
        radius = [max(2.0, min(n / 5, shape[axis] / (2.2 * classes))) for n in shape]
        inside = sum(((w - c) / r) ** 2 for w, c, r in zip(where, centre, radius, strict=True)) < 1.0
        labels[inside] = value
        image[:, inside] += 3.0 if value == 1 else -3.0
    return image, labels


def make_project(
    root: Path,
    kind: str = "3d",
    *,
    labelled: int = 2,
    unlabelled: int = 2,
    classes: int = 2,
    channels: int = 1,
    patients: Mapping[int, str] | None = None,
    shape: tuple[int, ...] | None = None,
) -> Project:
    """A project of `labelled + unlabelled` cases named "case-0" …; the first `labelled` ones are labelled.

    Parameters
    ----------
    kind : {"3d", "raster", "thick"}
        "thick": 3-D with slices so thick that the network is 2-D.
    patients : mapping of int to str, optional
        Patient of some cases by number.
    """
    names = tuple(f"channel-{i}" for i in range(channels)) if channels > 1 else ("image",)
    project = Project.create(root / "project", classes=CLASSES[:classes], channels=names)
    for number in range(labelled + unlabelled):
        image, labels = balls(shape or SHAPE[kind], number, classes, channels)
        paths = write_scan(root / "scans", f"case-{number}", kind, image)
        images: Any = paths[0] if channels == 1 else dict(zip(names, paths, strict=True))
        case = project.add_case(images, name=f"case-{number}", patient=(patients or {}).get(number))
        if number < labelled:
            case.save_labels(labels, author="test", origin="drawn")
    return project


def write_scan(folder: Path, name: str, kind: str, image: np.ndarray) -> list[Path]:
    """One file per channel: NIfTI with the axes of `SPACING`, or an 8-bit PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, channel in enumerate(image):
        if kind == "raster":
            path = folder / f"{name}_{number}.png"
            Image.fromarray(np.clip(channel * 30 + 128, 0, 255).astype(np.uint8)).save(path)
        else:
            path = folder / f"{name}_{number}.nii"
            nib.save(nib.Nifti1Image(channel, np.diag([*SPACING[kind], 1.0])), path)
        paths.append(path)
    return paths


def quick(kind: str = "3d", **more: Any) -> dict[str, Any]:
    """Settings of a quick run."""
    return {**QUICK, "patch": PATCH[kind], **more}


def quick_spec(project: Project, method: str = "supervised", kind: str = "3d", **asked: Any) -> RunSpec:
    """A reserved run of a few steps, `asked` as in `make_spec`; "settings" are added to the quick ones."""
    options = {field.name for field in dataclasses.fields(method_info(method).options)}
    wanted = {**quick(kind), **QUICK_OF.get(method, {})}
    settings = {name: value for name, value in wanted.items() if name in options | PLAN_SETTINGS}
    settings |= asked.pop("settings", {})
    return make_spec(project, method, **{"steps": 10, "device": "cpu", "propose": (), **asked}, settings=settings)


def made_run(project: Project, method: str, dice: float | None = None, **asked: Any) -> RunSpec:
    """A run that nobody ran: its spec with a plan, the journal of a completed training that reached `dice`, a model."""
    spec = quick_spec(project, method, "raster", **asked)
    ndim = project.cases()[0].grid.ndim
    spec = dataclasses.replace(spec, plan=plan_for(2, (16,) * ndim))
    folder = project.run_folder(spec.run)
    write_spec(folder, spec)
    cases = {entry.case: dice for entry in spec.held_out if dice is not None}
    steps = spec.budget.steps or 100
    said: list[RunEvent] = [
        RunStarted(run=spec.run, task="train", method=method, total_steps=steps, then=spec.then),
        Stepped(step=steps, phase="p", losses={"total": 0.1}, progress=1.0, eta_seconds=0.0),
    ]
    if dice is not None:
        named = {"bright": dice}
        said += [Validated(step=steps, dice=named, mean=dice, cases=len(cases), best=True, by_case=cases)]
    said += [
        CheckpointSaved(step=steps, path=MODEL_NAME, deployed=True),
        RunFinished(reason="completed", message="proposals made.", step=steps, model=MODEL_NAME),
    ]
    writer = JournalWriter(folder / JOURNAL_NAME)
    for event in said:
        writer.write(event)
    writer.close()
    (folder / MODEL_NAME).touch()
    return spec


def plan_for(batch: int, patch: tuple[int, ...]) -> Plan:
    """A plan with that batch and patch, for a small network."""
    ndim = len(patch)
    net = NetSpec("unet", ndim, 1, 3, (4, 8), ((1,) * ndim, (2,) * ndim))
    return Plan(net=net, spacing=(1.0,) * ndim, patch=patch, batch=batch)


def run_inline(project: Project, run: str) -> list[RunEvent]:
    """All events of a run, here and now."""
    return list(InlineDriver().run(project.root, run))


def finished(events: Iterable[RunEvent]) -> RunFinished:
    """The last event, which must be the end."""
    last = list(events)[-1]
    assert isinstance(last, RunFinished)
    return last
