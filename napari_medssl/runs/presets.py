"""What stands behind the settings a person makes: the preset. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from ..methods.catalog import MethodInfo
from ..methods.options import Options

Preset = Literal["auto", "paper"]
PRESET_TITLES: Mapping[str, str] = {"auto": "Fitted to your scans", "paper": "As published"}


def preset_settings(
    info: MethodInfo, preset: str, ndim: int, chosen: Mapping[str, Any], *, continuing: bool
) -> dict[str, Any]:
    """Settings of a preset under those that a person chose: options, and fields of the plan.

    Parameters
    ----------
    info : MethodInfo
    preset : str
    ndim : int
        Of the scans: 2 or 3.
    chosen : mapping
    continuing : bool
        Whether the run begins with a model that has learnt from labels; see `starting.has_learnt_labels`.
    """
    if preset == "paper":
        return dict(info.options.over_paper(info.paper(ndim), chosen))
    return (dict(info.options.CONTINUING) if continuing else {}) | dict(chosen)


def preset_options(info: MethodInfo, preset: str, ndim: int, *, continuing: bool) -> dict[str, Any]:
    """The value of every option of a method where a person sets nothing."""
    values = {field.name: field.default for field in dataclasses.fields(info.options)}
    settings = preset_settings(info, preset, ndim, {}, continuing=continuing)
    return values | {name: value for name, value in settings.items() if name in values}


def own_steps(options: Options) -> int:
    """Length of a run that neither minutes nor steps bound: the options "steps" and "…_steps" of its phases."""
    names = (field.name for field in dataclasses.fields(options))
    return sum(int(getattr(options, name)) for name in names if name == "steps" or name.endswith("_steps"))
