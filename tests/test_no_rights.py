"""Files and folders that may not be read: one clear line, and nothing but what is in them is stopped.

Where root runs the tests, permission bits do not bind: its effective user is another one meanwhile.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project, quick_spec, run_inline

from napari_medssl import cli
from napari_medssl.disk import set_aside, write_json
from napari_medssl.errors import UnreadableFileError
from napari_medssl.project import Project

pytestmark = pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permission bits as POSIX has them")
NOBODY = 65534
LEARN = ("--method", "supervised", "--steps", "2", "--set", "widths=[4,8]", "patch=[16,16]", "batch=2")
COMMANDS = {
    "status": (),
    "suggest": (),
    "methods": (),
    "progress": (),
    "check": (),
    "predict": ("--run", "supervised-001", "--cases", "case-3"),
    "train": (*LEARN, "--propose", "none"),
}
#: What may not be read, and the commands that cannot do without it.
PLACES = {
    "cases/case-0": {"check"},
    "cases/case-0/case.json": {"check"},
    "cases/case-0/labels": {"check"},
    "cases/case-2/proposals": {"check"},
    "runs/supervised-001/events.jsonl": {"check"},
    "cache": {"train"},
    "cases": set(COMMANDS),
    "cases/case-3/proposals": {"check", "predict"},
    "runs/supervised-001/model.safetensors": {"check", "predict"},
}


def call(command: str, root: Path) -> tuple[int, dict[str, Any], str]:
    """A command as it is typed, with --json: its exit code, its result, and what it said besides."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.main([command, str(root), *COMMANDS[command], "--json"])
    return code, json.loads(out.getvalue()), err.getvalue()


@contextmanager
def as_another() -> Iterator[None]:
    """Be somebody whose rights count."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp())  # a folder of tmp_path is closed to others
    base.chmod(0o755)
    project = make_project(base, "raster")
    run_inline(project, quick_spec(project, "supervised", "raster", steps=2, propose=None).run)
    for command in COMMANDS:  # modules that somebody else may not read are imported
        call(command, project.root)
    if os.geteuid() == 0:
        for folder, _, names in os.walk(base):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                os.chown(path, NOBODY, NOBODY)
    yield project.root
    shutil.rmtree(base)


@contextmanager
def closed(path: Path) -> Iterator[None]:
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with as_another():
            yield
    finally:
        path.chmod(mode)


@pytest.mark.parametrize("place", PLACES)
def test_what_may_not_be_read_is_named_and_stops_nothing_else(root: Path, place: str) -> None:
    for command in COMMANDS:
        with closed(root / place):
            code, told, err = call(command, root)
        assert "Traceback" not in err, f"{command}: {err}"
        assert code == (2 if command in PLACES[place] else 0), f"{command}: {err}"
        if place == "cache" or "model" in place:
            continue
        if place == "cases":
            assert "cases: permission denied" in err
        else:
            (one,) = told["damage"]
            assert one["file"].startswith(str(root / place))
            assert "cannot be read (Permission denied)" in one["what"]


def test_a_training_says_whom_it_leaves_out(root: Path) -> None:
    with closed(root / "cases" / "case-0" / "labels"):
        code, _, err = call("train", root)
    assert code == 0
    assert "case-0 is left out." in err


def test_a_repair_touches_nothing_that_may_not_be_read(root: Path) -> None:
    record = next((root / "cases" / "case-0" / "labels").glob("*.json"))
    before = record.read_bytes()
    with closed(record):
        assert cli.main(["check", str(root), "--repair"]) == 2
    assert record.read_bytes() == before
    assert not list(root.rglob("*.damaged-*"))
    assert len(Project.open(root).case("case-0").revisions()) == 1


def test_what_may_not_be_read_is_not_set_aside() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        write_json(path, {"a": 1})
        os.chmod(folder, 0o777)
        with closed(path), pytest.raises(UnreadableFileError, match="Permission denied"):
            set_aside(path)
        assert path.exists()
