"""From what was asked to everything that is needed: options and plan are filled in and written back."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

from ..errors import SpecError
from ..methods.catalog import method_info
from ..methods.options import Options, resolve_options
from ..project import Project
from ..runs.request import start_run_folder, write_spec
from ..runs.spec import Plan, RunSpec, read_spec
from .fingerprint import take_fingerprint
from .machine import Machine, probe
from .plan import PLAN_SETTINGS, make_plan


def resolve(spec: RunSpec, project: Project) -> RunSpec:
    """The spec with all options and the whole plan, also written to the run's folder.

    A run that starts from another takes over its network and the way it looks at scans; a resumed run keeps its
    plan but for the device.

    Raises
    ------
    SpecError
        When a setting is unknown or does not fit.
    """
    machine = probe(spec.device)
    if spec.plan is not None:
        return replace(spec, plan=_on(spec.plan, machine, spec.settings))
    options, wishes = _split(spec, project)
    if spec.start_from:
        before = read_spec(start_run_folder(project, spec.start_from))
        if before.plan is None:
            raise SpecError(f"Run {spec.start_from} never got to train. Start from another run.")
        plan = _on(_compatible(before.plan, project, wishes), machine, wishes)
    else:
        cases = (*(entry.case for entry in spec.labelled), *spec.unlabelled)
        plan = make_plan(take_fingerprint(project, cases, spec.labelled), machine, wishes)
    resolved = replace(spec, options=dataclasses.asdict(options), plan=plan)
    write_spec(project.run_folder(spec.run), resolved)
    return resolved


def options_of(spec: RunSpec) -> Options:
    """The options of a resolved spec."""
    return resolve_options(method_info(spec.method).options, spec.options or {})


def _split(spec: RunSpec, project: Project) -> tuple[Options, dict[str, Any]]:
    """Settings, after those of the paper preset, as options and as wishes for the plan."""
    info = method_info(spec.method)
    names = {f.name for f in dataclasses.fields(info.options)}
    settings = dict(spec.settings)
    if spec.preset == "paper":
        settings = info.paper(project.case(spec.labelled[0].case).grid.ndim) | settings
    unknown = set(settings) - names - PLAN_SETTINGS
    if unknown:
        raise SpecError(
            f"There is no setting {', '.join(sorted(unknown))}; there are: {', '.join(sorted(names | PLAN_SETTINGS))}."
        )
    options = resolve_options(info.options, {k: v for k, v in settings.items() if k in names})
    return options, {k: v for k, v in settings.items() if k in PLAN_SETTINGS}


def _on(plan: Plan, machine: Machine, wishes: Any) -> Plan:
    """The plan on this machine."""
    precision = "bfloat16" if machine.bfloat16 else "float32"
    return replace(
        plan,
        device=machine.device,
        threads=wishes.get("threads", machine.threads),
        precision=wishes.get("precision", precision),
    )


def _compatible(plan: Plan, project: Project, wishes: dict[str, Any]) -> Plan:
    classes = len(project.classes) + 1
    if plan.net.classes != classes or plan.net.in_channels != len(project.channels):
        raise SpecError(
            f"The model to start from knows {plan.net.classes - 1} classes and {plan.net.in_channels} channels, this "
            f"project has {classes - 1} and {len(project.channels)}. Start without it."
        )
    fixed = {"spacing", "architecture", "widths", "strides", "slice_axis", "normalisation"} & wishes.keys()
    if fixed:
        raise SpecError(f"{', '.join(sorted(fixed))} cannot change when starting from a model. Start without it.")
    chosen: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in wishes.items() if k in Plan.__dataclass_fields__
    }
    return replace(plan, **chosen)
