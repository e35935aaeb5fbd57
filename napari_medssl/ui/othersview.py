"""Who else works on the case on the screen, in words, and what a person can choose then. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Newer:
    """Labels that somebody saved after those on the screen.

    Attributes
    ----------
    revision, author, time : str
        Id, who, and when (ISO 8601, UTC).
    complete : bool
        Whether they are complete.
    voxels, slices : int or None
        Where they differ from what is on the screen, of what was looked at in both; None while that is being counted.
    one_sided : int
        Voxels that were looked at in one of the two only.
    """

    revision: str
    author: str
    time: str
    complete: bool
    voxels: int | None = None
    slices: int = 0
    one_sided: int = 0


@dataclass(frozen=True)
class Others:
    """What is known of others at the case: `holder` has it open since `since` (ISO 8601), and `newer` labels."""

    holder: str = ""
    since: str = ""
    newer: Newer | None = None
    differing: bool = False  # the difference is on the screen


@dataclass(frozen=True)
class OthersView:
    """What the box says; `choices` are there when somebody saved newer labels.

    Attributes
    ----------
    words : str
        Empty: the box is hidden.
    choices : bool
        Whether to choose between these labels and the newer ones.
    open_tip, keep_tip : str
        What the two choices do.
    can_keep : bool
        Whether there is anything of one's own.
    can_differ, differing : bool
        Whether the difference can be shown, and is.
    """

    words: str = ""
    choices: bool = False
    open_tip: str = ""
    keep_tip: str = ""
    can_keep: bool = False
    can_differ: bool = False
    differing: bool = False


def others_view(case: str, others: Others, me: str, *, save: str, complete: bool) -> OthersView:
    """What to show.

    Parameters
    ----------
    me : str
        The person at this window.
    save : str
        How far what was drawn here is saved, as in `OpenCase`; "held": it is noted, and no revision has it.
    complete : bool
        The case was complete as this window saved it last.
    """
    newer, unsaved = others.newer, save == "held"
    if newer is None:
        return OthersView() if not others.holder else OthersView(_open_elsewhere(case, others, me))
    who = _who(newer.author, me)
    state = "complete" if newer.complete else "a draft"
    said = [f"{who} saved newer labels of {case} at {clock(newer.time)} ({state})."]
    if newer.voxels is not None:
        said.append(_differ(newer.voxels, newer.slices, newer.one_sided))
    if unsaved:
        said.append("What you drew since is noted, and not saved as labels until you choose.")
    theirs = "They" if newer.author != me else "The others"
    open_tip = f"Show {'their' if newer.author != me else 'the other'} labels. " + (
        "What you drew stays in the history of the case." if unsaved else "Yours stay in the history of the case."
    )
    keep_tip = f"Save the labels on the screen as the newest. {theirs} stay in the history of the case."
    if newer.complete and (unsaved or not complete):
        keep_tip += " The case is a draft then."
    return OthersView(" ".join(said), True, open_tip, keep_tip, save != "clean", bool(newer.voxels), others.differing)


def clock(time: str) -> str:
    """A time of UTC as this computer's clock shows it; with the day where that is not today."""
    try:
        when = datetime.fromisoformat(time).astimezone()
    except ValueError:
        return time
    today = when.date() == datetime.now().astimezone().date()
    return f"{when:%H:%M}" if today else f"{when:%d %b %H:%M}"


def _who(author: str, me: str) -> str:
    if author and author == me:
        return "You (in another window, or on the command line)"
    return author or "Somebody"


def _open_elsewhere(case: str, others: Others, me: str) -> str:
    since = f" since {clock(others.since)}" if others.since else ""
    if others.holder == me:
        return f"{case} is open in another window of yours{since}. Draw in one of them only."
    asked = "you are asked before newer labels are replaced"
    return f"{others.holder}, too, has {case} open{since}. Agree on who draws: {asked}."


def _differ(voxels: int, slices: int, one_sided: int) -> str:
    planes = f" on {slices} slice{'s' if slices != 1 else ''}" if slices else ""
    if not one_sided:
        if not voxels:
            return "They are the same as those on the screen."
        return f"They differ from those on the screen in {voxels:,} voxels{planes}."
    said = f"they differ in {voxels:,} voxels{planes}" if voxels else "they agree"
    return f"Where both were looked at {said}; {one_sided:,} voxels were looked at in one of them only."
