"""What a person may set by hand: options of the method and fields of the plan. No torch: napari asks before a start."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import SpecError
from ..methods.catalog import MethodInfo
from ..methods.options import Options, resolve_options
from .rules import SETTINGS, shown


def check_settings(info: MethodInfo, settings: Mapping[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Settings as the method's options and as wishes for the plan (lists as tuples).

    Raises
    ------
    SpecError
        When there is no such setting, or its value cannot be.
    """
    names = {f.name for f in dataclasses.fields(info.options)}
    unknown = sorted(set(settings) - names - PLAN_SETTINGS)
    if unknown:
        known = ", ".join(sorted(names | PLAN_SETTINGS))
        raise SpecError(f"There is no setting {', '.join(unknown)}; there are: {known}.")
    wishes = {}
    for name in sorted(PLAN_SETTINGS & settings.keys()):
        value = as_tuples(settings[name])
        what, fits = SETTINGS[name]
        if not fits(value):
            raise SpecError(f"Setting {name!r} must be {what}, not {shown(settings[name])}.")
        wishes[name] = value
    return resolve_options(info.options, {k: v for k, v in settings.items() if k in names}), wishes


def as_tuples(value: Any) -> Any:
    """JSON lists as tuples, as a plan holds them."""
    return tuple(as_tuples(v) for v in value) if isinstance(value, list | tuple) else value


#: Fields of the plan and of its network that can be set; others tell what is there. The device is asked for by itself;
#: "clip" is the option.
PLAN_SETTINGS = frozenset(SETTINGS)
