"""From a wish to a spec; whatever cannot be is refused in one clear sentence, before a run is reserved."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project, quick_spec

from napari_medssl.errors import SpecError
from napari_medssl.methods.catalog import CATALOG, method_info
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project import Project
from napari_medssl.runs.request import make_predict_spec, make_spec, start_run_folder
from napari_medssl.runs.settings import PLAN_SETTINGS, as_tuples, check_settings
from napari_medssl.runs.spec import Budget, Plan, RunSpec, read_spec, spec_from_json, spec_to_json


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("request"), "raster", labelled=3, unlabelled=3)


def refused(project: Project, *what: Any, **asked: Any) -> str:
    """The one line that says why not; nothing was reserved."""
    runs = project.runs()
    with pytest.raises(SpecError) as caught:
        make_spec(project, *what, **asked)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert project.runs() == runs
    return message


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "magic"}, "no method 'magic'; there are: supervised, bcp"),
        ({"minutes": 0}, "above 0 minutes, not 0"),
        ({"minutes": -5.0}, "above 0 minutes, not -5.0"),
        ({"minutes": float("nan")}, "above 0 minutes"),
        ({"minutes": float("inf")}, "minutes"),
        ({"steps": 0}, "at least 1, not 0"),
        ({"start_from": "bcp-007"}, "no run 'bcp-007'"),
        ({"settings": {"learning_speed": 1}}, "no setting learning_speed; there are: "),
        ({"settings": {"learning_rate": 7.0}}, "'learning_rate' must lie between"),
        ({"settings": {"learning_rate": "fast"}}, "'learning_rate' must be a float"),
        ({"settings": {"optimiser": "adam"}}, "'optimiser' must be one of sgd, adamw"),
        ({"settings": {"steps": True}}, "'steps' must be a int"),
        ({"settings": {"patch": [0, 4]}}, "'patch' must be two or three whole numbers"),
        ({"settings": {"patch": 64}}, "'patch' must be"),
        ({"settings": {"spacing": [1.0, -1.0]}}, "'spacing' must be two or three sizes above 0"),
        ({"settings": {"batch": 1.5}}, "'batch' must be a whole number"),
        ({"settings": {"threads": 0}}, "'threads' must be a whole number"),
        ({"settings": {"precision": "int8"}}, "'precision' must be one of float32, bfloat16"),
        ({"settings": {"normalisation": "none"}}, "'normalisation' must be one of"),
        ({"settings": {"widths": []}}, "'widths' must be"),
        ({"settings": {"architecture": "transformer"}}, "'architecture' must be one of unet"),
        ({"settings": {"dropout": 1.0}}, "'dropout' must be"),
        ({"settings": {"device": "cuda"}}, "no setting device"),
    ],
)
def test_what_cannot_be_is_refused(project: Project, asked: dict[str, Any], said: str) -> None:
    asked = dict(asked)
    assert said in refused(project, asked.pop("method", "supervised"), **asked)


def test_labels_are_needed(tmp_path: Path) -> None:
    empty = make_project(tmp_path, "raster", labelled=0, unlabelled=2)
    assert "1 labelled scan needed, none there. Label 1 more scan." in refused(empty, "supervised")
    assert "2 labelled scans needed, none there" in refused(empty, "bcp")


def test_unlabelled_scans_are_needed(tmp_path: Path) -> None:
    full = make_project(tmp_path, "raster", labelled=3, unlabelled=0)
    assert "2 unlabelled scans needed, none there" in refused(full, "bcp")
    make_spec(full, "supervised")


def test_a_project_without_scans(tmp_path: Path) -> None:
    assert "none there" in refused(Project.create(tmp_path / "empty"), "supervised")


def test_the_length_is_ten_minutes_unless_said_otherwise(project: Project) -> None:
    assert make_spec(project, "supervised").budget == Budget(minutes=10.0)
    assert make_spec(project, "supervised", steps=5).budget == Budget(steps=5)
    assert make_spec(project, "supervised", preset="paper").budget == Budget()


def test_a_spec_is_on_disk_before_anything_starts(project: Project) -> None:
    spec = quick_spec(project, "bcp", "raster", seed=5)
    assert read_spec(project.run_folder(spec.run)) == spec
    assert spec_from_json(spec_to_json(spec)) == spec
    assert [entry.case for entry in spec.labelled] == ["case-0", "case-1", "case-2"]
    assert all(project.case(e.case).latest().id == e.revision for e in spec.labelled)  # type: ignore[union-attr]


def test_a_full_spec_survives_json() -> None:
    net = NetSpec("unet", 3, 1, 2, (4, 8), ((1, 1, 1), (1, 2, 2)))
    plan = Plan(net, (1.0, 1.0, 2.5), (8, 16, 16), 2, clip=(-5.0, 9.0), mirror_axes=(1, 2), reasons=("so", "that"))
    spec = RunSpec("bcp-001", "bcp", settings={"patch": [8, 16, 16]}, options={"ema": 0.9}, plan=plan, propose=("a",))
    assert spec_from_json(spec_to_json(spec)) == spec


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": 1}', "null", "12", '{"plan": {}}'])
def test_what_is_no_spec_is_said_to_be_none(text: str) -> None:
    with pytest.raises(SpecError, match="no run spec"):
        spec_from_json(text)


def test_every_setting_of_the_plan_can_be_set_and_no_other() -> None:
    facts = {"net", "reasons", "labelled_voxels", "device", "clip"}
    fields = {f.name for f in dataclasses.fields(Plan)} - facts
    # no name means two things
    assert not PLAN_SETTINGS & {f.name for info in CATALOG.values() for f in dataclasses.fields(info.options)}
    assert fields | {"architecture", "widths", "strides", "dropout", "norm"} == PLAN_SETTINGS


@pytest.mark.parametrize("method", CATALOG)
@pytest.mark.parametrize("ndim", [2, 3])
def test_the_paper_preset_is_made_of_settings(method: str, ndim: int) -> None:
    info = method_info(method)
    options, wishes = check_settings(info, info.paper(ndim))
    assert {"architecture", "widths", "strides", "patch", "batch"} <= wishes.keys()
    assert {len(wishes["patch"]), *map(len, wishes["strides"])} <= {2, 3}
    assert options != info.options()
    if method in ("supervised", "bcp"):
        assert wishes["architecture"] == ("vnet" if ndim == 3 else "bcp-unet2d")
        assert dataclasses.asdict(options)["learning_rate"] == 0.01


def test_lists_become_tuples_all_the_way_down() -> None:
    assert as_tuples([[1, 2], [3, [4]], "ab"]) == ((1, 2), (3, (4,)), "ab")


def test_a_run_is_found_by_name_and_by_folder(project: Project, tmp_path: Path) -> None:
    run = quick_spec(project, "supervised", "raster").run
    folder = project.run_folder(run)
    assert start_run_folder(project, run) == folder
    assert start_run_folder(project, str(folder)) == folder
    with pytest.raises(SpecError, match="There is no run"):
        start_run_folder(project, str(tmp_path / "nowhere"))


def test_a_predict_spec_names_its_model(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster").run
    spec = make_predict_spec(project, run, ("case-3",))
    assert (spec.task, spec.start_from, spec.propose, spec.method) == ("predict", run, ("case-3",), "supervised")
    assert read_spec(project.run_folder(spec.run)) == spec


def test_runs_that_are_asked_for_at_once_get_folders_of_their_own(project: Project) -> None:
    names = [quick_spec(project, "supervised", "raster").run for _ in range(3)]
    assert len(set(names)) == 3


def test_asking_does_not_import_torch() -> None:
    code = "import sys, napari_medssl.runs.request, napari_medssl.runs.drivers; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
