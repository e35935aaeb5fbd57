"""What is odd about a set of scans and labels: comparisons of facts that were read from their files. Pure.

`examining` reads the files. A finding says what is odd, about which scans, and what to do; only an error is reason
enough to leave scans out unasked.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from ..imaging import way_out
from ..plain import listed
from .findings import LEVELS, Finding, Mask, Scan, about
from .patients import shared_patients

FEW = 3  # scans below which nothing is usual, so nothing is unusual
SPACING_FACTOR = 2.0  # of the median, either way
SHAPE_FACTOR = 3.0
RANGE_FACTOR = 20.0
_NUMBER = re.compile(r"\d[\d.e+-]*")
TOUCHES_AIR = -900.0  # HU


def compare(scans: Sequence[Scan], masks: Sequence[Mask] = (), known: Mapping[int, str] | None = None) -> list[Finding]:
    """All that is odd, worst first.

    Parameters
    ----------
    scans, masks : sequences
    known : mapping of int to str, optional
        Values that labels may have besides 0 and 255, with their names; by default what most label files have.
    """
    found = [
        *_kinds(scans),
        *_duplicates(scans),
        *_intensities(scans),
        *_grids(scans),
        *_orientations(scans),
        *_headers(scans),
        *_masks(scans, masks),
        *_values(masks, known),
        *_unseen(masks),
        *_unshown(masks, known or {}),
        *shared_patients(scans),
    ]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def _kinds(scans: Sequence[Scan]) -> Iterator[Finding]:
    """Scans of another dimension, or with other channels, than most: a project has one kind."""
    kinds = Counter((scan.grid.ndim, scan.channels) for scan in scans)
    if len(kinds) < 2:
        return
    usual = kinds.most_common(1)[0][0]
    for kind in kinds:
        if kind != usual:
            odd = [scan for scan in scans if (scan.grid.ndim, scan.channels) == kind]
            yield about(
                odd, "error", "kind", f"{_kind(kind)} among scans that are {_kind(usual)}.",
                "Make a project of its own for them: a project holds one kind of scan.",
            )  # fmt: skip


def _kind(kind: tuple[int, int]) -> str:
    return f"{kind[0]}-D with {kind[1]} channel{'' if kind[1] == 1 else 's'}"


def _duplicates(scans: Sequence[Scan]) -> Iterator[Finding]:
    groups = defaultdict(list)
    for scan in scans:
        groups[scan.digest].append(scan)
    for same in groups.values():
        if len(same) > 1:
            across = len({scan.audit for scan in same}) > 1
            note = " One of them is set aside for the audit, another is learnt from." if across else ""
            yield Finding(
                "error", "duplicate", tuple(scan.name for scan in same), f"The same voxels.{note}",
                "Keep one. A scan that is there twice counts twice, and may be learnt from and measured on.",
                tuple(scan.key for scan in (same[1:] if not across else [one for one in same if not one.audit])),
            )  # fmt: skip


def _intensities(scans: Sequence[Scan]) -> Iterator[Finding]:
    flat = [scan for scan in scans if scan.high <= scan.low and scan.finite > 0]
    empty = [scan for scan in scans if scan.finite == 0]
    for odd, what in ((flat, "Nearly all voxels have the same value."), (empty, "No voxel is a number.")):
        if odd:
            yield about(odd, "error", "constant", what, "Look at the file: the export may have failed.")
    holes = [scan for scan in scans if 0 < scan.finite < 1]
    if holes:
        worst = min(scan.finite for scan in holes)
        yield about(
            holes, "warning", "not-a-number", f"Up to {1 - worst:.1%} of the voxels are no numbers.",
            "A model sees the mean in their place. Where that is wrong, export the scans again.",
        )  # fmt: skip
    usable = [scan for scan in scans if scan.high > scan.low]
    if len(usable) < FEW or any(scan.channels > 1 for scan in usable):
        return
    ct = [scan.low <= TOUCHES_AIR for scan in usable]
    mostly = sum(ct) * 2 > len(ct)
    others = [scan for scan, is_ct in zip(usable, ct, strict=True) if is_ct != mostly]
    spans = [scan.high - scan.low for scan in usable]
    usual = float(np.median(spans))
    far = [scan for scan, span in zip(usable, spans, strict=True) if _ratio(span, usual) > RANGE_FACTOR]
    unlike = list({scan.key: scan for scan in (*(others if any(ct) else ()), *far)}.values())
    if unlike and len(unlike) * 2 <= len(usable):
        one = unlike[0]
        yield about(
            unlike, "warning", "range",
            f"Values from {one.low:.4g} to {one.high:.4g} in {one.name}; usual are {_usual_range(usable)}.",
            "Another unit, or another kind of scan? Export them alike, or leave them out.",
        )  # fmt: skip


def _usual_range(scans: Sequence[Scan]) -> str:
    low, high = (float(np.median([getattr(scan, end) for scan in scans])) for end in ("low", "high"))
    return f"{low:.4g} to {high:.4g}"


def _grids(scans: Sequence[Scan]) -> Iterator[Finding]:
    solid = [scan for scan in scans if scan.grid.ndim == max((s.grid.ndim for s in scans), default=3)]
    if len(solid) < FEW:
        return
    turned = {scan.key: scan.grid.canonical().grid if scan.grid.ndim == 3 else scan.grid for scan in solid}
    for rule, values, factor, unit, form in (
        ("spacing", {key: grid.spacing for key, grid in turned.items()}, SPACING_FACTOR, "mm", "{:.3g}"),
        ("shape", {key: grid.shape for key, grid in turned.items()}, SHAPE_FACTOR, "voxels", "{:.0f}"),
    ):
        usual = np.median(list(values.values()), axis=0)
        odd = [
            scan for scan in solid if any(_ratio(a, b) > factor for a, b in zip(values[scan.key], usual, strict=True))
        ]
        if not odd or (unit == "mm" and solid[0].grid.unit == "pixel"):
            continue
        said = [" × ".join(form.format(n) for n in numbers) for numbers in (values[odd[0].key], usual)]
        name = "Voxel size" if rule == "spacing" else "Size"
        yield about(
            odd, "warning", rule, f"{name} of {odd[0].name}: {said[0]} {unit}; usual are {said[1]} {unit}.",
            "Scans are brought to one voxel size for learning. Leave them out if they are of another kind.",
        )  # fmt: skip


def _orientations(scans: Sequence[Scan]) -> Iterator[Finding]:
    solid = [scan for scan in scans if scan.grid.ndim == 3]
    blind = [scan for scan in solid if not scan.grid.oriented]
    if blind:
        yield about(
            blind, "warning", "orientation",
            "The file does not say how the scan lies in the patient; left and right cannot be told.",
            "Export them with orientation if you can. Without it they are shown as they are stored.",
        )  # fmt: skip
    ways = Counter(scan.grid.axcodes for scan in solid if scan.grid.oriented)
    if len(ways) > 1:
        usual = ways.most_common(1)[0][0]
        odd = [scan for scan in solid if scan.grid.oriented and scan.grid.axcodes != usual]
        yield about(
            odd, "info", "orientation", f"Stored in another order of axes ({odd[0].grid.axcodes}; usual is {usual}).",
            "Nothing to do: scans are turned by what their files say.",
        )  # fmt: skip


def _headers(scans: Sequence[Scan]) -> Iterator[Finding]:
    """What headers say in two ways; one finding where only the numbers in the sentence differ."""
    said: dict[str, list[tuple[Scan, str]]] = defaultdict(list)
    for scan in scans:
        for note in scan.notes:
            said[_NUMBER.sub("", note)].append((scan, note))
    for told in said.values():
        yield about(
            [scan for scan, _ in told], "warning", "header", told[0][1],
            "Look whether the scans lie as they should: other programs may show them otherwise.",
        )  # fmt: skip


def _masks(scans: Sequence[Scan], masks: Sequence[Mask]) -> Iterator[Finding]:
    of = {scan.key: scan for scan in scans}
    lost = [mask for mask in masks if mask.scan not in of]
    unclear = [mask for mask in lost if "could be" in mask.why]
    nameless = [mask for mask in lost if mask not in unclear]
    if nameless:
        yield Finding(
            "warning", "no-scan", tuple(mask.name for mask in nameless), "No scan has the name of these labels.",
            "Name label files like their scans: scan_1.nii.gz and scan_1_label.nii.gz.",
        )  # fmt: skip
    for mask in unclear:
        yield Finding("error", "several-scans", (mask.name,), mask.why, "It is not taken until that is clear.")
    for mask in masks:
        difference = of[mask.scan].grid.mismatch(mask.grid) if mask.scan in of else None
        if difference is not None:
            todo = way_out(of[mask.scan].grid, mask.grid)
            yield Finding(
                "error", "label-grid", (mask.name,), f"Not on the grid of its scan: {difference} (scan, labels).",
                f"The labels are not taken; the scan is. {todo[:1].upper()}{todo[1:]}.",
            )  # fmt: skip


def _values(masks: Sequence[Mask], known: Collection[int] | None) -> Iterator[Finding]:
    if known is None:
        counts = Counter(value for mask in masks for value in mask.values)
        known = {value for value, count in counts.items() if count > 1 or len(masks) < FEW}
    odd: dict[int, list[str]] = defaultdict(list)
    for mask in masks:
        for value in mask.values:
            if value not in known:
                odd[value].append(mask.name)
    for value, names in sorted(odd.items()):
        yield Finding(
            "warning", "label-values", tuple(names), f"Value {value}, which other labels do not have.",
            "Is it a structure of its own, or a slip? Labels with values that no structure has are not taken.",
        )  # fmt: skip


def _unseen(masks: Sequence[Mask]) -> Iterator[Finding]:
    """Labels that teach nothing: no structure, and 255 for most or all of it."""
    empty = [mask for mask in masks if not mask.values and mask.unseen > 0.5]
    binary = [mask for mask in masks if not mask.values and 0 < mask.unseen <= 0.5]
    if empty:
        yield Finding(
            "error", "nothing-looked-at", tuple(mask.name for mask in empty),
            "No structure, and most voxels are 255, which means 'not looked at': these labels teach nothing.",
            "If 255 is a structure in them, import them with --map 255=1 (the structure's value).",
        )  # fmt: skip
    if binary:
        yield Finding(
            "warning", "only-0-and-255", tuple(mask.name for mask in binary),
            "Labels that hold only 0 and 255: 255 means 'not looked at', so they show no structure.",
            "If 255 is the structure, import them with --map 255=1 (its value).",
        )  # fmt: skip


def _unshown(masks: Sequence[Mask], known: Mapping[int, str]) -> Iterator[Finding]:
    """Structures that no labels show, and labels that are all empty."""
    shown = {value for mask in masks for value in mask.values}
    absent = [name for value, name in known.items() if value not in shown]
    silent = all(mask.unseen for mask in masks)  # of those `_unseen` tells
    if not shown and not silent:
        which = listed(absent, "or") or "a structure"
        yield Finding(
            "warning", "no-structure", tuple(mask.name for mask in masks),
            f"All labels are empty: not one voxel is {which}. There is nothing to learn.",
            "Label a scan that shows a structure; if these labels should, look at them.",
        )  # fmt: skip
    elif shown and absent:
        names = listed(absent)
        yield Finding(
            "warning", "not-shown", tuple(absent), f"No labels show {names}: no model can learn "
            f"{'it' if len(absent) == 1 else 'them'}.",
            f"Label {names} in at least one scan. If the labels should show it, look at their values.",
        )  # fmt: skip


def _ratio(one: float, other: float) -> float:
    return max(one / other, other / one) if one > 0 and other > 0 else float("inf")
