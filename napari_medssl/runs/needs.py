"""What a method needs before it can run, and what is said where it is not there. The only place with these words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..methods.catalog import MethodInfo
from ..plain import listed
from .words import count


@dataclass(frozen=True)
class Lack:
    """Why something cannot run, and what would make it run: whole sentences."""

    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.why} {self.remedy}".strip()


def needs_text(info: MethodInfo) -> str:
    """What a method needs, such as "2 labelled scans and 2 unlabelled scans"."""
    if not info.segments:
        return f"{count(max(1, info.needs_unlabelled), 'scan')}, no labels"
    needs = [count(info.needs_labelled, "labelled scan")]
    if info.needs_unlabelled:
        needs.append(count(info.needs_unlabelled, "unlabelled scan"))
    return " and ".join(needs)


def avoid_text(info: MethodInfo) -> str:
    """When not to use a method, to follow "Not when"."""
    words = info.not_when.removeprefix("When ")
    return words[:1].lower() + words[1:]


def unshown_text(unshown: Sequence[str], labelled: int) -> str:
    """That a model cannot learn structures that no label shows; empty where there are none."""
    if not unshown:
        return ""
    names = listed(unshown)
    none = "The only labelled scan" if labelled == 1 else f"None of the {labelled:,} labelled scans"
    shows = f"does not show {names}" if labelled == 1 else f"shows {names}"
    them = "it" if len(unshown) == 1 else "them"
    return f"{none} that a model learns from {shows}, so it cannot learn {them}. Label {names} in at least one scan."


def unmet(info: MethodInfo, labelled: int, unlabelled: int, classes: int, unshown: Sequence[str] = ()) -> Lack | None:
    """What a method lacks on a project; None when it can run.

    Parameters
    ----------
    labelled, unlabelled : int
        Scans it may learn from, as `picking.pick` picks them.
    classes : int
        Structures that the project names.
    unshown : sequence of str
        Those that no voxel of the labels is of.
    """
    if not info.segments:
        wanted, there = max(1, info.needs_unlabelled), labelled + unlabelled
        if there < wanted:
            return Lack(f"{count(wanted, 'scan')} needed, {there or 'none'} there.", "Add scans.")
        return None
    if labelled < info.needs_labelled:
        first = "" if classes else "Name the structures to segment, and label"
        more = count(info.needs_labelled - labelled, "more scan")
        return Lack(
            f"{count(info.needs_labelled, 'labelled scan')} needed, {labelled or 'none'} there.",
            f"{first or 'Label'} {more}.",
        )
    if not classes:
        return Lack("No structure to segment is named.", "Name at least one.")
    if labelled and len(unshown) == classes:
        empty = "the only labelled scan is" if labelled == 1 else f"all {labelled:,} labelled scans are"
        return Lack(
            f"Nothing to learn: {empty} empty, without a voxel of {listed(unshown, 'or')}.",
            f"Label {listed(unshown, 'or')} in at least one scan.",
        )
    if unlabelled < info.needs_unlabelled:
        return Lack(
            f"{count(info.needs_unlabelled, 'unlabelled scan')} needed, {unlabelled or 'none'} there.",
            "Add scans, or learn from the labelled scans only (method 'supervised').",
        )
    return None
