"""What stands behind the settings a person makes: preset, published network, the model to begin with. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from ..methods.catalog import CATALOG, MethodInfo
from ..methods.options import Options
from .history import PastRun
from .settings import as_tuples, check_settings
from .spec import Plan
from .starting import FIXED, NETWORK, changed_wishes, has_learnt_labels

Preset = Literal["auto", "paper"]
PRESET_TITLES: Mapping[str, str] = {"auto": "Fitted to your scans", "paper": "As published"}

#: What a recipe may ask for and a model to begin with may decide otherwise, in words.
ASKED = {
    "the network": NETWORK,
    "the resolution": ("spacing", "slice_axis"),
    "the scaling of values": ("normalisation",),
}


def preset_settings(
    info: MethodInfo, preset: str, ndim: int, chosen: Mapping[str, Any], start: PastRun | None = None
) -> dict[str, Any]:
    """Settings of a preset under those that a person chose: options, and fields of the plan.

    What a model to begin with fixes (`starting.FIXED`) is left to it; what a person chose of that stays, to be
    checked by `starting.unfit_start`.

    Parameters
    ----------
    info : MethodInfo
    preset : str
    ndim : int
        Of the scans: 2 or 3.
    chosen : mapping
    start : PastRun, optional
        The run to begin with.
    """
    plan = start.plan if start is not None else None
    ndim = plan.net.ndim if plan is not None else ndim
    recipe = _recipe(info, preset, ndim, chosen)
    if plan is not None:
        recipe = _left_by(plan, recipe)
    if preset != "paper" and has_learnt_labels(start):
        recipe |= info.options.CONTINUING
    return recipe | dict(chosen)


def own_wishes(info: MethodInfo, ndim: int, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Wishes for the plan that a person made; "network" is the architecture that the option of that name means.

    Raises
    ------
    SpecError
        As `check_settings`.
    """
    _, wishes = check_settings(info, chosen)
    other = _other_network(chosen, ndim)
    return wishes | ({"network": other["architecture"]} if other else {})


def overruled(info: MethodInfo, preset: str, start: PastRun | None) -> str:
    """What of a recipe the model to begin with decides, such as "the network and the resolution"; empty: nothing."""
    if preset != "paper" or start is None or start.plan is None:
        return ""
    recipe = _recipe(info, preset, start.plan.net.ndim, {})
    changed = changed_wishes(start.plan, {name: as_tuples(value) for name, value in recipe.items()})
    parts = [words for words, names in ASKED.items() if any(name in changed for name in names)]
    return " and ".join(", ".join(parts).rsplit(", ", 1))


def preset_options(info: MethodInfo, preset: str, ndim: int, start: PastRun | None = None) -> dict[str, Any]:
    """The value of every option of a method where a person sets nothing."""
    values = {field.name: field.default for field in dataclasses.fields(info.options)}
    settings = preset_settings(info, preset, ndim, {}, start)
    return values | {name: value for name, value in settings.items() if name in values}


def own_steps(options: Options) -> int:
    """Length of a run that neither minutes nor steps bound: the options "steps" and "…_steps" of its phases."""
    names = (field.name for field in dataclasses.fields(options))
    return sum(int(getattr(options, name)) for name in names if name == "steps" or name.endswith("_steps"))


def _recipe(info: MethodInfo, preset: str, ndim: int, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What a preset and a published network that a person chose ask for.

    Where the plan is fitted to the scans, values are scaled as the network knows them.
    """
    other = _other_network(chosen, ndim)
    network = {name: other[name] for name in (*NETWORK, "slice_axis") if name in other}
    if preset != "paper":
        return network | {name: value for name, value in other.items() if name == "normalisation"}
    ndim = len(network["strides"][0]) if network else ndim
    return dict(info.options.over_paper(info.paper(ndim), chosen)) | network


def _other_network(chosen: Mapping[str, Any], ndim: int) -> dict[str, Any]:
    """The published recipe of the method that the option "network" names; nothing where it names none."""
    info = CATALOG.get(str(chosen.get("network")))
    return {} if info is None else info.paper(ndim)


def _left_by(plan: Plan, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What of a recipe can be followed with the network and the sight of `plan`."""
    gone = set(FIXED)
    other_axes = len(recipe.get("patch", plan.patch)) != plan.net.ndim
    if recipe.get("architecture") != plan.net.architecture:
        gone |= {"window_step"}  # a habit with that network
    if other_axes:
        gone |= {"patch", "window_step"}
    if other_axes or (recipe.get("augmentation") == "tiles" and plan.normalisation != "range"):
        gone |= {"augmentation"}  # tiles are flat, and stretched to 0..1 as whole images then are
    return {name: value for name, value in recipe.items() if name not in gone}
