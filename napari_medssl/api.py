"""What notebooks and scripts use: make or open a project, `train`, `predict`, `evaluate`, `suggest`.

Everything here can be imported from `napari_medssl` itself. Training happens in the calling process; the project's
folder holds the same files as after the same work in napari or on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import MedSSLError, ProjectError, RunError
from .project import ClassInfo, ImportReport, Project, import_images, import_labels, new_project

if TYPE_CHECKING:
    from .inference.evaluating import Evaluation
    from .runs.events import RunEvent
    from .runs.status import RunStatus
    from .selection.ranking import Suggestion

Paths = Path | str | Iterable[Path | str]


@dataclass(frozen=True)
class RunResult:
    """A run that ended.

    Attributes
    ----------
    name : str
        The run's name in the project.
    status : RunStatus
        Steps, losses, Dice on held-out cases, warnings.
    """

    name: str
    status: RunStatus

    @property
    def proposals(self) -> dict[str, float]:
        """Uncertainty of each proposal that it made, 0 to 1, by case."""
        return {one.case: one.score for one in self.status.proposed}


def open_project(folder: Path | str) -> Project:
    """Open a project.

    Raises
    ------
    ProjectError
        If there is none, or it is of a newer version.
    """
    return Project.open(folder)


def create_project(
    folder: Path | str,
    images: Paths,
    labels: Paths | None = None,
    classes: Mapping[int, str] | None = None,
    *,
    channels: Iterable[str] = ("image",),
) -> Project:
    """Make a project of scans, which stay where they are, and of labels for some of them.

    Parameters
    ----------
    folder : path
        Of the project; made where there is none.
    images, labels : paths
        Files, or folders of files. Each label file finds its scan by its name.
    classes : mapping of int to str, optional
        Names of the structures by value, 1 to 254; by default one for each value in the labels.
    channels : iterable of str
        Names of the image channels.

    Raises
    ------
    MedSSLError
        If no scan, or none of the labels, can be used; nothing is left of the project then.
    """
    from .project.class_guess import classes_in

    known = [ClassInfo(value, name) for value, name in (classes or {}).items()]
    with new_project(folder, classes=known, channels=channels) as project:
        scans = import_images(project, images)
        if not scans.added:
            raise _nothing("scans", scans)
        if labels is not None:
            if not known:
                project.set_classes(classes_in(project, labels))
            found = import_labels(project, labels)
            if not found.added:
                raise _nothing("labels", found)
    return project


def train(
    project: Project,
    method: str = "bcp",
    *,
    minutes: float | None = None,
    steps: int | None = None,
    preset: Literal["auto", "paper"] = "auto",
    start_from: str | None = None,
    seed: int = 0,
    device: str = "auto",
    settings: Mapping[str, Any] | None = None,
    propose: Collection[str] | None = None,
    on_event: Callable[[RunEvent], None] = lambda event: None,
) -> RunResult:
    """Learn from the labeled scans, and from the unlabeled ones; then propose labels.

    Parameters
    ----------
    method : str
        "supervised", "bcp", "cdma", "desd" or "pcrlv2".
    minutes, steps : float, int, optional
        The budget; by default ten minutes.
    preset : {"auto", "paper"}
        Planned from the scans and the machine, or as published.
    start_from : str, optional
        A run whose weights to begin with: its name, or its folder.
    seed : int
        Of every random draw.
    device : str
        "auto", "cpu", "gpu", "cuda:1", "mps" …
    settings : mapping, optional
        Options of the method and fields of the plan.
    propose : collection of str, optional
        Cases to propose for; by default all without complete labels.
    on_event : callable
        Told of everything that happens; `napari_medssl.runs.events` has the kinds.

    Raises
    ------
    SpecError
        If the method cannot run on what is there; the sentence says what would make it run.
    RunError
        If it fails.
    """
    from .runs.request import make_spec

    spec = make_spec(
        project, method, minutes=minutes, steps=steps, preset=preset, start_from=start_from, seed=seed,
        device=_device(device), settings=settings, propose=None if propose is None else tuple(propose),
    )  # fmt: skip
    return _run(project, spec.run, on_event)


def predict(
    project: Project,
    run: str | None = None,
    cases: Collection[str] | None = None,
    *,
    device: str = "auto",
    on_event: Callable[[RunEvent], None] = lambda event: None,
) -> RunResult:
    """Propose labels with the model of a run.

    Parameters
    ----------
    run : str, optional
        A run's name, or its folder, another project's too; by default the model in use.
    cases : collection of str, optional
        By default all without labels.

    Raises
    ------
    MedSSLError
        If there is no such model, or it does not fit the project; `RunError` if predicting fails.
    """
    from .runs.request import make_predict_spec

    wanted = None if cases is None else tuple(cases)
    spec = make_predict_spec(project, run or _model_in_use(project), wanted, _device(device))
    return _run(project, spec.run, on_event)


def evaluate(
    project: Project,
    truth: Paths,
    run: str | None = None,
    cases: Collection[str] | None = None,
    *,
    tolerance: float = 2.0,
    device: str = "auto",
) -> Evaluation:
    """Measure the proposals of a run's model against the truth: Dice, HD95 in mm, and NSD.

    Cases that it has not proposed for yet are predicted first.

    Parameters
    ----------
    truth : paths
        Masks, or folders of masks; each finds its case by the name of the file. They are not saved in the project.
    run : str, optional
        As of `predict`.
    cases : collection of str, optional
        By default every case with a truth that the run did not learn from.
    tolerance : float
        Of NSD, in mm.

    Raises
    ------
    MedSSLError
        If there is nothing to measure, or nothing could be.
    """
    from .inference.evaluating import evaluate_run

    model = run or _model_in_use(project)
    return evaluate_run(
        project, model, truth, lambda missing: predict(project, model, missing, device=device), cases,
        tolerance=tolerance,
    )  # fmt: skip


def suggest(project: Project, count: int | None = None) -> list[Suggestion]:
    """The cases to label next, the most useful first, each with the reason.

    Parameters
    ----------
    count : int, optional
        At most so many.
    """
    from .runs.champion import set_aside
    from .runs.history import read_history
    from .selection.candidates import suggest as rank

    return rank(project, set_aside(read_history(project)))[:count]


def _run(project: Project, run: str, on_event: Callable[[RunEvent], None]) -> RunResult:
    from .runs.here import run_to_the_end
    from .runs.status import RunStatus, step
    from .runs.taking_back import taken_back

    def follow(now: str, events: Iterable[RunEvent]) -> RunStatus:
        status = RunStatus()
        for event in events:
            status = step(status, event)
            on_event(event)
        if status.state == "failed":
            raise RunError(status.message or f"Run {now} failed; its folder has the journal.")
        return status

    with taken_back([project.run_folder(run)]):
        return RunResult(*run_to_the_end(project, run, follow)[-1])


def _device(device: str) -> str:
    from .training.machine import find_device

    return "auto" if device.strip().casefold() == "auto" else find_device(device)  # a run finds "auto" by itself


def _model_in_use(project: Project) -> str:
    from .runs.champion import model_to_use
    from .runs.history import read_history

    model = model_to_use(read_history(project))
    if model is None:
        raise ProjectError(f"{project.root}: no run has a model yet. Train one first.")
    return model.run


def _nothing(what: str, report: ImportReport) -> MedSSLError:
    why = [*(reason for _, reason in report.refused), *(f"{path}: {reason}." for path, reason in report.skipped)]
    return MedSSLError(f"None of the {what} can be used. {why[0] if why else 'There are none in those places.'}")
