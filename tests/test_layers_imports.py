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
from pathlib import Path

import pytest

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
    "": ("errors", "imaging", "project"),  # the package's own lazy names
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


@pytest.mark.parametrize("module", MODULES)
def test_arrows_go_down_only(module: str) -> None:
    room = _room(module)
    assert room in ALLOWED, f"{room} is a new room: say in ALLOWED what it may import"
    for full, inside in _imports(MODULES[module], module):
        if full == "napari_medssl" or not full.startswith("napari_medssl."):
            continue
        name = full.removeprefix("napari_medssl.")
        lazy = LAZY.get(room, ()) if inside else ()
        assert _within(name, ALLOWED[room] + lazy), f"{module or '__init__'} must not import {name}"


@pytest.mark.parametrize("module", [m for m in MODULES if _room(m) != "imaging"])
def test_imaging_has_one_door(module: str) -> None:
    for full, _ in _imports(MODULES[module], module):
        assert not full.startswith("napari_medssl.imaging."), f"{module} imports {full}: import from imaging"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_from_outside_in_the_wrong_place(module: str) -> None:
    for full, inside in _imports(MODULES[module], module):
        top = full.split(".")[0]
        if top in QT:
            assert _room(module) == "ui" or (inside and _room(module) in ("commands", "demo")), (
                f"{module} imports {full}: Qt and napari live in ui"
            )
        if top == "torch":
            assert _room(module) != "ui", f"{module} imports torch, in napari's process"
            assert inside or _may_import_torch(module), f"{module} imports torch at its top"
        assert top not in ("pickle", "shelve", "dill", "joblib"), f"{module} imports {full}: no pickles"
        assert full not in ("torch.load", "torch.save"), f"{module} imports {full}: no pickles"
        assert top not in ("requests", "urllib3", "httpx", "aiohttp", "ftplib", "smtplib", "http"), (
            f"{module} imports {full}: no network"
        )
        assert not full.startswith("urllib.request"), f"{module} imports {full}: no network"


@pytest.mark.parametrize("module", MODULES)
def test_no_pickle_is_read_or_written(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant), f"{module}:{node.value.lineno} allow_pickle must be False"
            assert node.value.value is False, f"{module}:{node.value.lineno} allow_pickle must be False"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "torch":
            assert node.attr not in ("load", "save"), f"{module}:{node.lineno} torch.{node.attr}: use safetensors"


@pytest.mark.parametrize("module", MODULES)
def test_modules_stay_readable(module: str) -> None:
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= 500, f"{module} has {lines} lines: it has more than one duty"
