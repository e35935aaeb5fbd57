"""A look inside in a process of its own, for those who must not import torch nor wait. No torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

from ..errors import RunError
from .findings import Inspection, read_findings

MENDABLE = 2  # the exit code of what a person can mend


class Child(Protocol):
    """A look that is under way."""

    def wait(self) -> Inspection:
        """Wait for the end; what was found.

        Raises
        ------
        RunError
            When it failed, or was stopped.
        """

    def stop(self) -> None:
        """End it; nothing is lost, since it can be made again."""


class ProcessChild:
    """Looks inside the model of a run with a case, in a process that was just started.

    Raises
    ------
    RunError
        When the process cannot be started.
    """

    def __init__(self, root: Path, run: str, case: str) -> None:
        self._run = run
        command = [sys.executable, "-m", "napari_medssl.inspection.worker", str(root), run, case]
        flags: dict[str, Any] = {"creationflags": 0x08000000} if os.name == "nt" else {}  # no window
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="surrogateescape",  # of a folder whose name is not UTF-8
                env={**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:surrogateescape"},
                **flags,
            )
        except OSError as error:
            raise RunError(f"The look inside {run} could not be started ({error}).") from error

    def wait(self) -> Inspection:
        """See `Child`."""
        out, err = self._process.communicate()
        last = (err.strip().splitlines() or [""])[-1]
        if self._process.returncode == MENDABLE:
            raise RunError(last)
        if self._process.returncode != 0:
            raise RunError(f"The look inside {self._run} broke off. Its last words: {last[:200] or 'none'}")
        return read_findings(Path(out.strip().splitlines()[-1]))

    def stop(self) -> None:
        """See `Child`."""
        if self._process.poll() is None:
            self._process.terminate()
