"""What the disk refused, as a line that a person can do something about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..disk import remedy
from ..errors import BadFileError, NotSavedError


@contextmanager
def one_clear_line(what: str, path: Path) -> Iterator[None]:
    """Turn a failed write into a `NotSavedError` that says what was not done, where, why, and what to do.

    Parameters
    ----------
    what : str
        The sentence's beginning: "Case 3: the labels were not saved".
    path : Path
        The folder or file to name where the error names none.

    Raises
    ------
    NotSavedError
        For any `OSError`, and for a `BadFileError` that stems from one.
    """
    try:
        yield
    except BadFileError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise _clear(what, error.path, error.__cause__) from error
    except OSError as error:
        raise _clear(what, Path(error.filename) if isinstance(error.filename, str) else path, error) from error


def _clear(what: str, path: Path, error: OSError) -> NotSavedError:
    advice = remedy(error)
    return NotSavedError(
        f"{what}: {path}: {error.strerror or error}. {advice[:1].upper()}{advice[1:]}; what was saved before is "
        "untouched."
    )
