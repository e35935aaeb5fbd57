"""The process of a run: `python -m napari_medssl.runs.worker PROJECT RUN [ORDER]`. Its events go to the journal.

When the run ends with a model and another one stands in line, the process goes on with that one, in its own journal.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ..errors import MedSSLError
from ..ownership import OwnedError
from ..plain import one_line
from .drivers import InlineDriver
from .line import take_turn
from .process import TAKEN, announced
from .stop import request_stop


def main(arguments: list[str]) -> int:
    """Run to the end, and those behind it in line; 0 unless one failed, `TAKEN` where another process has the run."""
    root = Path(arguments[0])
    run: str | None = arguments[1]
    order = arguments[2] if len(arguments) > 2 else ""
    # The screen must not wait for us; and being asked to end means: pause, so that nothing is lost
    if hasattr(os, "nice"):
        os.nice(5)
    reason, first = "", True
    try:
        while run is not None:
            folder = root / "runs" / run
            signal.signal(signal.SIGTERM, lambda *_, folder=folder: request_stop(folder, "pause"))
            with announced(folder, order):
                first = False
                for event in InlineDriver().run(root, run, heed=True):  # asked to stop while starting: that counts
                    reason = getattr(event, "reason", "")
                run = take_turn(root, run, reason)
    except MedSSLError as error:
        if first and isinstance(error.__cause__, OwnedError):
            return TAKEN  # whoever started this process tells; the log belongs to the one that runs
        print(one_line(str(error)), file=sys.stderr)
        return 1
    return 1 if reason == "failed" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
