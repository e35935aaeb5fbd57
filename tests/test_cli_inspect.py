"""`inspect` on the command line: pictures, maps on the case's grid, words, and refusals in one line."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from fixtures import make_project, quick_spec, run_inline

from napari_medssl import cli
from napari_medssl.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three cases of a shape of their own, a run of CDMA and one of PCRLv2."""
    project = make_project(tmp_path_factory.mktemp("inspected"), labelled=2, unlabelled=1)
    for method in ("cdma", "pcrlv2"):
        run_inline(project, quick_spec(project, method, steps=3).run)
    return project


def test_it_writes_sheets_and_tells_what_there_is(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["inspect", str(project.root), "--run", "cdma-001", "--case", "case-2"]) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / "inspect-cdma-001-case-2"
    assert sorted(p.name for p in folder.iterdir()) == [
        "attention.png", "channels.png", "features.png", "predictions.png",
    ]  # fmt: skip
    assert "No restoration: cdma" in out
    assert "SA branch" in out
    assert str(folder / "features.png") in out
    assert "Looking at attention" in err


def test_json_is_one_object_with_files_and_numbers(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["inspect", str(project.root), "--run", "pcrlv2-002", "--case", "case-0", "--out", str(tmp_path / "o")]
    assert cli.main([*words, "--stage", "1", "--slices", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["run"], told["case"], told["stage"], told["stages"]) == ("pcrlv2-002", "case-0", 1, 2)
    assert [Path(p).name for p in told["files"]] == ["features.png", "restoration.png"]
    assert all(Path(p).is_file() for p in told["files"])
    assert {p["name"] for p in told["pictures"]} == {
        "features-before", "features-after", "original", "distorted", "restored",
    }  # fmt: skip
    assert told["facts"]["restoration"]["distorted_error"] > 0
    assert 0 < sum(told["facts"]["features"]["after"]["explained"]) <= 1.001
    assert len(told["missing"]) == 2


def test_maps_are_on_the_grid_of_the_scan(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["inspect", str(project.root), "--run", "cdma-001", "--case", "case-2", "--out", str(tmp_path), "--nifti"]
    assert cli.main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    maps = [Path(p) for p in told["files"] if p.endswith(".nii.gz")]
    scan = nib.load(project.root.parent / "scans" / "case-2_0.nii")
    counts = {"colours": 3}
    assert len(maps) == sum(counts.get(p["kind"], 1) for p in told["pictures"])
    for path in maps:
        image = nib.load(path)
        assert image.shape == scan.shape
        np.testing.assert_allclose(image.affine, scan.affine)
    spoken = np.asarray(nib.load(tmp_path / "says-csa.nii.gz").dataobj)
    assert set(np.unique(spoken)) <= {0, 1, 2}
    red = np.asarray(nib.load(tmp_path / "features-after-red.nii.gz").dataobj)
    assert 0 <= red.min() < 0.1
    assert 0.9 < red.max() <= 1.001


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--run", "gone", "--case", "case-2"], "no run 'gone'"),
        (["--run", "cdma-001", "--case", "gone"], "no case 'gone'"),
        (["--run", "cdma-001", "--case", "case-1,case-2"], "name one case"),
        (["--run", "cdma-001", "--case", "case-2", "--stage", "7"], "no stage 7"),
        (["--run", "cdma-001", "--case", "case-2", "--slices", "0"], "choose 1 to"),
        (["--run", "cdma-001"], "--case"),
        (["--case", "case-2"], "--run"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(
    project: Project, words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli.main(["inspect", str(project.root), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert last.startswith("napari-medssl: ")
    assert said in last
    assert not list(tmp_path.iterdir())


def test_an_image_is_inspected_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=1, channels=3)
    run_inline(project, quick_spec(project, "supervised", "raster", steps=2).run)
    words = ["inspect", str(project.root), "--run", "supervised-001", "--case", "case-2", "--out", str(tmp_path / "o")]
    assert cli.main([*words, "--nifti", "--json"]) == 0
    names = {Path(p).name for p in json.loads(capsys.readouterr().out)["files"]}
    assert {"features.png", "predictions.png", "says-average.png", "features-after-blue.nii.gz"} <= names
