"""A run from elsewhere whose spec, model or checkpoint somebody crafted, through every command that reads runs.

What must hold: exit code 0 or 2 and, where refused, one line; no traceback, no code run, nothing written outside of the
project, and no more than a bounded amount of memory and time, whatever a header claims.

Each crafted run is looked at in a fork with a limit on its address space.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from little import TRAIN, Refused, attempt, bytes_of, command, copy_of, make_project
from tally import Tally, main

from napari_medssl.errors import NO_MEMORY
from napari_medssl.inference.tensor_file import SUM, SUM_OF_TEXT, TEXT
from napari_medssl.runs import drivers

RUN = "supervised-002"
MORE_MEMORY = 3 << 30  # of address space
SECONDS = 120
STEPS = 3  # a run that may be resumed is stopped after so many
CODE = "__import__('os').system('touch pwned')"
VALUES: tuple[Any, ...] = (
    float("nan"), float("inf"), -float("inf"), 1e308, 1e-308, -1, 0, 1, 3, 255, 256, 1.5, 10**6, 10**9, 10**30,
    "", "x", "x" * 100_000, CODE, "../../x", "/etc/passwd", "a\0b", "\x1b[2J\u202e", "\udcfc", True, False, None,
    [], {}, [[]], [1], [10**9] * 3, [32_768] * 3, [1, 2, 3], [0, 0], [-1, 5], ["1", "2"], [float("nan")] * 2,
    [1] * 10_000, {"a": {"b": []}},
)  # fmt: skip


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Craft `times` runs, one field each, and run all commands on them."""
    rng = random.Random(seed)
    tried: Counter[str] = Counter()
    failures: list[str] = []
    template = folder / "template"
    template.mkdir(parents=True)
    root = make_project(template)
    _in_fork(lambda: [command("train", root, "--method", "supervised", *TRAIN)])
    shutil.move(root / "runs" / RUN, template / RUN)
    for number in range(times):
        way = list(WAYS)[number % len(WAYS)]
        with copy_of(template) as root:
            run = root.parent / RUN
            (run / "events.jsonl").unlink()  # so that it can be resumed
            what = WAYS[way](run, rng)
            shutil.copytree(run, root / "runs" / RUN)
            tried[way] += 1
            outside = bytes_of(root.parent)
            words = rng.sample(COMMANDS, 4)
            wrong = _in_fork(lambda root=root, words=words: list(_judged(root, words)))  # type: ignore[misc]
            after = bytes_of(root.parent)
            inside = root.name + "/"
            wrong += [f"{name} was written" for name in after.keys() - outside.keys() if not name.startswith(inside)]
            wrong += [f"{name} changed" for name in outside if after.get(name) != outside[name] and inside not in name]
            failures += [f"{way}, {what}, seed {seed}: {one}" for one in wrong]
    return Tally(dict(tried), tuple(failures))


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status", "{root}"),
    ("runs", "list", "{root}"),
    ("predict", "{root}", "--device", "cpu", "--run", RUN),
    ("predict", "{root}", "--device", "cpu", "--run", "{outside}"),
    ("evaluate", "{root}", "--device", "cpu", "--run", RUN, "--truth", "{masks}", "--cases", "c"),
    ("inspect", "{root}", "--device", "cpu", "--run", RUN, "--case", "c", "--out", "{root}/out"),
    ("use", "{root}", RUN),
    ("runs", "resume", "{root}", RUN),
    ("train", "{root}", "--method", "supervised", "--start-from", "{outside}", "--device", "cpu", "--steps", "1"),
    ("check", "{root}"),
)


def _judged(root: Path, commands: list[tuple[str, ...]]) -> Iterator[str]:
    places = {"root": root, "outside": root.parent / RUN, "masks": root.parent / "masks"}
    with contextlib.chdir(root):
        for words in commands:
            said, bad, _ = attempt(lambda words=words: command(*(one.format(**places) for one in words)))  # type: ignore[misc]
            if bad and words[0] != "check":  # `check` lists, where others say one line
                yield f"{' '.join(words)}: {bad}"
            elif "Traceback" in bad or NO_MEMORY in said:
                yield f"{' '.join(words)}: {said} {bad}"
            elif (root / "pwned").exists():
                yield f"{' '.join(words)}: ran code"


def _in_fork(act: Callable[[], list[str]]) -> list[str]:
    """What a child says, with an address space of `MORE_MEMORY` more than there is, and so many `SECONDS`."""
    ears, mouth = os.pipe()
    process = os.fork()
    if process == 0:
        wrong = ["ended without a word"]
        try:
            with open("/proc/self/statm", encoding="ascii") as file:
                now = int(file.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (now + MORE_MEMORY,) * 2)
            signal.alarm(SECONDS)
            drivers.stop_token = _stopping  # type: ignore[assignment]
            wrong = act()
        except Refused as refused:
            wrong = [refused.said]
        except BaseException as error:
            wrong = [f"{type(error).__name__}: {error}"]
        finally:
            with os.fdopen(mouth, "w", encoding="utf-8", errors="replace") as file:
                json.dump(wrong, file)
            os._exit(0)
    os.close(mouth)
    with os.fdopen(ears, encoding="utf-8") as file:
        told = file.read()
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        return [f"ended by signal {os.WTERMSIG(status)}"]
    found: list[str] = json.loads(told)
    return found


def _stopping(folder: Path) -> Callable[[], str | None]:
    asked = 0

    def stop() -> str | None:
        nonlocal asked
        asked += 1
        return "keep" if asked > STEPS else None

    return stop


# -- crafting ----------------------------------------------------------------------------------------------------------


def _places(values: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in inside:
        yield (*place, key)
        yield from _places(value, (*place, key))


def _crafted(values: Any, rng: random.Random) -> tuple[str, str]:
    """JSON text of the values with one of them another, twice there, or gone; and what was done."""
    values = copy.deepcopy(values)
    *front, last = rng.choice(list(_places(values)))
    where = values
    for key in front:
        where = where[key]
    name = "/".join(map(str, (*front, last)))
    way = rng.random()
    if way < 0.1:
        del where[last]
        return json.dumps(values), f"without {name}"
    if way < 0.2 and isinstance(where, dict):
        where["\0twice"] = rng.choice(VALUES)
        return json.dumps(values).replace('"\\u0000twice"', json.dumps(last)), f"{name} twice"
    if way < 0.25:
        where[last] = "\0deep"
        return json.dumps(values).replace('"\\u0000deep"', "[" * 100_000 + "]" * 100_000), f"{name} nested deep"
    where[last] = rng.choice(VALUES)
    return json.dumps(values), f"{name} = {repr(where[last])[:60]}"


def _spec(run: Path, rng: random.Random) -> str:
    path = run / "spec.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values.pop("crc32", None)  # as whoever edits it by hand is told to
    text, what = _crafted(values, rng)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return what


def _plan(run: Path, rng: random.Random) -> str:
    path = run / "spec.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values.pop("crc32", None)
    values["plan"] = None if rng.random() < 0.02 else values["plan"]
    if values["plan"] is None:
        path.write_text(json.dumps(values), encoding="utf-8")
        return "no plan"
    text, what = _crafted(values["plan"], rng)
    values["plan"] = "\0plan"
    path.write_text(json.dumps(values).replace('"\\u0000plan"', text), encoding="utf-8", errors="surrogatepass")
    return f"plan/{what}"


def _take_apart(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _put_together(path: Path, header: str, data: bytes, length: int | None = None) -> None:
    text = header.encode("utf-8", "surrogatepass")
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def _meta(name: str) -> Callable[[Path, random.Random], str]:
    def craft(run: Path, rng: random.Random) -> str:
        header, data = _take_apart(run / name)
        text, what = _crafted(json.loads(header["__metadata__"][TEXT]), rng)
        header["__metadata__"] = {TEXT: text}  # without checksums, as older versions wrote it
        _put_together(run / name, json.dumps(header), data)
        return what

    return craft


def _header(name: str) -> Callable[[Path, random.Random], str]:
    def craft(run: Path, rng: random.Random) -> str:
        header, data = _take_apart(run / name)
        for key in (SUM, SUM_OF_TEXT):
            header["__metadata__"].pop(key)
        if rng.random() < 0.1:
            length = rng.choice((0, 1, 2**31, 2**62, 2**64 - 1))
            _put_together(run / name, json.dumps(header), data, length)
            return f"a header of {length} bytes"
        text, what = _crafted(header, rng)
        _put_together(run / name, text, data)
        return what

    return craft


WAYS: dict[str, Callable[[Path, random.Random], str]] = {
    "spec": _spec,
    "plan": _plan,
    "what a model says of itself": _meta("model.safetensors"),
    "header of a model": _header("model.safetensors"),
    "what a checkpoint says of itself": _meta("checkpoint.safetensors"),
    "header of a checkpoint": _header("checkpoint.safetensors"),
}

if __name__ == "__main__":
    main(attack)
