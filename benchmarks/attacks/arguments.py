"""Odd values for every argument of every command: each ends in exit code 0 or 2 and, where refused, in one line.

Commands that train, predict or open a window are only parsed, or meet a project that has nothing to learn from.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tally import Tally, main

from napari_medssl import cli
from napari_medssl.errors import MedSSLError
from napari_medssl.project import ClassInfo, Project

ONLY_PARSED = ("demo", "doctor")
ODD = (
    "", " ", "-1", "0", "nan", "inf", "-inf", "1e999", "12,5", "1.000,5", "9" * 5000, "1=", "=1", "1=1=1", "a=b",
    "256=1", "255=x", "x" * 300, "/dev/null", "/dev/zero", ".", "\x1b[2J", "\u202e", "\udcfc", "患者", "a\nb",
    "None", "{}", "[1", "*", "%s", "--", "-",
)  # fmt: skip


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Put odd values, drawn at random, into the arguments of each command."""
    rng = random.Random(seed)
    root = _project(folder)
    tried: Counter[str] = Counter()
    failures = []
    commands = list(_commands(cli.make_parser()))
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.nii.gz")
    odd = [*ODD, str(folder / "pipe.nii.gz"), str(root / "project.json"), str(root / "cases"), "a\0b"]
    for number in range(times):
        names, parser = commands[number % len(commands)]
        words = [*names, *_words(parser, root, odd, rng)]
        with contextlib.chdir(folder):  # what a command makes under an odd name is made there
            code, said = _run(words, names[0] in ONLY_PARSED)
        tried[" ".join(names)] += 1
        if code not in (0, 2) or "Traceback" in said or "fault of the program" in said:
            failures.append(f"{words!r}: exit code {code}: {said[-300:]}")
    return Tally(dict(tried), tuple(failures))


def _commands(
    parser: argparse.ArgumentParser, names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield names, parser
    for action in below:
        for name, sub in action.choices.items():
            yield from _commands(sub, (*names, name))


def _words(parser: argparse.ArgumentParser, root: Path, odd: list[str], rng: random.Random) -> list[str]:
    """The project where it is wanted (mostly), an odd value elsewhere; options by chance, those that must be always."""
    words: list[str] = []
    for action in parser._actions:
        if action.dest == "help" or (action.option_strings and not action.required and rng.random() < 0.6):
            continue
        value = str(root) if action.dest == "project" and rng.random() < 0.8 else rng.choice(odd)
        words += action.option_strings[-1:] if action.option_strings else []
        words += [] if action.nargs == 0 else [value]
    return words


def _run(words: list[str], only_parsed: bool) -> tuple[int, str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = 0
            if only_parsed:
                cli.make_parser().parse_args(words)
            else:
                code = cli.main(words)
        except MedSSLError:
            code = 2
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException as error:
            return 1, f"{type(error).__name__}: {error}"
    err.flush()
    assert isinstance(err.buffer, io.BytesIO)
    return code, err.buffer.getvalue().decode("ascii")


def _project(folder: Path) -> Path:
    project = Project.create(folder / "project", classes=[ClassInfo(1, "a")])
    for name in ("a", "b"):
        picture = np.random.default_rng(0).integers(0, 255, (16, 16)).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{name}.png")
        project.add_case(folder / f"{name}.png")
    return project.root


if __name__ == "__main__":
    main(attack)
