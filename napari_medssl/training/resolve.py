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
from ..runs.settings import check_settings
from ..runs.spec import Plan, RunSpec, read_spec
from .fingerprint import take_fingerprint
from .machine import Machine, find_device, probe
from .plan import fit_patch, make_plan


def resolve(spec: RunSpec, project: Project) -> RunSpec:
    """The spec with all options and the whole plan, also written to the run's folder.

    A run that starts from another takes over its network and the way it looks at scans; a resumed run keeps its
    plan but for the device.

    Raises
    ------
    SpecError
        When a setting is unknown or does not fit.
    """
    if spec.plan is not None:
        return replace(spec, plan=_moved(spec.plan, spec.device))
    options, wishes = _split(spec, project)
    machine = probe(spec.device, measure=not {"threads", "precision"} <= wishes.keys())
    if spec.start_from:
        before = read_spec(start_run_folder(project, spec.start_from))
        if before.plan is None:
            raise SpecError(f"Run {spec.start_from} never got to train. Start from another run.")
        if method_info(before.method).segments:
            plan = _on(_compatible(before.plan, project, wishes), machine, wishes)
        else:
            facts = take_fingerprint(project, _cases(spec), spec.labelled)
            wishes |= _same_eyes(before.plan, facts.channels, wishes)
            plan = make_plan(facts, machine, wishes, spec.budget.minutes)
    else:
        facts = take_fingerprint(project, _cases(spec), spec.labelled)
        plan = make_plan(facts, machine, wishes, spec.budget.minutes)
    plan = replace(plan, net=method_info(spec.method).net(options, plan.net))
    resolved = replace(spec, options=dataclasses.asdict(options), plan=plan)
    write_spec(project.run_folder(spec.run), resolved)
    return resolved


def options_of(spec: RunSpec) -> Options:
    """The options of a resolved spec."""
    return resolve_options(method_info(spec.method).options, spec.options or {})


def _split(spec: RunSpec, project: Project) -> tuple[Options, dict[str, Any]]:
    """Settings, after those of the paper preset, as options and as wishes for the plan."""
    info = method_info(spec.method)
    settings = dict(spec.settings)
    if spec.preset == "paper":
        settings = info.options.over_paper(info.paper(project.case(_cases(spec)[0]).grid.ndim), settings)
    elif spec.start_from:
        settings = dict(info.options.CONTINUING) | settings
    return check_settings(info, settings)


def _moved(plan: Plan, device: str) -> Plan:
    """The plan of a resumed run: as it was, unless it goes on on another device."""
    if find_device(device) == plan.device:
        return plan
    return _on(plan, probe(device), {})


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
    fixed = _fixed(plan, wishes)
    chosen: dict[str, Any] = {name: value for name, value in wishes.items() if name not in fixed}
    return replace(plan, **{**chosen, "patch": fit_patch(chosen.get("patch", plan.patch), plan.net)})


def _same_eyes(plan: Plan, channels: int, wishes: dict[str, Any]) -> dict[str, Any]:
    """What the plan of a run that starts from a self-supervised one must share with it: the classes may be new."""
    if plan.net.in_channels != channels:
        raise SpecError(
            f"The model to start from looks at {plan.net.in_channels} channels, this project has {channels}. Start "
            "without it."
        )
    return _fixed(plan, wishes) | {"clip": plan.clip, "mean": plan.mean, "sd": plan.sd}


def _fixed(plan: Plan, wishes: dict[str, Any]) -> dict[str, Any]:
    net = plan.net
    fixed: dict[str, Any] = {
        "spacing": plan.spacing,
        "slice_axis": plan.slice_axis,
        "normalisation": plan.normalisation,
        "architecture": net.architecture,
        "widths": net.widths,
        "strides": net.strides,
        "dropout": net.dropout,
        "norm": net.norm,
    }
    if wishes.get("normalisation") == "hounsfield":  # of a plan that has long become a scaling
        wishes = {name: value for name, value in wishes.items() if name != "normalisation"}
    changed = [name for name, value in fixed.items() if wishes.get(name, value) != value]
    if changed:
        raise SpecError(f"{', '.join(changed)} cannot change when starting from a model. Start without it.")
    return fixed


def _cases(spec: RunSpec) -> tuple[str, ...]:
    return (*(entry.case for entry in spec.labelled), *spec.unlabelled)
