"""The numbers behind the pictures, as tables and CSV files."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..disk import make_folder, write_atomically
from .report import Progress


@dataclass(frozen=True)
class Table:
    """Named columns and rows of values; None where there is none."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def make_tables(progress: Progress) -> tuple[Table, ...]:
    """A table for each picture."""
    names = progress.confusion.names
    return (
        Table(
            "learning-curve",
            ("round", "run", "cases", "dice", "spread", "lowest", "highest", "accepted"),
            tuple(
                (number, one.run, len(one.dices), one.dice, one.spread, min(one.dices), max(one.dices), one.accepted)
                for number, one in enumerate(progress.rounds, 1)
            ),
        ),
        Table(
            "effort",
            ("case", "time", "kind", "run", "voxels", "strokes", "minutes"),
            tuple(
                (one.case, one.time, one.kind, one.run, one.voxels, one.strokes, one.minutes) for one in progress.effort
            ),
        ),
        Table(
            "confusion",
            ("proposed", *names),
            tuple((name, *(int(n) for n in row)) for name, row in zip(names, progress.confusion.table, strict=True)),
        ),
    )


def write_tables(progress: Progress, folder: Path) -> list[Path]:
    """Write each table as a CSV file into a folder; those that were there are replaced.

    Raises
    ------
    BadFileError
        If one cannot be written.
    """
    make_folder(folder)
    written = []
    for table in make_tables(progress):
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(table.columns)
        writer.writerows(table.rows)
        path = folder / f"{table.name}.csv"
        write_atomically(path, [text.getvalue().encode()])
        written.append(path)
    return written
