"""A run from its spec to its last event: train, deploy, propose. One way in, one way out."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from ..errors import NO_MEMORY, MedSSLError, SpecError
from ..inference.memory import is_out_of_memory
from ..inference.model import MODEL, check_classes, load_deployed
from ..inference.propose import propose
from ..methods.base import Phase
from ..methods.catalog import method_info
from ..project import Project
from ..runs.events import FinishReason, PhaseStarted, RunEvent, RunFinished, RunStarted, Warned
from ..runs.needs import unshown_text
from ..runs.picking import left_out, look_at_cases, unfinished, unshown
from ..runs.request import start_run_folder
from ..runs.spec import Plan, RunSpec, read_spec, write_spec
from ..runs.stop import StopToken, withdraw_stop
from .budget import split, total_steps
from .cache import Cache
from .checkpoint import CHECKPOINT, read_progress
from .engine import Engine
from .machine import probe
from .preview import Previewer, clear_previews
from .resolve import options_of, resolve
from .taking_over import take_over

PROPOSING = "Making proposals"
FEW_LABELS = (
    "Too few labelled cases to hold any out, so nothing measures this model while it learns; its averaged weights at "
    "the end are taken. Label {more} more, or set audit cases aside."
)


def execute(root: Path, run: str, stop: StopToken) -> Iterator[RunEvent]:
    """Run what the spec in the run's folder says; go on where it stopped, if it ever did.

    Parameters
    ----------
    root : Path
        The project.
    run : str
        Name of the run.
    stop : callable
        Looked at between steps.

    Yields
    ------
    RunEvent
        One `RunStarted` first and one `RunFinished` last, whatever happens.
    """
    begin = time.monotonic()
    started = False
    try:
        project = Project.open(root)
        spec = read_spec(project.run_folder(run))
        change = project.retired_runs.get(run)
        if change is not None and method_info(spec.method).segments:
            raise SpecError(
                f"Run {run} learnt the structures as they were before they changed: {change}. Start a new training."
            )
        events = _train(spec, project, stop) if spec.task == "train" else _predict(spec, project, stop)
        for event in events:
            started = True
            yield replace(event, seconds=time.monotonic() - begin) if isinstance(event, RunFinished) else event
        return
    except MedSSLError as error:
        message = str(error)
    except Exception as error:  # the last line of defence: whatever it is, the run must end in an event
        traceback.print_exc(file=sys.stderr)
        fault = f"A fault of the program: {type(error).__name__}: {error}. The log of the run has the details."
        message = NO_MEMORY if is_out_of_memory(error) else fault
    if not started:
        yield RunStarted(run=run, task="train", method="")
    yield RunFinished(reason="failed", message=message, seconds=time.monotonic() - begin)


def _train(spec: RunSpec, project: Project, stop: StopToken) -> Iterator[RunEvent]:
    folder = project.run_folder(spec.run)
    spec = resolve(spec, project)
    assert spec.plan is not None
    info = method_info(spec.method)
    method, options = info.load(), options_of(spec)
    phases = method.phases(options, spec.plan)
    budgets = split(spec.budget, phases)
    resume = (folder / CHECKPOINT).is_file()
    torch.manual_seed(spec.seed)
    learner = method.learner(options, spec.plan.net)
    knowledge = _knowledge(spec, project)

    def replan(plan: Plan) -> list[Phase]:
        """What is planned anew is written down: a resumed run goes on with it."""
        write_spec(folder, replace(read_spec(folder), plan=plan))
        return method.phases(options, plan)

    cache = Cache(project, spec.plan)
    previewer = Previewer(project, cache, folder) if info.segments else None
    measured = spec.held_out if info.segments else ()  # what knows no structures finds none
    engine = Engine(
        replace(spec, held_out=measured), folder, cache, learner, phases, budgets, knowledge, replan, previewer
    )
    yield RunStarted(
        run=spec.run,
        task=spec.task,
        method=spec.method,
        phases=(*(p.title for p in phases), *((PROPOSING,) if info.segments else ())),
        total_steps=total_steps(budgets),
        minutes=spec.budget.minutes,
        device=spec.plan.device,
        threads=spec.plan.threads,
        labelled=len(spec.labelled),
        unlabelled=len(spec.unlabelled),
        held_out=len(measured),
        resumed_step=read_progress(folder).step if resume else 0,
        then=spec.then,
    )
    used = {*spec.unlabelled, *(one.case for one in (*spec.labelled, *spec.held_out))}
    for case, why in left_out(project).items():
        if case not in used:  # of those it uses, the engine tells when it meets them
            yield Warned(message=f"{case} is left out. {why}", case=case)
    if info.segments:
        absent = unshown_text(unshown(project, spec.labelled), len(spec.labelled))
        if absent:
            yield Warned(message=absent)
    begins_with = "" if resume else take_over(spec, project, learner)
    if info.segments and not spec.held_out:
        yield Warned(message=FEW_LABELS.format(more=max(1, 8 - len(spec.labelled))))
    how = yield from engine.train(stop, resume, begins_with)
    step = engine.progress.step
    if how == "pause":
        yield RunFinished(reason="paused", message=f"Paused after {step} steps. Resume it any time.", step=step)
        return
    if how == "discard":
        _throw_away(folder)
        yield RunFinished(reason="discarded", message="Stopped; its model was thrown away.", step=step)
        return
    yield engine.deploy()
    if how == "keep":
        withdraw_stop(folder)  # heard; another one would end the proposing
    reason: FinishReason = "stopped" if how == "keep" else "completed"
    if not info.segments:
        message = f"{step} steps. It knows your scans now: begin a training on labels with it."
        yield RunFinished(reason=reason, message=message, step=step, model=MODEL)
        return
    yield from _propose(spec, project, folder, stop, len(phases), step, reason)


def _throw_away(folder: Path) -> None:
    for name in (CHECKPOINT, MODEL):
        (folder / name).unlink(missing_ok=True)
    clear_previews(folder)


def _predict(spec: RunSpec, project: Project, stop: StopToken) -> Iterator[RunEvent]:
    assert spec.start_from is not None
    yield RunStarted(run=spec.run, task=spec.task, method=spec.method, phases=(PROPOSING,), device=spec.device)
    folder = start_run_folder(project, spec.start_from)
    yield from _propose(spec, project, folder, stop, 0, 0, "completed")


def _propose(
    spec: RunSpec, project: Project, folder: Path, stop: StopToken, index: int, step: int, reason: FinishReason
) -> Iterator[RunEvent]:
    """Propose with the model of `folder`, and finish."""
    yield PhaseStarted(phase="propose", title=PROPOSING, index=index, step=step)
    if spec.plan is not None:
        device, threads, precision = spec.plan.device, spec.plan.threads, spec.plan.precision
    else:
        machine = probe(spec.device)
        device, threads = machine.device, machine.threads
        precision = "bfloat16" if machine.bfloat16 else "float32"
    torch.set_num_threads(threads)
    model = load_deployed(folder, device, threads, precision)
    check_classes(model, {c.value for c in project.classes})
    cases = spec.propose if spec.propose is not None else unfinished(look_at_cases(project))
    complete = yield from propose(model, project, spec.run, cases, stop)
    clear_previews(project.run_folder(spec.run))
    trained = f"{step} steps, " if step else ""
    own = MODEL if spec.task == "train" else None
    if complete:
        yield RunFinished(reason=reason, message=f"{trained}proposals made.", step=step, model=own)
    elif stop() == "discard" and own:
        _throw_away(folder)
        yield RunFinished(reason="discarded", message="Stopped; its model was thrown away.", step=step)
    elif stop() == "pause":
        message = f"{trained}paused while making proposals. Resume it to make them all."
        yield RunFinished(reason="paused", message=message, step=step, model=own)
    else:
        message = f"{trained}proposing was stopped; the proposals made so far are there."
        yield RunFinished(reason="stopped", message=message, step=step, model=own)


def _knowledge(spec: RunSpec, project: Project) -> dict[str, object]:
    return {
        "run": spec.run,
        "method": spec.method,
        "values": [0, *(c.value for c in project.classes)],
        "class_names": [c.name for c in project.classes],
    }
