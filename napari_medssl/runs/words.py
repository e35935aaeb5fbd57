"""Numbers as a person would say them. Pure."""

from __future__ import annotations

DAY = 24 * 60  # minutes


def count(number: int, what: str) -> str:
    """ "1 scan", "4 labelled scans", "17,000 steps"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """A span of time, as exactly as it matters."""
    if seconds < 50:
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 3570:
        return f"{max(1, round(seconds / 60))} min"
    minutes = round(seconds / 60)
    if minutes >= 2 * DAY:
        return f"{round(minutes / DAY)} days"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours < 10 and rest else f"{round(minutes / 60)} h"
