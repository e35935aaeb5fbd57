"""Every command on a project tells what of it cannot be read, in words and to machines, also where it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from fixtures import made_run, make_project

from napari_medssl import cli
from napari_medssl import commands as commands_room
from napari_medssl.project import Project

#: With a run named supervised-001; those that end with exit code 2 would do so in a project without damage, too.
COMMANDS = {
    "status": (),
    "progress": (),
    "suggest": (),
    "methods": (),
    "classes": (),
    "use": ("no-such-run",),
    "runs list": (),
    "labels history": ("case-1",),
    "inspect": ("--run", "no-such-run", "--case", "case-1"),
    "predict": ("--run", "no-such-run"),
    "train": ("--method", "supervised", "--steps", "0"),
    "runs resume": ("no-such-run",),
}


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A project with a run, and a record in it that was cut short."""
    project = make_project(tmp_path_factory.mktemp("damaged"), "3d", labelled=2, unlabelled=2)
    spec = made_run(project, "supervised", 0.8)
    case = project.case("case-2")
    case.save_proposal(spec.run, np.zeros(case.grid.shape, np.uint8), {}, 0.5, {})
    record = project.root / "cases" / "case-0" / "case.json"
    record.write_bytes(record.read_bytes()[:-10])
    return project.root, record


def run(capsys: Any, *words: object) -> tuple[int, str, str]:
    code = cli.main([*map(str, words)])
    return code, *capsys.readouterr()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_names_what_cannot_be_read(command: str, damaged: tuple[Path, Path], capsys: Any) -> None:
    root, record = damaged
    words = (*command.split(), root, *COMMANDS[command])
    code, out, err = run(capsys, *words)
    assert str(record) in out
    assert (code == 0) == (err == "")
    machine_code, out, err = run(capsys, *words, "--json")
    told = json.loads(out)
    assert machine_code == code
    assert [(one["file"], one["case"]) for one in told["damage"]] == [(str(record), "case-0")]
    assert str(record) in err


def test_evaluate_measures_and_names_it_too(damaged: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    root, record = damaged
    case = Project.open(root).case("case-2")
    truth = tmp_path / f"{case.images[0].name.removesuffix('.nii')}.nii.gz"
    nib.save(nib.Nifti1Image(np.ones(case.grid.shape, np.uint8), case.grid.affine), truth)
    code, out, _ = run(capsys, "evaluate", root, "--run", "supervised-001", "--truth", truth, "--json")
    told = json.loads(out)
    assert code == 0
    assert [one["case"] for one in told["cases"]] == ["case-2"]
    assert [one["file"] for one in told["damage"]] == [str(record)]


def test_there_is_one_way_to_open_a_project_in_a_command() -> None:
    folder = Path(commands_room.__file__).parent
    found = {path.name for path in folder.glob("*.py") if "Project.open(" in path.read_text(encoding="utf-8")}
    assert found == {"damage.py", "check.py"}  # check tells more than damage, and by itself
