"""The verbs for notebooks and scripts, and the examples that use them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project

import napari_medssl as medssl
from napari_medssl.errors import MedSSLError, ProjectError, SpecError
from napari_medssl.runs.events import RunEvent, RunFinished, RunStarted

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Four scans, and masks of all of them."""
    folder = tmp_path_factory.mktemp("cohort")
    project = make_project(folder, labelled=4, unlabelled=0)
    masks = folder / "masks"
    masks.mkdir()
    for case in project.cases():
        revision = case.latest()
        (masks / f"{case.images[0].stem}.nii.gz").write_bytes(revision.path.read_bytes())
    return folder / "scans", masks


@pytest.fixture
def project(tmp_path: Path, cohort: tuple[Path, Path]) -> medssl.Project:
    images, masks = cohort
    return medssl.create_project(tmp_path / "p", images, sorted(masks.iterdir())[:2], {1: "bright", 2: "dark"})


def test_a_project_is_made_and_opened(project: medssl.Project) -> None:
    again = medssl.open_project(project.root)
    assert [case.status for case in again.cases()] == ["labelled", "labelled", "new", "new"]
    assert [one.name for one in again.classes] == ["bright", "dark"]


def test_classes_come_from_the_labels_where_nobody_names_them(tmp_path: Path, cohort: tuple[Path, Path]) -> None:
    made = medssl.create_project(tmp_path / "p", cohort[0], cohort[1])
    assert [one.value for one in made.classes] == [1, 2]


def test_nothing_is_left_of_a_project_without_a_scan(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.nii.gz").write_bytes(b"no scan")
    with pytest.raises(MedSSLError, match=r"None of the scans can be used\. .*a\.nii\.gz"):
        medssl.create_project(tmp_path / "p", tmp_path / "scans")
    assert not (tmp_path / "p").exists()


def test_train_predict_evaluate_suggest(project: medssl.Project, cohort: tuple[Path, Path]) -> None:
    heard: list[RunEvent] = []
    run = medssl.train(project, "supervised", steps=2, propose=["case-2_0"], device="cpu", on_event=heard.append)
    assert run.name == "supervised-001"
    assert run.status.step == 2
    assert set(run.proposals) == {"case-2_0"}
    assert isinstance(heard[0], RunStarted)
    assert isinstance(heard[-1], RunFinished)
    first = medssl.suggest(project, 1)
    assert [one.case for one in first] == ["case-2_0"]
    assert len(medssl.suggest(project)) == 2
    found = medssl.predict(project, cases=["case-3_0"], device="cpu")
    assert set(found.proposals) == {"case-3_0"}
    measured = medssl.evaluate(project, cohort[1], run.name)
    assert set(measured.scores) == {"case-2_0", "case-3_0"}
    assert set(measured.left_out) == {"case-0_0", "case-1_0"}
    assert 0 <= measured.table()["mean"]["dice"] <= 1
    assert project.case("case-2_0").latest() is None, "a truth is not saved"


def test_what_cannot_be_is_refused_before_a_run_is_made(project: medssl.Project) -> None:
    with pytest.raises(ProjectError, match="no run has a model yet"):
        medssl.predict(project)
    with pytest.raises(SpecError, match="There is no device 'cuda:9'"):
        medssl.train(project, "supervised", steps=1, device="cuda:9")
    with pytest.raises(MedSSLError):
        medssl.train(project, "unet")
    assert project.runs() == []


def test_the_verbs_cost_nothing_until_they_are_used() -> None:
    code = "import sys, napari_medssl; napari_medssl.train; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def run_example(name: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_run(tmp_path: Path, cohort: tuple[Path, Path]) -> None:
    images, masks = cohort
    told = run_example("train_and_evaluate.py", tmp_path / "p", images, masks, "--labeled", 2, "--steps", 2)
    assert "4 cases, 2 labeled" in told
    assert "On 2 cases that it did not learn from: Dice" in told
    told = run_example("annotation_loop.py", tmp_path / "p", masks, "--rounds", 2, "--per-round", 2, "--steps", 2)
    assert told.count("round 1") == 2
    assert "Every case is labeled." in told
    assert [case.status for case in medssl.open_project(tmp_path / "p").cases()] == ["labelled"] * 4
    run_example("export_uncertainty.py", tmp_path / "p", tmp_path / "out")
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert "case-3_0_proposal.nii.gz" in written
    assert "case-3_0_entropy.nii.gz" in written
    labels = medssl.read_labels(tmp_path / "out" / "case-3_0_proposal.nii.gz")
    assert set(np.unique(labels.array)) <= {0, 1, 2}
