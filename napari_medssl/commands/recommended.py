"""`train --method recommended`: the runs that suit a project, one after the other, and why."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import MedSSLError
from ..runs.outlook import Stock, take_stock
from ..runs.recommend import RECOMMENDED, Chain, foresee, recommend
from ..terminal.screen import Screen
from .describing import outlook_json, outlook_lines

if TYPE_CHECKING:
    from ..project import Project


def train_recommended(
    project: Project,
    arguments: argparse.Namespace,
    settings: Mapping[str, Any],
    propose: tuple[str, ...] | None,
    screen: Screen,
) -> dict[str, Any]:
    """Say what is recommended, then do it (or only try it out); the last run's result as JSON values.

    Raises
    ------
    MedSSLError
        When something is asked for that goes with one method only, or a run cannot be made.
    """
    from ..runs.request import asked_by, make_line
    from ..runs.taking_back import taken_back
    from .dry_run import dry_run
    from .judging import tell_verdict
    from .running import run_here

    if arguments.preset == "paper" or arguments.start_from:
        raise MedSSLError(
            f"--method {RECOMMENDED} chooses the recipe and the model to begin with by itself. Name a method to "
            "choose --preset or --start-from."
        )
    stock = take_stock(project, arguments.seed)
    chain = recommend(stock, arguments.minutes, arguments.steps, arguments.device)
    wishes = [dataclasses.replace(wish, settings=settings) for wish in chain.wishes]
    told = {"recommended": chain_json(stock, chain)}
    screen.say("\n".join(chain_lines(stock, chain)))
    if arguments.dry_run:
        tried = []
        for wish in wishes:
            screen.say("")
            tried.append(dry_run(project, wish.method, asked_by(wish, arguments.seed, propose), screen))
        return {"dry_run": True, **told, "runs": tried}
    line = make_line(project, wishes, seed=arguments.seed, propose=propose)
    with taken_back([project.run_folder(one.run) for one in line]):
        result = run_here(project, line[0].run, screen)
    return result | told | tell_verdict(project, result["run"], screen)


def chain_lines(stock: Stock, chain: Chain) -> list[str]:
    """What is recommended, why, and what would come of it, for people."""
    return [
        f"{RECOMMENDED}: {chain.title}",
        *(f"  {line}" for line in chain.lines),
        *outlook_lines(foresee(stock, chain)),
    ]


def chain_json(stock: Stock, chain: Chain) -> dict[str, Any]:
    """The same as JSON values."""
    names = ("method", "minutes", "steps", "start_from")
    return {
        "title": chain.title,
        "runs": [{**{name: getattr(link.wish, name) for name in names}, "why": link.why} for link in chain.links],
        "outlook": outlook_json(foresee(stock, chain)),
    }
