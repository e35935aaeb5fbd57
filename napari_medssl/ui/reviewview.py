"""What the Review page says of the regions of a proposal, and of what differs between two masks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .colours import DIFFERENCE
from .deciding import Part, RegionState

if TYPE_CHECKING:
    from ..selection.regions import Region
    from .display import Display
    from .facts import ClassFacts

STATES: Mapping[RegionState, str] = {
    "open": "○ open",
    "accepted": "✓ accepted",
    "rejected": "✗ background",
    "corrected": "✎ corrected",
    "before": "✓ decided before",
}
Kind = Literal["labels", "previous"]


@dataclass(frozen=True)
class RegionLine:
    """A region of the list: `tile` are its RGB bytes, `size` its expected error and `slices` its place in words.

    `between` are the two classes whose border is in doubt; empty for other regions.
    """

    number: int
    key: str
    reason: str
    size: str
    tile: bytes
    state: RegionState = "open"
    slices: str = ""
    between: tuple[int, ...] = ()


@dataclass(frozen=True)
class Difference:
    """The comparison that is on: with the labels, or with the proposal of `run`; voxels, once counted, of each kind."""

    kind: Kind
    run: str = ""
    counts: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Review:
    """How far the review of the proposal on the screen has come; `current` is the region last gone to."""

    lines: tuple[RegionLine, ...] = ()
    current: int | None = None
    difference: Difference | None = None


@dataclass(frozen=True)
class ReviewState:
    """What the page draws.

    Attributes
    ----------
    parts : tuple of (Part, str)
        What can be decided about; the part of the current region has no `what`.
    between : tuple of ClassFacts
        The two structures whose border the current region is; empty for other regions.
    compare : str
        The difference view that is on: "", "labels" or "previous".
    legend : tuple of (str, str)
        Colour and meaning of what it shows.
    """

    case: str = ""
    lines: tuple[RegionLine, ...] = ()
    current: int | None = None
    text: str = ""
    can_review: bool = False
    parts: tuple[tuple[Part, str], ...] = ()
    between: tuple[ClassFacts, ...] = ()
    compare: str = ""
    previous: str | None = None
    legend: tuple[tuple[str, str], ...] = ()
    legend_text: str = ""

    @property
    def border_hint(self) -> str:
        """What to do with a region that is a border; empty for other regions."""
        if not self.between:
            return ""
        ways = [f"{one.name} (Ctrl+Alt+{one.key})" if one.key else one.name for one in self.between]
        return f"This region is a border: make it {ways[0]} or {ways[1]}. Background would leave a hole between them."


def region_line(region: Region, tile: bytes, display: Display) -> RegionLine:
    """The line of a region, open."""
    reason = region.reason[:1].upper() + region.reason[1:]
    size = f"{size_text(region.expected_error, display)} at stake"
    between = (region.value, region.other) if region.other else ()
    return RegionLine(region.number, region.key, reason, size, tile, slices=slices_text(region), between=between)


def slices_text(region: Region) -> str:
    """Which slices a region is on, counted from 1 as the planes are; empty for an image."""
    if len(region.box) < 3:
        return ""
    first, end = region.box[0]
    return f"slice {end}" if end == first + 1 else f"slices {first + 1}–{end}"


def size_text(size: float, display: Display) -> str:
    """A volume (an area in 2-D) in words."""
    if display.units[0] != "mm":
        return f"{size:.0f} px"
    if len(display.shape) == 2:
        return f"{size:.0f} mm²"
    return f"{size / 1000:.1f} ml" if size >= 1000 else f"{size:.0f} mm³"


def previous_run(proposals: Sequence[tuple[str, str]], shown: str | None) -> str | None:
    """The run whose proposal came before the one shown; `proposals` are newest first."""
    runs = [run for run, _ in proposals]
    older = runs[runs.index(shown) + 1 :] if shown in runs else []
    return older[0] if older else None


def review_state(
    review: Review | None, classes: Sequence[ClassFacts], proposals: Sequence[tuple[str, str]], shown: str | None,
    case: str = "",
) -> ReviewState:  # fmt: skip
    """What to show of the review of the proposal of the run `shown` for a case."""
    if review is None or shown is None:
        return ReviewState()
    parts = [(Part("region"), "This region"), (Part("slice"), "This slice")]
    parts += [(Part("class", str(one.value)), f"All {one.name}") for one in classes]
    difference = review.difference
    return ReviewState(
        case=case,
        lines=review.lines,
        current=review.current,
        text=_progress(review.lines),
        can_review=True,
        parts=(*parts, (Part("case"), "The whole case")),
        between=_between(review, classes),
        compare="" if difference is None else difference.kind,
        previous=previous_run(proposals, shown),
        legend=() if difference is None else _legend(difference),
        legend_text="" if difference is None else _legend_text(difference, shown),
    )


def _between(review: Review, classes: Sequence[ClassFacts]) -> tuple[ClassFacts, ...]:
    values = () if review.current is None else review.lines[review.current - 1].between
    found = [one for value in values for one in classes if one.value == value]
    return tuple(found) if len(found) == 2 else ()


def _progress(lines: Sequence[RegionLine]) -> str:
    if not lines:
        return "none stands out. Look the proposal through, then accept it."
    done = sum(line.state != "open" for line in lines)
    if done == len(lines):
        return f"{'all ' * (done > 1)}{done} reviewed. Accept the case (Alt+A)."
    return f"{done} of {len(lines)} reviewed"


def _legend(difference: Difference) -> tuple[tuple[str, str], ...]:
    words = (
        ("only the model", "only you", "another class")
        if difference.kind == "labels"
        else ("new", f"gone since {difference.run}", "another class")
    )
    counts = ("",) * 3 if difference.counts is None else tuple(f": {count:,} voxels" for count in difference.counts)
    return tuple((colour, word + count) for colour, word, count in zip(DIFFERENCE, words, counts, strict=True))


def _legend_text(difference: Difference, shown: str) -> str:
    if difference.kind == "labels":
        return f"Proposal of {shown} against your labels, where you have looked."
    return f"Proposal of {shown} against that of {difference.run}."
