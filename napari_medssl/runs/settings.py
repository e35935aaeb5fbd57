"""What a person may set by hand: options of the method and fields of the plan. No torch: napari asks before a start."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

from ..errors import SpecError
from ..methods.catalog import MethodInfo
from ..methods.options import Options, resolve_options
from ..nets.spec import Architecture


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
        what, fits = _RULES[name]
        if not fits(value):
            raise SpecError(f"Setting {name!r} must be {what}, not {settings[name]!r}.")
        wishes[name] = value
    return resolve_options(info.options, {k: v for k, v in settings.items() if k in names}), wishes


def as_tuples(value: Any) -> Any:
    """JSON lists as tuples, as a plan holds them."""
    return tuple(as_tuples(v) for v in value) if isinstance(value, list | tuple) else value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_size(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_axis(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2


def _list_of(fits: Callable[[Any], bool], *lengths: int) -> Callable[[Any], bool]:
    """Tuples of such values, of one of these lengths (any, where none are given)."""
    return lambda v: isinstance(v, tuple) and (not lengths or len(v) in lengths) and all(map(fits, v))


def _one_of(*choices: str) -> tuple[str, Callable[[Any], bool]]:
    return f"one of {', '.join(choices)}", lambda v: v in choices


_RULES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "spacing": ("two or three sizes above 0", _list_of(_is_size, 2, 3)),
    "patch": ("two or three whole numbers from 1 on", _list_of(_is_count, 2, 3)),
    "batch": ("a whole number from 1 on", _is_count),
    "slice_axis": ("0, 1, 2 or none", lambda v: v is None or _is_axis(v)),
    "normalisation": _one_of("z-score", "range", "ct", "hounsfield", "unit"),
    "mean": ("a number", _is_number),
    "sd": ("a number above 0", _is_size),
    "mirror_axes": ("axes from 0 to 2", _list_of(_is_axis)),
    "window_step": (
        "two or three whole numbers from 1 on, or none",
        lambda v: v is None or _list_of(_is_count, 2, 3)(v),
    ),
    "looks": ("1, 2 or 3", lambda v: _is_count(v) and v <= 3),
    "single_piece": ("numbers of classes from 1 on", _list_of(_is_count)),
    "many_contrasts": ("true or false", lambda v: isinstance(v, bool)),
    "augmentation": _one_of("strong", "paper", "tiles", "none"),
    "precision": _one_of("float32", "bfloat16"),
    "threads": ("a whole number from 1 on", _is_count),
    "architecture": _one_of(*get_args(Architecture)),
    "widths": ("a list of whole numbers from 1 on", lambda v: _list_of(_is_count)(v) and len(v) > 0),
    "strides": (
        "a list of strides for each stage, such as [[1, 1, 1], [2, 2, 2]]",
        lambda v: _list_of(_list_of(_is_count, 2, 3))(v) and len(v) > 0,
    ),
    "dropout": ("a number from 0 to below 1", lambda v: _is_number(v) and 0 <= v < 1),
    "norm": _one_of("batch", "instance", "group", "frozen"),
}

#: Fields of the plan and of its network that can be set; others tell what is there. The device is asked for by itself;
#: "clip" is the option.
PLAN_SETTINGS = frozenset(_RULES)
