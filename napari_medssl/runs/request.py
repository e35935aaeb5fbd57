"""From a wish ("train BCP for ten minutes") to a spec with its cases picked. No torch: napari calls this."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..disk import write_atomically
from ..errors import SpecError
from ..methods.catalog import MethodInfo, method_info
from .settings import check_settings
from .spec import SPEC_NAME, Budget, LabelledCase, RunSpec, read_spec, spec_to_json

if TYPE_CHECKING:
    from ..project import Project

HOLD_OUT_FROM = 8  # labelled cases, below which none is held out
HOLD_OUT_SHARE = 0.2
MOST_MINUTES = 43_200


@dataclass(frozen=True)
class Picked:
    """Which cases a run uses, and for what."""

    labelled: tuple[LabelledCase, ...]
    unlabelled: tuple[str, ...]
    held_out: tuple[LabelledCase, ...]


def pick_cases(project: Project, seed: int = 0) -> Picked:
    """Cases of a run.

    Audit cases are never learnt from; with labels, they are what the model is measured on. Without them a fifth of the
    labelled patients is held out, once there are `HOLD_OUT_FROM` labelled cases; the same ones for the same labels
    and seed.
    """
    pool: list[tuple[LabelledCase, bool]] = []
    audit: list[LabelledCase] = []
    unlabelled: list[str] = []
    patients: dict[str, str] = {}
    for case in project.cases():
        if case.status in ("excluded", "missing"):
            continue
        patients[case.name] = case.patient
        # strokes added later do not take away what was complete before
        revision = case.latest(complete=True) or case.latest()
        if case.role == "audit":
            if revision is not None and revision.complete:
                audit.append(LabelledCase(case.name, revision.id))
        elif revision is not None:
            pool.append((LabelledCase(case.name, revision.id), revision.complete))
            if not revision.complete:  # unlabelled, unless its draft is learnt from
                unlabelled.append(case.name)
        else:
            unlabelled.append(case.name)
    complete = [entry for entry, is_complete in pool if is_complete]
    # half-drawn cases are learnt from only while there is nothing better: their edges are not final
    usable = complete if len(complete) > 1 else [entry for entry, _ in pool]
    held_out = audit or _hold_out(complete, patients, seed)
    kept = {patients[entry.case] for entry in held_out}
    labelled = [entry for entry in usable if patients[entry.case] not in kept]
    used = {entry.case for entry in usable}
    learnable = [name for name in unlabelled if name not in used and patients[name] not in kept]
    return Picked(tuple(labelled), tuple(learnable), tuple(held_out))


def _hold_out(complete: list[LabelledCase], patients: Mapping[str, str], seed: int) -> list[LabelledCase]:
    if len(complete) < HOLD_OUT_FROM:
        return []
    groups = sorted({patients[entry.case] for entry in complete})
    count = round(len(groups) * HOLD_OUT_SHARE)
    chosen = {groups[i] for i in np.random.default_rng([seed, 11]).permutation(len(groups))[:count]}
    return [entry for entry in complete if patients[entry.case] in chosen]


def make_spec(
    project: Project,
    method: str,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    preset: Literal["auto", "paper"] = "auto",
    settings: Mapping[str, Any] | None = None,
    start_from: str | None = None,
    propose: tuple[str, ...] | None = None,
) -> RunSpec:
    """Pick the cases, reserve a folder and write the spec of a training run.

    Raises
    ------
    SpecError
        When the method cannot run on what is there; the sentence says what would make it run.
    """
    info = method_info(method)
    picked = pick_cases(project, seed)
    _check_needs(info, len(picked.labelled), len(picked.unlabelled))
    if minutes is not None and not 0 < minutes < MOST_MINUTES:
        raise SpecError(f"The time budget must be above 0 minutes, not {minutes}, and below a month.")
    if steps is not None and steps < 1:
        raise SpecError(f"The number of steps must be at least 1, not {steps}.")
    check_settings(info, settings or {})
    if minutes is None and steps is None and preset == "auto":
        minutes = 10.0
    start = start_run_folder(project, start_from) if start_from else None
    spec = RunSpec(
        run=project.new_run_name(method),
        method=method,
        preset=preset,
        budget=Budget(minutes, steps),
        seed=seed,
        device=device,
        settings=dict(settings or {}),
        labelled=picked.labelled,
        unlabelled=picked.unlabelled,
        held_out=picked.held_out,
        propose=propose,
        start_from=str(start_from) if start else None,
    )
    write_spec(project.run_folder(spec.run), spec)
    return spec


def make_predict_spec(
    project: Project, model: str, cases: tuple[str, ...] | None = None, device: str = "auto"
) -> RunSpec:
    """A run that only proposes, with the model of another run (of any project)."""
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
    for folder in (project.run_folder(run) if os.sep not in run else Path(run), Path(run).expanduser()):
        if (folder / SPEC_NAME).is_file():
            return folder
    raise SpecError(f"There is no run {run!r}; this project has: {', '.join(project.runs()) or 'none yet'}.")


def write_spec(folder: Path, spec: RunSpec) -> None:
    """Write a spec in one piece.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    write_atomically(folder / SPEC_NAME, [spec_to_json(spec).encode()])


def _check_needs(info: MethodInfo, labelled: int, unlabelled: int) -> None:
    if labelled < info.needs_labelled:
        raise SpecError(
            f"{info.title}: {_count(info.needs_labelled, 'labelled scan')} needed, {labelled or 'none'} "
            f"there. Label {_count(info.needs_labelled - labelled, 'more scan')}."
        )
    usable = unlabelled if info.segments else labelled + unlabelled
    if usable < info.needs_unlabelled:
        kind = "unlabelled scan" if info.segments else "scan"
        otherwise = ", or learn from the labelled scans only (method 'supervised')" if info.segments else ""
        raise SpecError(
            f"{info.title}: {_count(info.needs_unlabelled, kind)} needed, {usable or 'none'} there. "
            f"Add scans{otherwise}."
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
