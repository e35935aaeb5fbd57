"""Tensors on disk: safetensors, with JSON in the header for the rest; no pickle is read or written.

A file is written to a temporary name and renamed: a state is there as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..disk import replacing, sweep
from ..errors import BadFileError, RunError


def save_tensors(path: Path, tensors: Mapping[str, Tensor], meta: str) -> None:
    """Write tensors and a JSON text in one piece.

    Raises
    ------
    RunError
        When the disk is full or read-only.
    """
    sweep(path.parent)
    try:
        with replacing(path) as temporary:
            save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, temporary, {"medssl": meta})
    except BadFileError as error:
        raise RunError(f"The model could not be saved. {error} The run can be resumed.") from error
    except SafetensorError as error:
        raise RunError(
            f"{path}: the model could not be saved ({error}). Free some space; the run can be resumed."
        ) from error


def load_tensors(path: Path, tensors: bool = True) -> tuple[dict[str, Tensor], str]:
    """Tensors (none when not `tensors`) and the JSON text of a file.

    Raises
    ------
    RunError
        When it is missing, damaged or of another program.
    """
    if not path.exists():
        raise RunError(f"{path.parent.name}: this run has no {path.stem} on disk. Train it, or choose another run.")
    try:
        with safe_open(path, framework="pt") as file:
            meta = (file.metadata() or {}).get("medssl")
            found = {key: file.get_tensor(key) for key in file.keys()} if tensors else {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path}: the file is damaged ({error}). Resume or train the run again.") from error
    if meta is None:
        raise RunError(f"{path}: not a file of this program. Choose the folder of a run.")
    return found, meta
