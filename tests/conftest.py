"""What every test needs: a quiet machine, no screen, no network, and the way to the real scans where there are any."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

# Before Qt, numpy or torch are first imported. A test that wants a real window starts its own X server and process.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# The plugins of pytest have loaded numpy by now: what its libraries read from the environment is told to them, too.
# Two threads on two busy cores wait for each other more than they work.
threadpool_limits(1)
# What a person has of one's own (recent projects, the sample) is not touched by tests.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="medssl-tests-")
os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp(prefix="medssl-tests-")) / "settings.yaml"))

settings.register_profile("busy", deadline=None)  # a machine with other things to do is no fault
settings.load_profile("busy")

pytest_plugins = ("screen",)  # the fixture `display`
REPOSITORY = Path(__file__).resolve().parents[1]
#: Modules, without `test_`, that take over two seconds: they train, start processes, or build the dock.
SLOW = frozenset(
    [
        "attacks_damage",
        "attacks_saving",
        "attacks_strokes",
        "attacks_writers",
        "cli_doctor",
        "cli_inspect",
        "cli_output",
        "cli_runs",
        "composition",
        "contract",
        "demo_cohort",
        "demo_run",
        "golden_cdma",
        "golden_desd",
        "golden_pcrlv2",
        "imaging_damage",
        "imaging_odd",
        "inference_memory",
        "inference_predictor",
        "inspection_runs",
        "layers_imports",
        "methods_cdma",
        "methods_desd",
        "no_network",
        "ownership",
        "project_kill",
        "runs_line",
        "runs_processes",
        "soft_locks",
        "training_bad_steps",
        "training_budget",
        "training_cases",
        "training_preview",
        "training_resume",
        "ui_borders",
        "ui_classes",
        "ui_handover",
        "ui_importing",
        "ui_inputs",
        "ui_inside",
        "ui_questions",
        "ui_strokes",
        "ui_survival",
        "ui_teardown",
        "ui_tools",
        "ui_viewing",
        "ui_widget",
    ]
)


def _folder(variable: str, default: str) -> Path:
    """The folder that `variable` names; relative paths count from the repository's root."""
    return (REPOSITORY / os.environ.get(variable, default)).resolve()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test is `window`, `slow` or `fast`: all that is fast takes about two minutes on two cores."""
    for item in items:
        name = item.path.stem.removeprefix("test_")
        kind = "window" if name.startswith("window_") else "slow" if name in SLOW else "fast"
        item.add_marker(kind)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The real scans (`MEDSSL_DATA`); the test is skipped where there are none."""
    folder = _folder("MEDSSL_DATA", "../shared/data")
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}; set MEDSSL_DATA to their folder")
    return folder


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test does, it does not leave this machine."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture
def quick_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs compute with one thread in float32, without trying out what is fastest."""
    from napari_medssl.training import machine

    monkeypatch.setattr(machine, "_fastest", lambda cores: (1, False))
