"""The layers hold: arrows go down only, Qt stays in `ui`, and torch stays out of napari's process.

Two ways of looking: fresh interpreters that import modules and then look at `sys.modules` (what really happens), and
the syntax trees of all modules (what might happen inside a function).
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "napari_medssl"
QT = ("qtpy", "PySide6", "PyQt6", "PyQt5", "napari", "magicgui", "pyqtgraph", "vispy", "superqt")

# Rooms whose modules may import torch when they are imported. Everything else is torch-free at the top level.
TORCH_ROOMS = ("nets", "methods", "training", "inference", "inspection")
TORCH_FREE = (
    "nets",
    "nets.spec",
    "methods",
    "methods.catalog",
    "methods.options",
    "methods.averaged_options",
    *(f"methods.{method}_{part}" for method in ("bcp", "desd", "pcrlv2") for part in ("options", "paper")),
    "training",
    "inference",
    "inference.uncertainty",
    "inference.metrics",
    "inspection",
    "inspection.child",
    "inspection.findings",
    "inspection.sheets",
    "inspection.components",
)

# Which of our own modules a room may import, anywhere in its files (`room` or `room.module`).
CORE = (
    "errors",
    "disk",
    "sealing",
    "locking",
    "ownership",
    "plain",
    "imaging",
    "project",
    "runs",
    "selection",
    "methods.catalog",
    "methods.options",
    "nets.spec",
)
ALLOWED: dict[str, tuple[str, ...]] = {
    "": ("errors", "imaging", "project", "api"),  # the package's own lazy names
    "api": ("errors", "project", "runs", "selection", "inference", "training"),
    "errors": (),
    "sealing": (),
    "disk": ("errors", "sealing"),
    "soft_locks": ("disk", "hosts"),
    "locking": ("errors", "disk", "soft_locks"),
    "hosts": (),
    "ownership": ("errors", "disk", "locking", "hosts"),
    "plain": (),
    "imaging": ("errors", "disk", "imaging"),
    "project": ("errors", "plain", "disk", "sealing", "locking", "hosts", "ownership", "imaging", "project"),
    "progress": ("errors", "disk", "locking", "imaging", "project", "progress"),
    "selection": ("errors", "imaging", "project", "selection", "inference.uncertainty"),
    "nets": ("errors", "nets"),
    "methods": ("errors", "nets", "methods"),
    "runs": (*CORE, "runs"),
    "inference": (*CORE, "nets", "methods", "inference", "training"),
    "inspection": (*CORE, "nets", "methods", "inference", "training", "drawing", "inspection"),
    "training": (*CORE, "nets", "methods", "inference", "training"),
    "ui": (*CORE, "ui", "tools", "progress", "demo", "inspection.findings", "inspection.child"),
    "drawing": ("imaging", "drawing"),
    "tools": ("errors", "imaging", "methods.options", "tools"),
    "terminal": ("errors", "plain", "runs", "terminal"),
    "cli": ("errors", "plain", "commands", "terminal"),
    "commands": (
        *CORE,
        "commands",
        "progress",
        "terminal",
        "doctor",
        "demo",
        "inference",
        "training",
        "inspection",
        "ui",
    ),
    "__main__": ("cli",),
    "doctor": ("errors", "locking", "runs", "demo", "training"),
    "demo": (*CORE, "demo", "drawing", "inference", "training", "terminal"),
}
# A run's process is where torch comes in: inside a function, never when the module is imported.
LAZY: dict[str, tuple[str, ...]] = {"runs": ("training", "inference")}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _room(module: str) -> str:
    return module.split(".")[0]


def _may_import_torch(module: str) -> bool:
    return _room(module) in TORCH_ROOMS and module not in TORCH_FREE


def _brought_in(modules: list[str], unwanted: tuple[str, ...]) -> dict[str, list[str]]:
    """Import `modules` in a fresh interpreter, one after another; what unwanted packages each of them brought in."""
    code = (
        "import importlib, json, sys\n"
        "modules, unwanted = json.loads(sys.argv[1])\n"
        "seen, found = set(), {}\n"
        "for name in modules:\n"
        "    importlib.import_module(name)\n"
        "    new = {u for u in unwanted if u in sys.modules} - seen\n"
        "    seen |= new\n"
        "    if new: found[name] = sorted(new)\n"
        "print(json.dumps(found))\n"
    )
    names = [".".join(("napari_medssl", module)).rstrip(".") for module in modules]
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps([names, unwanted])],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_package_itself_is_light() -> None:
    heavy = ("numpy", "scipy", "skimage", "nibabel", "rich", "pydantic", "torch", "safetensors", *QT)
    assert _brought_in([""], heavy) == {}


def test_importing_the_package_takes_under_a_tenth_of_a_second() -> None:
    code = "import time; t = time.perf_counter(); import napari_medssl; print(time.perf_counter() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    assert min(times) < 0.1  # the least of five: other work on the machine only adds


def test_the_core_imports_neither_torch_nor_qt() -> None:
    modules = [m for m in MODULES if not _may_import_torch(m) and _room(m) != "ui"]
    assert {"imaging", "project", "runs", "selection", "cli", "methods.catalog"} <= set(modules)
    assert _brought_in(modules, ("torch", *QT)) == {}


def test_the_learning_rooms_import_no_qt() -> None:
    modules = [m for m in MODULES if _may_import_torch(m)]
    assert modules
    assert _brought_in(modules, QT) == {}


def test_the_screen_never_imports_torch() -> None:
    modules = [m for m in MODULES if _room(m) == "ui"]
    assert len(modules) > 1
    assert _brought_in(modules, ("torch",)) == {}


def _imports(path: Path, module: str) -> Iterator[tuple[str, bool]]:
    """Full dotted names that a file imports, each with whether that happens inside a function.

    What stands under `if TYPE_CHECKING:` is for type checkers only and is left out.
    """
    package = ["napari_medssl", *module.split(".")] if module else ["napari_medssl"]
    if path.name != "__init__.py":
        package = package[:-1]

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                    continue
                case ast.Import():
                    yield from ((alias.name, inside) for alias in child.names)
                case ast.ImportFrom():
                    base = package[: len(package) - child.level + 1] if child.level else []
                    stem = ".".join([*base, *([child.module] if child.module else [])])
                    for alias in child.names:
                        full = f"{stem}.{alias.name}"
                        ours = full.removeprefix("napari_medssl.")
                        yield (full if ours in MODULES or not stem.startswith("napari_medssl") else stem), inside
            yield from walk(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def _within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == a or name.startswith(a + ".") for a in allowed)


def _trees() -> Iterator[tuple[str, ast.AST]]:
    for module, path in MODULES.items():
        yield module or "__init__", ast.parse(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _all_imports() -> list[tuple[str, str, bool]]:
    """Module, full dotted name of what it imports, and whether that happens inside a function."""
    return [(module, *found) for module, path in MODULES.items() for found in _imports(path, module)]


def test_every_room_says_what_it_may_import() -> None:
    assert {_room(module) for module in MODULES} - ALLOWED.keys() == set()


def test_arrows_go_down_only() -> None:
    offenders = []
    for module, full, inside in _all_imports():
        if full == "napari_medssl" or not full.startswith("napari_medssl."):
            continue
        name, room = full.removeprefix("napari_medssl."), _room(module)
        if not _within(name, ALLOWED[room] + (LAZY.get(room, ()) if inside else ())):
            offenders.append(f"{module or '__init__'} must not import {name}")
    assert offenders == []


def test_imaging_has_one_door() -> None:
    inner = "napari_medssl.imaging."
    offenders = [(m, full) for m, full, _ in _all_imports() if _room(m) != "imaging" and full.startswith(inner)]
    assert offenders == [], "import from imaging"


def test_qt_and_napari_live_in_ui() -> None:
    offenders = [
        (module, full)
        for module, full, inside in _all_imports()
        if full.split(".")[0] in QT
        and not (_room(module) == "ui" or (inside and _room(module) in ("commands", "demo")))
    ]
    assert offenders == []


def test_torch_stays_out_of_naparis_process() -> None:
    offenders = [
        (module, full)
        for module, full, inside in _all_imports()
        if full.split(".")[0] == "torch" and (_room(module) == "ui" or not (inside or _may_import_torch(module)))
    ]
    assert offenders == []


def test_nothing_imports_a_network_or_pickles() -> None:
    unwanted = {
        "pickle", "shelve", "dill", "joblib", "requests", "urllib3", "httpx", "aiohttp", "ftplib", "smtplib", "http",
    }  # fmt: skip
    offenders = [
        (module, full)
        for module, full, _ in _all_imports()
        if full.split(".")[0] in unwanted or full in ("torch.load", "torch.save") or full.startswith("urllib.request")
    ]
    assert offenders == []


def test_no_pickle_is_read_or_written() -> None:
    offenders = []
    for module, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                    offenders.append(f"{module}:{node.value.lineno} allow_pickle must be False")
            elif isinstance(node, ast.Attribute) and ast.unparse(node) in ("torch.load", "torch.save"):
                offenders.append(f"{module}:{node.lineno} torch.{node.attr}: use safetensors")
    assert offenders == []


def test_modules_stay_readable() -> None:
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert {module: number for module, number in lines.items() if number > 500} == {}, "more than one duty"
