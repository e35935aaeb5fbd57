"""How runs that used unlabelled scans compare with learning from labels only, for people and for machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..plain import command_line
from ..runs.guard import Verdict, judge, wanted_comparison
from ..terminal.screen import Screen

if TYPE_CHECKING:
    from ..project import Project
    from ..runs.outlook import Stock

COLUMN = "beside labels only"


def mark(verdict: Mapping[str, Any] | None) -> str | None:
    """A verdict, as `verdict_json` gives it, in a cell of a table."""
    standing = None if verdict is None else verdict["standing"]
    return "⚠ worse" if standing == "worse" else standing


def verdict_json(verdict: Verdict | None) -> dict[str, Any] | None:
    """A verdict as JSON values."""
    if verdict is None:
        return None
    told = dataclasses.asdict(verdict)
    return {name: told[name] for name in ("standing", "text", "against", "dice", "its_dice", "margin", "cases")}


def comparison_command(root: Path, run: str, stock: Stock) -> str | None:
    """What to type to know whether the unlabelled scans helped a run; None where that would not tell."""
    past = stock.past(run)
    wish = None if past is None else wanted_comparison(past, stock)
    if wish is None:
        return None
    length = ("--steps", wish.steps) if wish.steps is not None else ("--minutes", f"{wish.minutes:g}")
    preset = () if wish.preset == "auto" else ("--preset", wish.preset)
    device = () if wish.device == "auto" else ("--device", wish.device)
    return command_line("train", root, "--method", wish.method, *length, *preset, *device)


def tell_verdict(project: Project, run: str, screen: Screen) -> dict[str, Any]:
    """Say how a run compares with labels only, or how to find out; the same as JSON values."""
    from ..runs.outlook import take_stock

    stock = take_stock(project)
    past = stock.past(run)
    verdict = None if past is None else judge(past, stock.runs)
    command = comparison_command(project.root, run, stock)
    if verdict is not None:
        screen.say(("⚠ " if verdict.is_worse else "") + verdict.text)
        if verdict.is_worse:
            screen.say(f"{run} is not used unless you name it; {verdict.against} is.")
    if command is not None:
        screen.say(f"To know whether the unlabelled scans helped, train on the labels only for as long: {command}")
    return {"verdict": verdict_json(verdict), "compare_with": command}
