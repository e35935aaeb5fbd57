"""From what was asked to everything that is needed: options and plan are filled in and written back."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

from ..errors import SpecError
from ..methods.catalog import method_info
from ..methods.options import Options, resolve_options
from ..project import Project
from ..runs.presets import own_wishes, preset_settings
from ..runs.request import find_start, write_spec
from ..runs.settings import check_settings
from ..runs.spec import Plan, RunSpec
from ..runs.starting import FIXED, fixed_by, unfit_start
from .fingerprint import labelled_voxels, single_pieces, take_fingerprint
from .machine import Machine, find_device, probe
from .memory import check_room
from .plan import fit_patch, make_plan, window_step


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
        _check_patch(spec.plan)
        return replace(spec, plan=_moved(spec.plan, spec.device))
    info, before = method_info(spec.method), find_start(project, spec.start_from)
    ndim = project.case(_cases(spec)[0]).grid.ndim if _cases(spec) else 3
    settings = preset_settings(info, spec.preset, ndim, spec.settings, before)
    options, wishes = check_settings(info, settings)
    machine = probe(spec.device, measure=not {"threads", "precision"} <= wishes.keys())
    if before is not None:
        own = own_wishes(info, ndim, spec.settings)
        lack = unfit_start(before, len(project.channels), len(project.classes), ndim, own)
        if lack is not None or before.plan is None:
            raise SpecError(str(lack))
        if method_info(before.method).segments:
            # more is labelled by now than when that model was trained
            pieces = single_pieces(project, spec.labelled, before.plan.net.classes)
            plan = _on(_going_on(before.plan, {"single_piece": pieces} | wishes), machine, wishes)
        else:
            facts = take_fingerprint(project, _cases(spec), spec.labelled)
            plan = make_plan(facts, machine, wishes | _same_eyes(before.plan, wishes), spec.budget.minutes)
    else:
        facts = take_fingerprint(project, _cases(spec), spec.labelled)
        plan = make_plan(facts, machine, wishes, spec.budget.minutes)
    if {"patch", "batch", "widths", "strides"} & wishes.keys():
        check_room(plan, machine.memory)
    voxels = labelled_voxels(project, spec.labelled, plan.spacing)
    plan = replace(plan, net=info.net(options, plan.net), labelled_voxels=voxels)
    resolved = replace(spec, options=dataclasses.asdict(options.fitted(plan, settings.keys())), plan=plan)
    write_spec(project.run_folder(spec.run), resolved)
    return resolved


def options_of(spec: RunSpec) -> Options:
    """The options of a resolved spec."""
    return resolve_options(method_info(spec.method).options, spec.options or {})


def _check_patch(plan: Plan) -> None:
    """Make sure that the network can take the patches of a plan that somebody may have changed."""
    if any(len(stride) != plan.net.ndim for stride in plan.net.strides):
        raise SpecError(f"The strides of this run's network are not those of a {plan.net.ndim}-D one. Train a new one.")
    factor = plan.net.factor
    if len(plan.patch) != len(factor) or any(side % f for side, f in zip(plan.patch, factor, strict=True)):
        raise SpecError(
            f"Patches of {plan.patch} do not fit this run's network: their sides must be multiples of {factor}. "
            "Start a new training."
        )


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


def _going_on(plan: Plan, wishes: dict[str, Any]) -> Plan:
    """The plan of a run that begins with a model that segments: the model's, but for what may change."""
    chosen: dict[str, Any] = {name: value for name, value in wishes.items() if name not in FIXED}
    of_net = {"norm": wishes.get("norm", plan.net.norm), "dropout": chosen.pop("dropout", plan.net.dropout)}
    net = replace(plan.net, **of_net)
    patch = fit_patch(chosen.get("patch", plan.patch), net)
    step = window_step(patch, net) if net.sees_whole_input else plan.window_step
    return replace(plan, **{"window_step": step, **chosen, "net": net, "patch": patch})


def _same_eyes(plan: Plan, wishes: dict[str, Any]) -> dict[str, Any]:
    """What the plan of a run that starts from a self-supervised one must share with it: the classes may be new."""
    return fixed_by(plan) | {"clip": plan.clip, "norm": wishes.get("norm", plan.net.norm)}


def _cases(spec: RunSpec) -> tuple[str, ...]:
    return (*(entry.case for entry in spec.labelled), *spec.unlabelled)
