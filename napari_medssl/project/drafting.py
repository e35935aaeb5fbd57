"""Who draws on a case: one window at a time. A second one is told before it saves anything, and may still draw.

`draft.json` beside the case says who; it is gone when the case is closed, and counts for nothing when its window died.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from ..errors import MedSSLError
from ..ownership import OwnedError, Owner, Ownership, living_owner, own

if TYPE_CHECKING:
    from .case import Case

DRAFT_NAME = "draft.json"


class Draft:
    """A window's word that it draws on a case; `release` it when the case is closed.

    Parameters
    ----------
    case : Case
    author : str
        Who draws.
    window : str
        The name of that window's lease.

    Attributes
    ----------
    holder : Owner or None
        The other window that draws on the case; None where there is no other.
    """

    def __init__(self, case: Case, author: str, window: str = "") -> None:
        self._path = case.folder / DRAFT_NAME
        self._author = author
        self._window = window
        self._ownership: Ownership | None = None
        self.holder: Owner | None = None
        self.take()

    @property
    def is_mine(self) -> bool:
        """Whether this window is the one that draws on the case; True, too, where no word of it can be left."""
        return self.holder is None

    def take(self) -> bool:
        """Draw on the case from now on, unless another window does; whether that worked. May be asked again."""
        if self._ownership is not None and not self._ownership.is_lost:
            return True
        try:
            self._ownership = own(self._path, self._author, {"window": self._window})
            self.holder = None
        except OwnedError as error:
            self.holder = error.owner
        except (OSError, MedSSLError):  # read-only: nobody can save anything here
            self.holder = None
        return self.is_mine

    def release(self) -> None:
        """The case is closed in this window."""
        if self._ownership is not None:
            self._ownership.release()
            self._ownership = None

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def who_drafts(case: Case, window: str = "") -> Owner | None:
    """Which window other than `window`, the name of a lease, draws on a case; None where none does."""
    owner = living_owner(case.folder / DRAFT_NAME)
    if owner is None or (window and owner.said.get("window") == window):
        return None
    return owner
