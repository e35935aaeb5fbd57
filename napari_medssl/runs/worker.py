"""The process of a run: `python -m napari_medssl.runs.worker PROJECT RUN`. Its events go to the journal."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ..errors import MedSSLError
from .drivers import InlineDriver
from .process import announced
from .stop import request_stop


def main(arguments: list[str]) -> int:
    """Run to the end; 0 unless the run failed."""
    root, run = Path(arguments[0]), arguments[1]
    folder = root / "runs" / run
    # The screen must not wait for us; and being asked to end means: pause, so that nothing is lost
    if hasattr(os, "nice"):
        os.nice(5)
    signal.signal(signal.SIGTERM, lambda *_: request_stop(folder, "pause"))
    reason = ""
    try:
        with announced(folder):
            for event in InlineDriver().run(root, run, heed=True):  # asked to stop while starting: that counts
                reason = getattr(event, "reason", "")
    except MedSSLError as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if reason == "failed" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
