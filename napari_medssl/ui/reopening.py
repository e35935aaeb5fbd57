"""What a dock had open that was closed: the next one of the same window goes on there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary


@dataclass(frozen=True)
class Left:
    """The project, the case (None where none was open), and the page."""

    root: Path
    case: str | None
    page: int


_left: WeakKeyDictionary[Any, Left] = WeakKeyDictionary()


def remember(viewer: Any, left: Left | None) -> None:
    """A dock of this viewer is closed."""
    viewer = _itself(viewer)
    if left is None:
        _left.pop(viewer, None)
    else:
        _left[viewer] = left


def take_up(viewer: Any) -> Left | None:
    """What the dock before had open; None where there was none, and once it is taken up."""
    return _left.pop(_itself(viewer), None)


def _itself(viewer: Any) -> Any:
    """The viewer, of which napari hands each plugin another proxy."""
    return getattr(viewer, "__wrapped__", viewer)
