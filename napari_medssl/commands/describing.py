"""Methods, options and outlooks as lines for people and as JSON values for machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..methods.catalog import MethodInfo
from ..runs.needs import avoid_text, needs_text
from ..runs.outlook import Outlook
from ..runs.presets import preset_options


def value_text(value: Any) -> str:
    """A value of an option."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def range_text(meta: Mapping[str, Any]) -> str:
    """The values that an option may have."""
    if meta["choices"]:
        return ", ".join(meta["choices"])
    low = "" if meta["low"] is None else f"from {meta['low']:g}"
    high = "" if meta["high"] is None else f"to {meta['high']:g}"
    return f"{low} {high} {meta['unit']}".strip() or "on, off"


def method_lines(info: MethodInfo, outlook: Outlook | None) -> list[str]:
    """A method, and what would come of it on a project, for people."""
    lines = [f"{info.name}: {info.title}", f"  {info.summary}", f"  Needs: {needs_text(info)}."]
    if outlook is not None:
        lines += outlook_lines(outlook)
    return [*lines, f"  Not when: {avoid_text(info)}"]


def outlook_lines(outlook: Outlook) -> list[str]:
    """What a run would use and how long it would take, or why it cannot run."""
    if outlook.lack is not None:
        return [f"  Cannot run: {outlook.lack}"]
    recipe = [f"  Recipe: {outlook.departs}"] if outlook.departs else []
    caution = [f"  ⚠ {outlook.caution}"] if outlook.caution else []
    return [f"  Uses: {outlook.uses}. {outlook.measured}", *caution, *recipe, f"  Time: {outlook.time}"]


def method_json(info: MethodInfo, outlook: Outlook | None) -> dict[str, Any]:
    """The same as JSON values."""
    told: dict[str, Any] = {
        "name": info.name,
        "kind": info.kind,
        "title": info.title,
        "summary": info.summary,
        "not_when": info.not_when,
        "needs": {"labelled": info.needs_labelled, "unlabelled": info.needs_unlabelled, "text": needs_text(info)},
        "proposes": info.segments,
    }
    return told if outlook is None else told | {"outlook": outlook_json(outlook)}


def outlook_json(outlook: Outlook) -> dict[str, Any]:
    """An outlook as JSON values."""
    names = (
        "uses",
        "measured",
        "departs",
        "time",
        "labelled",
        "unlabelled",
        "held_out",
        "audit",
        "proposals",
        "caution",
    )
    lack = outlook.lack
    return {
        "can_run": outlook.can_run,
        "why_not": lack and lack.why,
        "remedy": lack and lack.remedy,
        **{name: getattr(outlook, name) for name in names},
        "estimate": dataclasses.asdict(outlook.estimate),
    }


def options_json(info: MethodInfo) -> list[dict[str, Any]]:
    """The options of a method with their metadata, those that are often changed first, as in napari's form."""
    published = {ndim: preset_options(info, "paper", ndim) for ndim in (2, 3)}
    fields = sorted(dataclasses.fields(info.options), key=lambda field: bool(field.metadata["advanced"]))
    return [
        {
            "name": field.name,
            "default": field.default,
            **{key: list(value) if isinstance(value, tuple) else value for key, value in field.metadata.items()},
            "published": {f"{ndim}d": published[ndim][field.name] for ndim in (2, 3)},
        }
        for field in fields
    ]
