"""From a wish ("train BCP for ten minutes") to a spec with its cases picked. No torch: napari calls this."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from ..errors import SpecError
from ..methods.catalog import method_info
from .estimate import ask_budget
from .history import PastRun, mark_retired, read_past_run
from .needs import unmet
from .outlook import Wish, count_stock, find_lack
from .picking import look_at_cases, pick, pick_cases, unshown
from .presets import Preset
from .rules import MOST_MINUTES, MOST_SEED, MOST_STEPS, shown
from .settings import check_settings
from .spec import SPEC_NAME, RunSpec, read_spec
from .spec import write_spec as write_spec
from .taking_back import taken_back

if TYPE_CHECKING:
    from ..project import Project


LOOKED_AT = 20  # scans, for whether a resolution can be
MOST_SCAN_VOXELS = 2**33
_SEPARATORS = ("/", os.sep)  # Windows takes both


class Asked(TypedDict, total=False):
    """What a person may say of a training run; see `sketch_spec`."""

    minutes: float | None
    steps: int | None
    seed: int
    device: str
    preset: Preset
    settings: Mapping[str, Any] | None
    start_from: str | None
    propose: tuple[str, ...] | None


def asked_by(wish: Wish, seed: int = 0, propose: tuple[str, ...] | None = None) -> Asked:
    """A wish as `sketch_spec` takes it; cases to propose for are named, not counted."""
    return {
        "minutes": wish.minutes,
        "steps": wish.steps,
        "seed": seed,
        "device": wish.device,
        "preset": wish.preset,
        "settings": wish.settings,
        "start_from": wish.start_from,
        "propose": propose,
    }


def make_spec(project: Project, method: str, **asked: Unpack[Asked]) -> RunSpec:
    """Pick the cases, reserve a folder and write the spec of a training run; see `sketch_spec`.

    Raises
    ------
    SpecError
        When the method cannot run on what is there; the sentence says what would make it run.
    """
    sketch = sketch_spec(project, method, **asked)
    spec = replace(sketch, run=project.new_run_name(method))
    with taken_back([project.run_folder(spec.run)]):
        write_spec(project.run_folder(spec.run), spec)
    return spec


def make_line(
    project: Project, wishes: Sequence[Wish], *, seed: int = 0, propose: tuple[str, ...] | None = None
) -> tuple[RunSpec, ...]:
    """Specs of training runs of which each begins with the model of the one before; to be started with the first.

    Raises
    ------
    SpecError
        When one of the methods cannot run on what is there; the sentence says what would make it run.
    """
    sketches = [sketch_spec(project, wish.method, **asked_by(wish, seed, propose)) for wish in wishes]
    folders: list[Path] = []
    specs = []
    with taken_back(folders):
        for sketch in sketches:
            folders.append(project.run_folder(project.new_run_name(sketch.method)))
        names = [folder.name for folder in folders]
        for sketch, front, run, behind in zip(sketches, [None, *names], names, [*names[1:], None], strict=False):
            specs.append(replace(sketch, run=run, start_from=front or sketch.start_from, then=behind))
        for spec in reversed(specs):  # when the first is there, all are
            write_spec(project.run_folder(spec.run), spec)
    return tuple(specs)


def pick_again(root: Path, run: str) -> None:
    """Let a run that is about to begin for the first time use what was labelled since it was asked for.

    Raises
    ------
    MedSSLError
        When the project or the spec cannot be read or written.
    """
    from ..project import Project

    project = Project.open(root)
    spec = read_spec(project.run_folder(run))
    picked = pick_cases(project, spec.seed)
    counts = len(picked.labelled), len(picked.unlabelled), len(project.classes)
    if unmet(method_info(spec.method), *counts, unshown(project, picked.labelled)) is None:
        write_spec(
            project.run_folder(run),
            replace(spec, labelled=picked.labelled, unlabelled=picked.unlabelled, held_out=picked.held_out),
        )


def sketch_spec(
    project: Project,
    method: str,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    preset: Preset = "auto",
    settings: Mapping[str, Any] | None = None,
    start_from: str | None = None,
    propose: tuple[str, ...] | None = None,
) -> RunSpec:
    """The spec of a training run that nobody has reserved a folder for: it has no name yet.

    Raises
    ------
    SpecError
        When the method cannot run on what is there; the sentence says what would make it run.
    """
    info = method_info(method)
    if minutes is not None and not 0 < minutes < MOST_MINUTES:
        raise SpecError(f"The time budget must be above 0 minutes, not {minutes}, and below a month.")
    if steps is not None and not 1 <= steps <= MOST_STEPS:
        raise SpecError(f"The number of steps must be at least 1, not {steps}, and at most {MOST_STEPS:,}.")
    if not 0 <= seed <= MOST_SEED:
        raise SpecError(f"The seed must be a whole number from 0 to {MOST_SEED:,}, not {seed}.")
    _, wishes = check_settings(info, settings or {})
    standings = look_at_cases(project)
    picked = pick(standings, seed)
    _check_spacing(project, [case.case for case in standings], wishes.get("spacing"))
    wish = Wish(method, preset, minutes, steps, start_from, device, settings or {})
    lack = find_lack(info, count_stock(project, standings, picked), wish, find_start(project, start_from))
    if lack is not None:
        raise SpecError(f"{info.title}: {lack}")
    return RunSpec(
        run="",
        method=method,
        preset=preset,
        budget=ask_budget(preset, minutes, steps),
        seed=seed,
        device=device,
        settings=dict(settings or {}),
        labelled=picked.labelled,
        unlabelled=picked.unlabelled,
        held_out=picked.held_out,
        propose=propose,
        start_from=start_from or None,
    )


def _check_spacing(project: Project, cases: Sequence[str], spacing: tuple[float, ...] | None) -> None:
    """Make sure that scans can be brought to a spacing that somebody chose: some of them are looked at.

    Raises
    ------
    SpecError
        When they would have more voxels than any machine can hold.
    """
    for case in cases[:LOOKED_AT] if spacing is not None else ():
        grid = project.case(case).grid.canonical().grid
        if spacing is None or len(spacing) != grid.ndim:
            return  # to be told in the words of the plan
        voxels = math.prod(
            max(1.0, n * own / new) for n, own, new in zip(grid.shape, grid.spacing, spacing, strict=True)
        )
        if voxels > MOST_SCAN_VOXELS:
            own = " x ".join(f"{one:.3g}" for one in grid.spacing)
            raise SpecError(
                f"With the spacing {shown(list(spacing))} the scan of {case} would have {voxels:.0e} voxels, more than "
                f"memory can hold. Choose a coarser one; its own is {own} {grid.unit}."
            )


def make_predict_spec(
    project: Project, model: str, cases: tuple[str, ...] | None = None, device: str = "auto"
) -> RunSpec:
    """A run that only proposes, with the model of another run (of any project)."""
    change = project.retired_runs.get(model)
    if change is not None:
        raise SpecError(f"Run {model} learnt the structures as they were before they changed: {change}. Train again.")
    trained = read_spec(start_run_folder(project, model))
    check_segments(trained)
    spec = RunSpec(
        run=project.new_run_name("predict"),
        task="predict",
        method=trained.method,
        device=device,
        propose=cases,
        start_from=model,
    )
    with taken_back([project.run_folder(spec.run)]):
        write_spec(project.run_folder(spec.run), spec)
    return spec


def check_segments(spec: RunSpec) -> None:
    """Make sure that a run's model finds structures.

    Raises
    ------
    SpecError
        When it is of a self-supervised method.
    """
    if not method_info(spec.method).segments:
        raise SpecError(
            f"Run {spec.run} learnt to look at scans, not to segment them. Train a method on labels that begins with "
            "it, and use that one."
        )


def start_run_folder(project: Project, run: str) -> Path:
    """Folder of a run given by name or by path.

    Raises
    ------
    SpecError
        When there is no such run.
    """
    for folder in (
        Path(run) if any(mark in run for mark in _SEPARATORS) else project.run_folder(run),
        Path(run).expanduser(),
    ):
        if (folder / SPEC_NAME).is_file():
            return folder
    raise SpecError(f"There is no run {run!r}; this project has: {', '.join(project.runs()) or 'none yet'}.")


def find_start(project: Project, run: str | None) -> PastRun | None:
    """The run to begin with, by name or by folder; None where `run` is None or empty.

    Raises
    ------
    SpecError
        When there is no such run.
    """
    if not run:
        return None
    folder = start_run_folder(project, run)
    past = read_past_run(folder)
    return mark_retired(past, project.retired_runs) if folder.parent == project.root / "runs" else past
