"""What a command shows: tables and lines for people, or one JSON object for machines. rich is imported when used.

All that is shown to people goes through `plain`, so that no name in it can steer their terminal.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..plain import plain

if TYPE_CHECKING:
    from rich.console import Console


class Screen:
    """Where a command writes to.

    People get results on stdout and progress on stderr. Machines (`machine` True) get one JSON object on stdout, last,
    and everything else goes to stderr.
    """

    def __init__(self, machine: bool) -> None:
        self.machine = machine
        self._out = sys.stdout
        self._last: list[Callable[[bool], dict[str, Any]]] = []

    def console(self, progress: bool = False) -> Console:
        """A rich console: for results, or for `progress`."""
        from rich.console import Console

        file = sys.stderr if progress or self.machine else self._out
        # Files and pipes have no width: tables must not be folded there.
        tty = file.isatty()
        return Console(file=file, highlight=False, emoji=False, width=None if tty else 140, soft_wrap=not tty)

    def say(self, text: str) -> None:
        """One line of result for people."""
        print(plain(text), file=sys.stderr if self.machine else self._out, flush=True)

    def note(self, text: str) -> None:
        """One line of progress or warning, on stderr."""
        print(plain(text), file=sys.stderr, flush=True)

    def counting(self, what: str) -> Callable[[int, int], None]:
        """A function that shows (done, total) on one line of stderr; silent where nobody watches."""
        from time import monotonic

        shown = begun = monotonic()

        def show(done: int, total: int) -> None:
            nonlocal shown
            now = monotonic()
            if sys.stderr.isatty() and (now - shown > 0.2 or (done == total and shown > begun)):
                left = (now - begun) / done * (total - done) if done else 0.0
                end = "\n" if done == total else f", {left:.0f} s left "
                print(f"\r{what}: {done} of {total}{end}", end="", file=sys.stderr, flush=True)
                shown = now

        return show

    def reading(self) -> Callable[[str, float], None]:
        """A function that shows on a line of stderr how much of a long file was read; silent where nobody watches."""
        from time import monotonic

        shown = monotonic()

        def show(name: str, share: float) -> None:
            nonlocal shown
            now = monotonic()
            if sys.stderr.isatty() and now - shown > 0.2:
                print(f"\r{plain(name)}: {share:.0%} read ", end="", file=sys.stderr, flush=True)
                shown = now

        return show

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table; columns whose name starts with ">" are aligned right."""
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        table = Table(title=escape(plain(title)) or None, title_justify="left", box=box.SIMPLE_HEAD)
        for column in columns:
            right, name = column.startswith(">"), escape(plain(column.removeprefix(">")))
            table.add_column(name, justify="right" if right else "left", no_wrap=right)
        for row in rows:
            table.add_row(*(escape(plain(cell_text(cell))) for cell in row))
        self.console().print(table)

    def at_the_end(self, tell: Callable[[bool], dict[str, Any]]) -> None:
        """Have something told when the command ends, however it ends; what it returns becomes part of the result.

        Parameters
        ----------
        tell : callable
            Called with whether the command failed.
        """
        self._last.append(tell)

    def result(self, value: dict[str, Any]) -> None:
        """The end of a command: the JSON object for machines; nothing for people, who have seen it."""
        for tell in self._last:
            value = tell("error" in value) | value
        if self.machine:
            print(json.dumps(without_nan(value), default=str), file=self._out, flush=True)


def cell_text(cell: object) -> str:
    """A cell of a table: three digits for numbers, a dash for what is not there."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "–"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def without_nan(value: Any) -> Any:
    """The same value with null for nan and infinity, which JSON has no words for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value
