"""`train --dry-run`: what a training would do, tried out on a few steps; nothing is left behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..methods.catalog import MethodInfo, method_info
from ..runs.needs import avoid_text
from ..runs.outlook import Wish, look_ahead, take_stock
from ..runs.request import Asked, find_start, sketch_spec
from ..runs.spec import Plan, RunSpec
from ..runs.words import count, duration
from ..terminal.screen import Screen
from .describing import method_json, outlook_json, outlook_lines, value_text

if TYPE_CHECKING:
    from ..project import Project
    from ..runs.outlook import Outlook
    from ..training.rehearse import Rehearsal


def dry_run(project: Project, method: str, asked: Asked, screen: Screen) -> dict[str, Any]:
    """Plan a training, try out each of its phases and say what would come of it, as JSON values too.

    Raises
    ------
    MedSSLError
        When it could not be made; in the words in which it would be refused.
    """
    from ..training.rehearse import rehearse

    info = method_info(method)
    sketch = sketch_spec(project, method, **asked)
    screen.note("Planning, and trying out some steps; nothing in the project is changed …")
    tried = rehearse(project.root, sketch)
    outlook = _outlook(project, sketch, tried)
    changed = changed_options(tried.spec)
    assert tried.spec.plan is not None
    if not screen.machine:
        _show(screen, info, outlook, tried, changed)
    return {
        "dry_run": True,
        "preset": sketch.preset,
        "budget": dataclasses.asdict(sketch.budget),
        "start_from": sketch.start_from,
        **method_json(info, None),
        "outlook": outlook_json(outlook),
        "phases": [{**dataclasses.asdict(trial), "expected_steps": trial.expected_steps} for trial in tried.trials],
        "changed": changed,
        "options": tried.spec.options,
        "plan": dataclasses.asdict(tried.spec.plan),
        "begins_with": tried.begins_with,
        "warnings": list(tried.warnings),
    }


def changed_options(spec: RunSpec) -> list[dict[str, Any]]:
    """Options of a resolved spec that are not what they usually are, and who set them."""
    usual = dataclasses.asdict(method_info(spec.method).options())
    titles = {f.name: f.metadata["title"] for f in dataclasses.fields(method_info(spec.method).options)}
    whose = "published recipe" if spec.preset == "paper" else "going on from a model"
    return [
        {
            "name": name,
            "title": titles[name],
            "value": value,
            "default": usual[name],
            "by": "you" if name in spec.settings else whose,
        }
        for name, value in (spec.options or {}).items()
        if value != usual[name]
    ]


def plan_rows(plan: Plan, chosen: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The fields of a plan and of its network: name, value, and "you" where a person set it."""
    fields = {**dataclasses.asdict(plan), **dataclasses.asdict(plan.net)}
    for gone in ("net", "reasons", "labelled_voxels", "in_channels", "classes"):
        del fields[gone]
    if plan.normalisation != "ct":
        for gone in ("clip", "mean", "sd"):
            del fields[gone]
    return [(name, _plain(value), "you" if name in chosen else "") for name, value in fields.items()]


def _outlook(project: Project, sketch: RunSpec, tried: Rehearsal) -> Outlook:
    """The outlook, with the time that was measured just now."""
    propose = None if sketch.propose is None else len(sketch.propose)
    wish = Wish(
        sketch.method, sketch.preset, sketch.budget.minutes, sketch.budget.steps, sketch.start_from, sketch.device,
        sketch.settings, propose,
    )  # fmt: skip
    outlook = look_ahead(take_stock(project, sketch.seed), wish, find_start(project, sketch.start_from))
    if not tried.trials:
        return outlook
    steps = sum(trial.expected_steps for trial in tried.trials)
    expected = dataclasses.replace(
        outlook.estimate, training_seconds=tried.expected_seconds, steps=steps, like="the steps just tried"
    )
    return dataclasses.replace(outlook, estimate=expected, time=expected.text)


def _show(screen: Screen, info: MethodInfo, outlook: Outlook, tried: Rehearsal, changed: list[dict[str, Any]]) -> None:
    plan, settings = tried.spec.plan, tried.spec.settings
    assert plan is not None
    screen.say("\n".join([info.title, *outlook_lines(outlook), f"  Not when: {avoid_text(info)}"]))
    for trial in tried.trials:
        pace = f"{trial.step_seconds:.3g} s a step"
        length = f"{count(trial.expected_steps, 'step')} in {duration(trial.expected_seconds)}"
        screen.say(f"  {trial.title}: {pace}, about {length}.")
    if tried.begins_with:
        screen.say(f"  {tried.begins_with}")
    for warning in tried.warnings:
        screen.say(f"  Note: {warning}")
    screen.say("\nThe plan:")
    for reason in plan.reasons:
        screen.say(f"  {reason}")
    screen.table("", ["field", "value", "set by"], plan_rows(plan, settings))
    if changed:
        rows = [(c["name"], value_text(c["value"]), value_text(c["default"]), c["by"], c["title"]) for c in changed]
        screen.table("Options that are not as usual:", ["option", "value", "usually", "set by", "what it is"], rows)
    else:
        screen.say("All options are as usual.")
    screen.say("Nothing was written. Run it without --dry-run to train.")


def _plain(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " ".join("x".join(map(str, v)) if isinstance(v, tuple | list) else value_text(v) for v in value) or "–"
    return "–" if value is None else value_text(value)
