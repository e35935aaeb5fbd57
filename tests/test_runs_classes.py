"""Runs from before the classes were changed: their models are used for nothing any more, and it is said why."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures import finished, made_run, make_project, run_inline

from napari_medssl.cli import main
from napari_medssl.errors import SpecError
from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.migration import ClassChange, apply_change
from napari_medssl.runs.champion import model_to_use, set_aside, use_model
from napari_medssl.runs.history import read_history
from napari_medssl.runs.request import make_predict_spec, make_spec


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = make_project(tmp_path)
    made_run(project, "supervised")
    made_run(project, "desd")
    use_model(project, "supervised-001")
    change = ClassChange((ClassInfo(1, "dark"), ClassInfo(2, "bright")), {1: 2, 2: 1})
    apply_change(project, change, author="ben")
    return project


def test_a_model_of_other_classes_is_not_used(project: Project) -> None:
    runs = read_history(project)
    assert model_to_use(runs) is None
    assert "bright 1 → 2" in set_aside(runs)["supervised-001"]
    later = made_run(project, "supervised")
    found = model_to_use(read_history(project))
    assert found is not None
    assert found.run == later.run


def test_nothing_begins_or_goes_on_with_it(project: Project) -> None:
    with pytest.raises(SpecError, match="before they changed"):
        make_predict_spec(project, "supervised-001")
    with pytest.raises(SpecError, match="before they changed"):
        make_spec(project, "supervised", steps=5, start_from="supervised-001")
    end = finished(run_inline(project, "supervised-001"))
    assert end.reason == "failed"
    assert "Start a new training" in end.message


def test_what_was_learnt_before_labelling_stays_of_use(project: Project) -> None:
    runs = {past.run: past for past in read_history(project)}
    assert not runs["desd-002"].retired
    assert "desd-002" not in set_aside(list(runs.values()))


def test_the_list_of_runs_says_so(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", str(project.root)]) == 0
    told = capsys.readouterr().out
    assert "⚠ supervised-001 is not used any more. It learnt the structures as they were" in told
    assert "desd-002 is not used" not in told
