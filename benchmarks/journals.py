"""What the journal of a long run costs: once, when a project is opened, and at each refresh while the run goes on.

A journal of so many hours is written, two events a second, a checkpoint each minute, a measurement each half hour. Then
it is read as the window and the commands read it, and refreshed with what half a second adds.

    python benchmarks/journals.py --hours 1 4 10 24
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from napari_medssl.runs.digest import read_digest
from napari_medssl.runs.events import CheckpointSaved, PhaseStarted, RunEvent, RunStarted, Stepped, Validated
from napari_medssl.runs.journal import JOURNAL_NAME, JournalWriter
from napari_medssl.runs.trail import thinned
from napari_medssl.runs.trend import dice_trend, loss_trend

ONCE, REFRESH = 0.5, 0.005  # seconds that a day of events may cost
REFRESHES = 40
DRAWN = 2000  # points of a curve on the screen


def events(hours: float, begin: float = 1_700_000_000.0) -> Iterator[RunEvent]:
    """What a run says in that time, before its end."""
    yield RunStarted(at=begin, run="bcp-001", task="train", method="bcp", phases=("one",), minutes=60 * hours)
    yield PhaseStarted(at=begin, phase="self-training", title="Learning from unlabelled scans too", index=0)
    count = round(hours * 7200)
    for half in range(1, count + 1):
        at = begin + half / 2
        terms = ("total", "labelled", "unlabelled", "dice", "cross_entropy")
        losses = {name: 0.2 + 1.0 / (1 + half / 500) + 0.01 * ((half * 7919) % 13) for name in terms}
        yield Stepped(
            at=at, step=half, phase="self-training", losses=losses, progress=half / count,
            eta_seconds=(count - half) / 2, learning_rate=0.01, step_seconds=0.5, wait_share=0.01,
        )  # fmt: skip
        if half % 120 == 0:
            yield CheckpointSaved(at=at, step=half, path="checkpoint.safetensors")
        if half % 3600 == 0:
            mean = 0.9 - 0.5 / (1 + half / 3600)
            yield Validated(at=at, step=half, dice={"liver": mean}, mean=mean, cases=4, best=True)


def write(folder: Path, hours: float) -> tuple[Path, JournalWriter]:
    """A journal of so many hours, and the writer that can go on with it."""
    path = folder / JOURNAL_NAME
    writer = JournalWriter(path)
    for event in events(hours):
        writer.write(event)
    return path, writer


def measure(folder: Path, hours: float) -> tuple[float, float, int]:
    """Seconds of processor time once and per refresh, and events."""
    path, writer = write(folder, hours)
    begin = time.process_time()
    status = read_digest(path).status
    once = time.process_time() - begin
    step, took = status.step, []
    for turn in range(1, REFRESHES + 1):
        at = status.last_event_at + turn / 2
        writer.write(Stepped(at=at, step=step + turn, phase="p", losses={"total": 0.2}, progress=0.5, eta_seconds=1.0))
        begin = time.process_time()
        status = read_digest(path).status
        loss_trend(status), dice_trend(status), thinned(status.loss, DRAWN)  # what the screen asks of it
        took.append(time.process_time() - begin)
    writer.close()
    return once, statistics.median(took), round(hours * 7200)


def main() -> int:
    """Print the table; 1 where a day costs too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[1, 4, 10, 24])
    slow = False
    print("hours   events      once   refresh   (processor time)")
    for hours in parser.parse_args().hours:
        with tempfile.TemporaryDirectory(prefix="medssl-journals-") as folder:
            once, refresh, count = measure(Path(folder), hours)
        slow |= hours <= 24 and (once > ONCE or refresh > REFRESH)
        print(f"{hours:5g} {count:8,} {once:7.2f} s {1000 * refresh:6.2f} ms")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
