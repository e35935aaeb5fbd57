"""A start that fails leaves no folder of a run behind; what killed starts left is swept, and nothing else."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project, quick_spec, run_inline
from test_ui_session import World

from napari_medssl import cli
from napari_medssl.errors import BadFileError, RunError
from napari_medssl.project import Project
from napari_medssl.runs import drivers, request
from napari_medssl.runs.outlook import Wish
from napari_medssl.runs.request import make_line, make_predict_spec, make_spec
from napari_medssl.runs.taking_back import taken_back


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, "raster")


def left(project: Project) -> list[str]:
    return sorted(path.name for path in (project.root / "runs").glob("[!.]*"))


def test_a_spec_that_cannot_be_written_takes_its_folder_with_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_inline(project, quick_spec(project, "supervised", "raster", steps=1).run)
    before, whole = left(project), request.write_spec
    calls = [0]

    def full(folder: Path, spec: Any) -> None:
        calls[0] += 1
        if calls[0] == 4:  # the second of a line
            whole(folder, spec)
            return
        raise BadFileError(folder, "it cannot be written (No space left on device)", "free some space")

    monkeypatch.setattr(request, "write_spec", full)
    for make in (
        lambda: make_spec(project, "supervised"),
        lambda: make_predict_spec(project, "supervised-001"),
        lambda: make_line(project, [Wish("pcrlv2", steps=1), Wish("bcp", steps=1)]),
        lambda: make_line(project, [Wish("pcrlv2", steps=1), Wish("bcp", steps=1)]),
    ):
        with pytest.raises(BadFileError):
            make()
        assert left(project) == before
    assert calls[0] >= 5


@pytest.mark.parametrize("command", [["train", "--method", "supervised"], ["train", "--method", "recommended"]])
def test_a_journal_that_cannot_be_begun_takes_the_run_with_it(
    project: Project, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(drivers, "JournalWriter", refuse)
    assert cli.main([command[0], str(project.root), *command[1:], "--steps", "2"]) == 2
    assert left(project) == []


def test_what_has_begun_stays(project: Project) -> None:
    spec = quick_spec(project, "supervised", "raster", steps=1)
    run_inline(project, spec.run)
    other = project.run_folder(quick_spec(project, "supervised", "raster").run)
    (other / "notes.txt").write_text("of a person")
    for folder in (project.run_folder(spec.run), other):
        with pytest.raises(RunError), taken_back([folder]):
            raise RunError("it cannot be started")
    assert left(project) == [spec.run, other.name]
    assert os.listdir(other) == ["notes.txt"]


def test_a_window_takes_back_what_it_could_not_start(tmp_path: Path) -> None:
    make_project(tmp_path)
    world = World(tmp_path / "project")
    world.driver.refuses = RunError("Its process could not be started.")
    world.session.runs.train([Wish("supervised", steps=5)])
    assert "could not be started" in str(world.session.state.message)
    assert left(world.project) == []


def test_empty_folders_of_killed_starts_are_swept_when_they_are_old(project: Project) -> None:
    old, young, full = (project.run_folder(name, create=True) for name in ("bcp-001", "bcp-002", "bcp-003"))
    (full / "spec.json").write_text("{}")
    for folder in (old, full):
        os.utime(folder, (time.time() - 7200,) * 2)
    assert project.new_run_name("bcp") == "bcp-004"
    assert left(project) == ["bcp-002", "bcp-003", "bcp-004"]
    assert young.is_dir()
