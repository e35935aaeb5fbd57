"""`methods`: what can be learnt with, what each would use on a project, and the options of each."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..terminal.screen import Screen
from .damage import open_project
from .numbers import number

if TYPE_CHECKING:
    from ..methods.catalog import MethodInfo

HELP = "say what can be learnt with: what for, what it needs and would use, how long it takes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "project", type=Path, nargs="?", metavar="PROJECT", help="also say what each would do on this project"
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=number, metavar="M", help="how long to train (default: 10)")
    budget.add_argument("--steps", type=int, metavar="N", help="how many steps to train")
    parser.add_argument("--preset", choices=("auto", "paper"), default="auto", help="as for train (default: auto)")
    parser.add_argument("--options", metavar="METHOD", help="show the options of one method instead")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """List methods, or the options of one."""
    from ..methods.catalog import CATALOG, method_info
    from ..runs.outlook import GROUPS, Wish, grouped, look_ahead, take_stock
    from ..runs.recommend import recommend
    from .describing import method_json, method_lines
    from .recommended import chain_json, chain_lines

    if arguments.options is not None:
        return _options(method_info(arguments.options), screen)
    outlooks, recommended = {}, {}
    if arguments.project is not None:
        project = open_project(arguments.project, screen)
        stock = take_stock(project)
        for name in CATALOG:
            wish = Wish(name, arguments.preset, arguments.minutes, arguments.steps)
            outlooks[name] = look_ahead(stock, wish)
        chain = recommend(stock, arguments.minutes, arguments.steps)
        recommended = {"recommended": chain_json(stock, chain)}
        if not screen.machine:
            screen.say("\n".join(["RECOMMENDED", "", *chain_lines(stock, chain), ""]))
    listed = grouped()
    for before, info in zip([None, *listed], listed, strict=False):
        if not screen.machine:
            heading = [] if before is not None and before.kind == info.kind else [GROUPS[info.kind].upper(), ""]
            screen.say("\n".join([*heading, *method_lines(info, outlooks.get(info.name)), ""]))
    told = {"methods": [method_json(info, outlooks.get(info.name)) for info in listed]}
    return told if arguments.project is None else {"project": str(project.root), **recommended, **told}


def _options(info: MethodInfo, screen: Screen) -> dict[str, Any]:
    from .describing import options_json, range_text, value_text

    options = options_json(info)
    if not screen.machine:
        rows = []
        for one in options:
            published = [value_text(one["published"][ndim]) for ndim in ("2d", "3d")]
            same = published[0] == published[1]
            told = f"{one['title']}. {one['help']}"
            rows.append(
                (
                    one["name"],
                    value_text(one["default"]),
                    published[0] if same else f"{published[0]} (2-D), {published[1]} (3-D)",
                    range_text(one),
                    told,
                )
            )
        screen.table(info.title, ["option", "default", "as published", "values", "what it is"], rows)
    return {"method": info.name, "options": options}
