"""Find out what this machine and this installation can do, and what is wrong: each check is one `Finding`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from .errors import MedSSLError
from .locking import NO_LOCKS, has_system_locks

GIGA = 1e9
QT_BINDINGS = ("PySide6", "PyQt6", "PyQt5", "PySide2")
REFUSED_BY_NAPARI = ("6.11.0", "6.11.1")
LEAST_MEMORY, LEAST_DISK = 4.0, 2.0  # GB
TRIAL_MINUTES = 0.2


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `verdict`: "ok", "note" (works, but know this) or "bad" (mend this)."""

    key: str
    what: str
    value: str
    verdict: Literal["ok", "note", "bad"] = "ok"
    remedy: str = ""


def examine(folder: Path, device: str = "auto", training: bool = True) -> Iterator[Finding]:
    """All checks, the cheap ones first.

    Parameters
    ----------
    folder : Path
        Where projects are to be.
    device : str
        As for training.
    training : bool
        Whether to train for a few seconds at the end.
    """
    yield _python()
    yield from _screen()
    yield _memory()
    yield from _folder(folder)
    try:
        yield from _torch(device)
    except ImportError as error:
        yield Finding("torch", "torch", f"cannot be imported: {error}", "bad", "Install it: pip install torch")
        return
    except MedSSLError as error:
        yield Finding("device", "Device", str(error), "bad", "")
        return
    if training:
        yield _training(device)


def check_qt(versions: dict[str, str]) -> Finding:
    """Judge the Qt bindings that are installed, name to version."""
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    if not versions:
        return Finding(
            "qt",
            "Qt",
            "no binding installed",
            "note",
            'The command line works without; for napari: pip install "napari-medssl[all]"',
        )
    pyside = versions.get("PySide6", "")
    if pyside == "6.12.0":
        return Finding(
            "qt",
            "Qt",
            listed,
            "bad",
            "PySide6 6.12.0 ends napari with an abort after some thousand slice "
            'changes on Python 3.11: pip install "PySide6!=6.12.0"',
        )
    if pyside in REFUSED_BY_NAPARI:
        return Finding(
            "qt", "Qt", listed, "note", f'Some releases of napari refuse PySide6 {pyside}: pip install "PySide6<6.11"'
        )
    if len(versions) > 1:
        return Finding(
            "qt",
            "Qt",
            listed,
            "note",
            f"Two bindings get in each other's way: keep one; QT_API={next(iter(versions)).lower()} chooses meanwhile.",
        )
    return Finding("qt", "Qt", listed)


def _python() -> Finding:
    value = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", "Python", value)


def _screen() -> Iterator[Finding]:
    version = _version("napari")
    if version is None:
        yield Finding("napari", "napari", "not installed", "note", 'pip install "napari-medssl[all]" brings it.')
    else:
        yield Finding("napari", "napari", version)
    yield check_qt({name: found for name in QT_BINDINGS if (found := _version(name))})
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        yield Finding("display", "Display", "none", "note", "Commands work; a window needs a screen.")


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available / GIGA, memory.total / GIGA
    value = f"{free:.1f} GB free of {total:.1f} GB"
    if free < LEAST_MEMORY:
        return Finding("memory", "Memory", value, "note", f"Close something: training likes {LEAST_MEMORY:.0f} GB.")
    return Finding("memory", "Memory", value)


def _folder(folder: Path) -> Iterator[Finding]:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".medssl-") as file:
            file.write(b"x")
            os.fsync(file.fileno())
        yield Finding("writing", "Writing", f"{folder.resolve()} is writable")
    except OSError as error:
        yield Finding("writing", "Writing", f"{folder}: {error.strerror}", "bad", "Choose another folder for projects.")
        return
    if has_system_locks(folder) is False:
        yield Finding("locks", "Locks", "none in this folder", "note", NO_LOCKS)
    free = shutil.disk_usage(folder).free / GIGA
    few = free < LEAST_DISK
    yield Finding(
        "disk",
        "Disk",
        f"{free:.1f} GB free",
        "note" if few else "ok",
        "Preprocessed scans and models need room: free some." if few else "",
    )


def _torch(device: str) -> Iterator[Finding]:
    import torch

    from .training.machine import probe

    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU only"
    yield Finding("torch", "torch", f"{torch.__version__} ({build})")
    machine = probe(device)
    name, remedy, verdict = "processor", "", "ok"
    if machine.device.startswith("cuda"):
        name = torch.cuda.get_device_name(machine.device)
    elif machine.device == "cpu":
        verdict = "note"
        remedy = "Training works without a GPU, more slowly. With one, install torch's build for it (see the README)."
    value = f"{machine.device}: {name}, {machine.memory / GIGA:.1f} GB free, {machine.cores} cores"
    yield Finding("device", "Device", value, "note" if verdict == "note" else "ok", remedy)
    precision = "bfloat16" if machine.bfloat16 else "float32"
    yield Finding("precision", "Precision", f"{precision} with {machine.threads} compute threads is fastest here")


def _training(device: str) -> Finding:
    """Generate a few scans, train on them for some seconds, validate, propose: the whole chain once."""
    try:
        with tempfile.TemporaryDirectory(prefix="medssl-doctor-", ignore_cleanup_errors=True) as place:
            return _train_in(Path(place), device)
    except MedSSLError as error:
        return Finding("training", "Training", f"failed: {error}", "bad", "")
    except Exception as error:
        value = f"failed: {type(error).__name__}: {error}"
        return Finding("training", "Training", value, "bad", "Please report this, with what doctor printed.")


def _train_in(place: Path, device: str) -> Finding:
    from .demo.setup import make_demo_project
    from .runs.drivers import InlineDriver
    from .runs.request import make_spec
    from .runs.status import fold

    demo = make_demo_project(place, cases=6, labelled=2, audit=1)
    unlabelled = demo.unlabelled()
    spec = make_spec(demo.project, "bcp", minutes=TRIAL_MINUTES, device=device, propose=(unlabelled[0],))
    status = fold(InlineDriver().run(demo.project.root, spec.run))
    if status.state != "completed" or not status.proposed:
        return Finding("training", "Training", status.message or status.state, "bad", "")
    assert status.finished is not None
    value = f"{status.step} steps and a proposal in {status.finished.seconds:.0f} s"
    if status.best_dice is None:
        return Finding("training", "Training", f"{value}, but nothing was measured", "bad", "Please report this.")
    return Finding("training", "Training", f"{value}; Dice {status.best_dice:.2f} on a case held out")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
