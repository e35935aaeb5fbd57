"""A model's proposals in a project, measured against the truth. No torch: proposals are files by then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BadFileError, MedSSLError, SpecError
from .metrics import TOLERANCE_MM, ClassScore, mean_scores, score_case

if TYPE_CHECKING:
    from ..imaging import Labels
    from ..project import Case, Project


def learnt_from(project: Project, model: str) -> set[str]:
    """Cases of this project whose labels a model has seen: trained on, or chosen by.

    A run that started from another has seen that one's labels too; runs of other projects have seen none of these.

    Parameters
    ----------
    model : str
        Name or folder of a run.
    """
    from ..runs.request import start_run_folder
    from ..runs.spec import read_spec

    seen: set[str] = set()
    visited: set[Path] = set()
    current: str | None = model
    while current:
        folder = start_run_folder(project, current).resolve()
        if folder in visited or folder.parent.parent != project.root.resolve():
            break
        visited.add(folder)
        spec = read_spec(folder)
        seen |= {entry.case for entry in (*spec.labelled, *spec.held_out)}
        current = spec.start_from
    return seen


def proposals_of(project: Project, model: str) -> dict[str, Path]:
    """The newest proposal of each case by a run's model, whichever run made it: case name to labels file."""
    from ..runs.request import start_run_folder

    folder = start_run_folder(project, model).resolve()
    runs = {name for name in project.runs() if _model_folder(project, name) == folder}
    project.refresh()
    found: dict[str, Path] = {}
    for case in project.cases():
        for proposal in case.proposals():  # oldest first
            if proposal.run in runs:
                found[case.name] = proposal.labels_path
    return found


def measure(
    project: Project, case: Case, proposal: Path, truth: Path | Labels, tolerance: float = TOLERANCE_MM
) -> dict[int, ClassScore]:
    """Measures of one case by class value, on the grid of its scan.

    Parameters
    ----------
    truth : Path or Labels
        A label file; or labels in the project's values.

    Raises
    ------
    MedSSLError
        When the truth lies on another grid, holds values that are no classes, or has no voxel to compare.
    """
    from ..imaging import UNSEEN, find_placement, read_labels, way_out
    from ..project.images import is_read_as_stored

    as_stored = is_read_as_stored(case.image_refs)
    expected = read_labels(truth, as_stored=as_stored) if isinstance(truth, Path) else truth
    proposed, truth = read_labels(proposal), truth if isinstance(truth, Path) else Path(f"truth of {case.name}")
    difference = case.grid.mismatch(expected.grid)
    if difference:
        placement = find_placement(case.grid, expected.grid)
        if placement is None or not placement.is_whole:
            rule = f"this truth is not on the grid of case {case.name}: {difference} (scan, truth)"
            raise BadFileError(truth, rule, way_out(case.grid, expected.grid))
        expected = placement.bring(expected)  # the same voxels, stored with other axes
    classes = [c.value for c in project.classes]
    unknown = sorted(set(expected.values) - {0, UNSEEN, *classes})
    if unknown:
        known = ", ".join(f"{c.value} {c.name}" for c in project.classes)
        raise MedSSLError(f"{truth}: values {unknown} belong to no class of this project ({known}). Map them first.")
    if (expected.array == UNSEEN).all():
        raise MedSSLError(
            f"{truth}: no voxel of this truth was looked at (all are 255), so there is nothing to compare."
        )
    return score_case(expected.array, proposed.array, case.grid.spacing, classes, tolerance)


def score_table(run: str, classes: Mapping[int, str], scores: Mapping[str, Mapping[int, ClassScore]]) -> dict[str, Any]:
    """Scores by case and class as JSON values: `run`, `cases`, `mean`, `mean_per_class`, `missed`."""

    def by_name(found: Iterable[tuple[int, float]]) -> dict[str, float]:
        return {classes[value]: number for value, number in found}

    mean = mean_scores(scores.values())
    return {
        "run": run,
        "cases": [
            {
                "case": name,
                "dice": by_name((v, s.dice) for v, s in found.items()),
                "hd95": by_name((v, s.hd95) for v, s in found.items()),
                "nsd": by_name((v, s.nsd) for v, s in found.items()),
                "missed": [classes[v] for v, s in found.items() if s.missed],
            }
            for name, found in scores.items()
        ],
        "mean": {"dice": mean.dice, "hd95": mean.hd95, "nsd": mean.nsd},
        "mean_per_class": {
            name: {
                key: float(np.mean([getattr(found[value], key) for found in scores.values()]))
                for key in ("dice", "hd95", "nsd")
            }
            for value, name in classes.items()
            if scores
        },
        "missed": mean.missed,
    }


def _model_folder(project: Project, run: str) -> Path | None:
    """Folder of the run whose model a run proposes with; None while it has no spec or its model's run is gone."""
    from ..runs.request import start_run_folder
    from ..runs.spec import read_spec

    folder = project.run_folder(run)
    try:
        spec = read_spec(folder)
        return (start_run_folder(project, spec.start_from or "") if spec.task == "predict" else folder).resolve()
    except SpecError:
        return None
