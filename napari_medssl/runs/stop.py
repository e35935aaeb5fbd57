"""Asking a run to stop: a small file that it looks at between steps, so that anybody who sees the folder may ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from ..disk import read_json_or_none, write_json
from ..errors import BadFileError, RunError

How = Literal["keep", "pause", "discard"]
StopToken = Callable[[], How | None]
STOP_NAME = "stop.json"


def request_stop(folder: Path, how: How) -> None:
    """Ask the run of a folder to stop.

    Parameters
    ----------
    folder : Path
    how : str
        "keep": deploy what was learnt so far and propose with it. "pause": save, to be resumed. "discard": end and
        throw the model away.

    Raises
    ------
    RunError
        When the request cannot be written.
    """
    try:
        write_json(folder / STOP_NAME, {"how": how})
    except BadFileError as error:
        raise RunError(f"Run {folder.name} cannot be asked to stop. {error}") from error


def withdraw_stop(folder: Path) -> None:
    """Remove a request that was heard, or that an earlier process left."""
    (folder / STOP_NAME).unlink(missing_ok=True)


def stop_token(folder: Path) -> StopToken:
    """A function that says how the run of `folder` is asked to stop, None while it is not."""
    path = folder / STOP_NAME

    def asked() -> How | None:
        try:
            how = (read_json_or_none(path) or {}).get("how")
        except OSError:
            return None
        return how if how in get_args(How) else None

    return asked
