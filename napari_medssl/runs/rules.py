"""What the fields of a run may hold: one table for what a person sets and for what a file says. No torch.

The bounds are far beyond what any machine can train: they keep a slip of the keyboard, or a file from elsewhere, from
asking for more memory than there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

from ..nets.spec import Architecture

Fits = Callable[[Any], bool]
Rule = tuple[str, Fits]

MOST_VOXELS = 2**28  # of a patch
MOST_CHANNELS = 4096
MOST_STAGES = 12
MOST_STEPS = 1_000_000_000
MOST_MINUTES = 43_200  # a month
MOST_SEED = 2**63 - 1


def whole(low: int, high: int) -> Rule:
    """Whole numbers in a range, ends included."""
    return f"a whole number from {low:,} to {high:,}", lambda v: type(v) is int and low <= v <= high


def number(low: float = -math.inf, high: float = math.inf) -> Fits:
    """Finite numbers in a range, ends included."""
    return lambda v: type(v) in (int, float) and abs(v) < 1e300 and math.isfinite(v) and low <= v <= high


def one_of(*choices: str) -> Rule:
    """One of these words."""
    return f"one of {', '.join(choices)}", lambda v: v in choices


def list_of(fits: Fits, *lengths: int) -> Fits:
    """Tuples of such values, of one of these lengths (any, where none are given)."""
    return lambda v: isinstance(v, tuple) and (not lengths or len(v) in lengths) and all(map(fits, v))


def maybe(fits: Fits) -> Fits:
    """Such values, or none."""
    return lambda v: v is None or fits(v)


_side, _size = whole(1, 32_768)[1], number(1e-9, 1e9)
_stages = range(1, MOST_STAGES + 1)
_patch: Fits = lambda v: list_of(_side, 2, 3)(v) and math.prod(v) <= MOST_VOXELS  # noqa: E731 - one of a table

#: Fields of the plan and of its network that a person can set.
SETTINGS: Mapping[str, Rule] = {
    "spacing": ("two or three sizes above 0", list_of(_size, 2, 3)),
    "patch": (f"two or three whole numbers from 1 on, of at most {MOST_VOXELS:,} voxels together", _patch),
    "batch": whole(1, 1024),
    "slice_axis": ("0, 1, 2 or none", maybe(whole(0, 2)[1])),
    "normalisation": one_of("z-score", "range", "ct", "hounsfield", "unit"),
    "mean": ("a number", number()),
    "sd": ("a number above 0", number(1e-30)),
    "mirror_axes": ("axes from 0 to 2", list_of(whole(0, 2)[1])),
    "window_step": ("two or three whole numbers from 1 on, or none", maybe(list_of(_side, 2, 3))),
    "looks": ("1, 2 or 3", whole(1, 3)[1]),
    "single_piece": ("numbers of classes from 1 on", list_of(whole(1, 254)[1])),
    "many_contrasts": ("true or false", lambda v: isinstance(v, bool)),
    "augmentation": one_of("strong", "paper", "tiles", "none"),
    "precision": one_of("float32", "bfloat16"),
    "threads": whole(1, 1024),
    "architecture": one_of(*get_args(Architecture)),
    "widths": (
        f"a list of 1 to {MOST_STAGES} whole numbers from 1 to {MOST_CHANNELS:,}",
        list_of(whole(1, MOST_CHANNELS)[1], *_stages),
    ),
    "strides": (
        "a list of strides from 1 to 16 for each stage, such as [[1, 1, 1], [2, 2, 2]]",
        list_of(list_of(whole(1, 16)[1], 2, 3), *_stages),
    ),
    "dropout": ("a number from 0 to below 1", number(0, 1 - 1e-9)),
    "norm": one_of("batch", "instance", "group", "frozen"),
}

#: What else a run's file says.
_OTHERS: Mapping[str, Rule] = {
    "clip": ("two numbers, or none", maybe(list_of(number(), 2))),
    "labelled_voxels": ("a whole number from 0 on", whole(0, 2**62)[1]),
    "ndim": ("2 or 3", whole(2, 3)[1]),
    "in_channels": whole(1, 1024),
    "classes": whole(1, 255),
    "minutes": ("a number of minutes above 0 and below a month, or none", maybe(number(1e-9, MOST_MINUTES))),
    "steps": (f"a whole number from 1 to {MOST_STEPS:,}, or none", maybe(whole(1, MOST_STEPS)[1])),
    "seed": whole(0, MOST_SEED),
}
_ALL = {**SETTINGS, **_OTHERS}


def broken(values: Mapping[str, Any]) -> str | None:
    """What the first field that breaks its rule must be, as a clause; None where all keep theirs."""
    for name, value in values.items():
        if name in _ALL and not _ALL[name][1](value):
            return f"{name!r} must be {_ALL[name][0]}, not {shown(value)}"
    return None


def shown(value: Any) -> str:
    """A value that may be of any length, for a message."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
