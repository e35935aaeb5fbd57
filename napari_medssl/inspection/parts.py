"""The parts of an inspection, each with its pictures, or with the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..errors import MedSSLError, RunError
from ..inference.model import load_deployed
from ..methods.catalog import method_info
from ..nets.branches import Branched
from ..runs.request import start_run_folder
from .attention import Attention, attention_of, stage_number
from .features import feature_picture, not_air
from .findings import Bars, Picture
from .look import Look
from .networks import fresh_encoder, load_encoder
from .opinions import TITLES, agreement, opinion_names, opinions
from .restoring import restore
from .stages import on_case

WHOLE = (1, 1, 1)  # strides of network space itself
FLAT = 0.005  # a gate that is open by less than this is shut


@dataclass(frozen=True)
class Seen:
    """What one part of an inspection found; `facts` are numbers as JSON values."""

    pictures: tuple[Picture, ...] = ()
    bars: tuple[Bars, ...] = ()
    missing: tuple[str, ...] = ()
    facts: Any = None


def see_features(look: Look) -> Seen:
    """The feature picture before and after training, each with components of its own."""
    pictures, missing = [], []
    facts: dict[str, Any] = {"stage": look.stage}
    for name, title, make in _encoders(look):
        try:
            found = feature_picture(make(), look.image, look.plan, look.stage)
        except MedSSLError as error:
            if name == "after":
                raise
            missing.append(f"No {title}: {error}")
            continue
        if found is None:
            missing.append(f"No {title}: they are the same everywhere.")
            continue
        colours = on_case(found.colours, look.strides, look.grid, look.plan)
        components = found.components
        facts[name] = {
            "explained": [round(part, 4) for part in components.explained],
            "directions": round(components.directions, 2),
            "channels": found.channels,
        }
        caption = (
            f"{look.stage_text}; three components hold {sum(components.explained):.0%} of the variance, "
            f"{components.directions:.1f} of {found.channels} directions are in use"
        )
        array = np.stack([_bytes(one, 0.0, 1.0) for one in colours], axis=-1)
        pictures.append(Picture(f"features-{name}", "features", "colours", title, array, caption=caption))
    return Seen(tuple(pictures), missing=tuple(missing), facts=facts)


def see_restoration(look: Look) -> Seen:
    """PCRLv2: the scan, the scan spoilt as in training, and what the network makes of that."""
    spec = look.spec
    if spec.method != "pcrlv2":
        return Seen(missing=(f"No restoration: {spec.method} does not learn by restoring scans.",))
    try:
        found = restore(replace(spec, plan=look.plan), look.folder, look.image)
    except RunError as error:
        return Seen(missing=(f"No restoration: what restores is in the run's checkpoint only. {error}",))
    scans = (
        ("original", "the scan as the network is to restore it", found.original),
        ("distorted", f"spoilt: mean square error {found.spoilt_error:.3f}", found.spoilt),
        ("restored", f"restored: mean square error {found.restored_error:.3f}", found.restored),
    )
    inside = not_air(look.image)
    limits = [_span(channel[inside]) for channel in found.original]
    pictures: list[Picture] = []
    for name, caption, scan in scans:
        channels = on_case(torch.from_numpy(scan), WHOLE, look.grid, look.plan)
        if len(channels) == 3 and look.grid.ndim == 2:
            array = np.stack([_bytes(one, *span) for one, span in zip(channels, limits, strict=True)], axis=-1)
            pictures.append(Picture(name, "restoration", "colours", name, array, caption=caption))
            continue
        for index, (channel, span) in enumerate(zip(channels, limits, strict=True)):
            alone = len(channels) == 1
            file, title = (name, name) if alone else (f"{name}-{index + 1}", f"{name}, {look.project.channels[index]}")
            pictures.append(Picture(file, "restoration", "grey", title, channel, span, caption))
    facts = {"distorted_error": round(found.spoilt_error, 5), "restored_error": round(found.restored_error, 5)}
    return Seen(tuple(pictures), facts=facts)


def see_attention(look: Look) -> Seen:
    """CDMA: how far the gates of each branch are open, at each place and for each channel."""
    if not look.plan.net.branches:
        return Seen(
            missing=(f"No attention maps: the network of {look.spec.run} ({look.spec.method}) has no branches.",)
        )
    member = load_deployed(look.folder, look.plan.device, look.plan.threads, "float32").members[0]
    assert isinstance(member, Branched)
    pictures: list[Picture] = []
    bars: list[Bars] = []
    facts: dict[str, Any] = {}
    for gate in attention_of(member, look.image, look.plan):
        number = 1 + sum(name.startswith(f"{gate.branch}-{gate.kind}-") for name in facts)
        name = f"{gate.branch}-{gate.kind}-{number}"
        title = _gate_title(gate, look, number)
        low, high = _span(gate.opened.numpy())
        facts[name] = {"low": round(low, 4), "high": round(high, 4), "every": list(gate.strides)}
        if gate.kind == "channels":
            bars.append(Bars(name, title, tuple(sorted((round(float(v), 4) for v in gate.channels), reverse=True))))
        if (gate.branch, gate.kind) != ("csa", "channels"):  # its picture is that of the places, which come next
            opened = on_case(gate.opened, gate.strides, look.grid, look.plan)[0]
            caption, limits = f"open from {low:.2f} (dark) to {high:.2f} (bright)", (low, high)
            if high < FLAT or low > 1 - FLAT:  # differences are nothing to look at
                caption, limits = ("shut" if high < FLAT else "open") + " everywhere", (0.0, 1.0)
            pictures.append(Picture(name, "attention", "heat", title, opened, limits, caption))
    return Seen(tuple(pictures), tuple(bars), facts=facts)


def see_predictions(look: Look) -> Seen:
    """What each network, or each branch of it, says by itself."""
    spec = look.spec
    if not method_info(spec.method).segments:
        return Seen(missing=(f"No predictions: {spec.method} learns to look at scans, not to segment them.",))
    model = load_deployed(look.folder, look.plan.device, look.plan.threads, "float32")
    names = opinion_names(spec, len(model.members))
    found = opinions(model.members, model.values, look.image, look.grid, look.plan)
    pictures, facts = [], {}
    for name, labels in zip(names, found, strict=True):
        same = agreement(found[0], labels)
        facts[name] = {"agreement": round(same, 4)}
        caption = "this one makes the proposals" if name == names[0] else f"Dice {same:.3f} to {TITLES[names[0]]}"
        pictures.append(Picture(f"says-{name}", "predictions", "labels", TITLES[name], labels, caption=caption))
    return Seen(tuple(pictures), facts=facts)


def _encoders(look: Look) -> Iterator[tuple[str, str, Callable[[], nn.Module]]]:
    """Name, title and encoder: as it was when training began, and as training left it."""
    spec, plan = look.spec, look.plan
    if spec.start_from:
        start = spec.start_from
        before = f"features before {spec.run}, as {Path(start).name} left them"
        yield "before", before, lambda: load_encoder(start_run_folder(look.project, start), plan)
    else:
        yield "before", f"features before {spec.run}, of random weights", lambda: fresh_encoder(spec)
    yield "after", f"features after {spec.run}", lambda: load_encoder(look.folder, plan)


def _gate_title(gate: Attention, look: Look, number: int) -> str:
    stage = stage_number(gate.strides, look.plan)
    where = f"stage {stage}" if stage else f"gate {number}"
    several = f", gate {number}" if look.plan.net.architecture == "mtnet" and stage else ""
    return f"{gate.branch.upper()}, {gate.kind}, {where}{several}"


def _span(values: NDArray[np.floating]) -> tuple[float, float]:
    low, high = (float(v) for v in np.percentile(values.astype(np.float32), (1, 99)))
    return (low, high) if high > low else (low, low + 1e-3)


def _bytes(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    share = np.clip((values.astype(np.float32) - low) / (high - low), 0, 1)
    out: NDArray[np.uint8] = np.round(share * 255).astype(np.uint8)
    return out
