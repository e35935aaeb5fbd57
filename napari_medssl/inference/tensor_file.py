"""Tensors on disk: safetensors, with JSON in the header for the rest; no pickle is read or written.

A file is written to a temporary name and renamed: a state is there as a whole or not at all.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..disk import may_read, replacing, sweep
from ..errors import BadFileError, RunError

TEXT, SUM_OF_TEXT, SUM = "medssl", "medssl-crc32-text", "medssl-crc32"  # members of the header


def save_tensors(path: Path, tensors: Mapping[str, Tensor], meta: str) -> None:
    """Write tensors and a JSON text in one piece, with a checksum of both.

    Raises
    ------
    RunError
        When the disk is full or read-only.
    """
    sweep(path.parent)
    kept = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    header = {TEXT: meta, SUM_OF_TEXT: _hex(_sum_text(meta)), SUM: _hex(_sum(kept, meta))}
    try:
        with replacing(path) as temporary:
            _save_file(temporary, kept, header)
    except BadFileError as error:
        raise RunError(f"The model could not be saved. {error} The run can be resumed.") from error


def _save_file(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    try:
        save_file(tensors, path, header)
    except SafetensorError as error:  # has what the system said in its words only
        said = re.search(r"\(os error (\d+)\)", str(error))
        if said is None or os.name == "nt":
            raise OSError(str(error)) from error
        raise OSError(int(said[1]), os.strerror(int(said[1]))) from error


def load_tensors(path: Path, tensors: bool = True) -> tuple[dict[str, Tensor], str]:
    """Tensors (none when not `tensors`) and the JSON text of a file, their checksums verified.

    Files of before have no checksums and are taken as they are.

    Raises
    ------
    RunError
        When it is missing, damaged or of another program.
    """
    if not path.exists():
        raise RunError(f"{path.parent.name}: this run has no {path.stem} on disk. Train it, or choose another run.")
    if not may_read(path):
        raise RunError(f"{path}: it cannot be read (Permission denied). Ask for the right to read it.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            found = {key: file.get_tensor(key) for key in file.keys()} if tensors else {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        raise RunError(f"{path}: the file is damaged ({error}). Resume or train the run again.") from error
    meta = header.get(TEXT)
    if meta is None:
        raise RunError(f"{path}: not a file of this program. Choose the folder of a run.")
    sums = {SUM_OF_TEXT: _sum_text(meta)} | ({SUM: _sum(found, meta)} if tensors else {})
    if any(header.get(name, _hex(total)) != _hex(total) for name, total in sums.items()):
        raise RunError(
            f"{path}: the file is damaged (its checksum does not match). Restore it from a backup, or train again."
        )
    return found, meta


def parse_meta(path: Path, meta: str, *wanted: str) -> dict[str, Any]:
    """The JSON object of a file's text.

    Raises
    ------
    RunError
        When it is none, or lacks one of the wanted members.
    """
    try:
        values = json.loads(meta)
        if not isinstance(values, dict) or not all(name in values for name in wanted):
            raise ValueError("it lacks what it should say")
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: the file is damaged ({error}). Resume or train the run again.") from error
    return values


def _sum(tensors: Mapping[str, Tensor], meta: str) -> int:
    """CRC-32 of names, types, shapes and bytes of all tensors, and of the text."""
    total = _sum_text(meta)
    for name in sorted(tensors):
        tensor = tensors[name]
        total = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), total)
        if tensor.numel():
            total = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, total)
    return total


def _sum_text(meta: str) -> int:
    return zlib.crc32(meta.encode())


def _hex(total: int) -> str:
    return f"{total:08x}"
