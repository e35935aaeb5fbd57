"""Results on disk: one JSON line per run, so that long tables can be made in pieces."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


def path_of(name: str) -> Path:
    """File of a benchmark's results."""
    return FOLDER / f"{name}.jsonl"


def read(name: str) -> list[dict[str, Any]]:
    """All lines, oldest first."""
    path = path_of(name)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def append(name: str, line: dict[str, Any]) -> None:
    """Add a line with the machine and the moment, and show it."""
    full = {
        **line,
        "machine": f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "time": time.strftime("%Y-%m-%d %H:%M"),
    }
    FOLDER.mkdir(exist_ok=True)
    with path_of(name).open("a", encoding="utf-8") as file:
        file.write(json.dumps(full) + "\n")
    print(json.dumps(full), flush=True)


def is_there(name: str, key: dict[str, Any]) -> bool:
    """Whether a run with these values has its line."""
    return any(key.items() <= line.items() for line in read(name))
