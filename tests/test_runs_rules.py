"""What cannot be is refused in one line, before a run is made and before anything is allocated."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from fixtures import made_run, make_project, plan_for, quick_spec

from napari_medssl.cli import main
from napari_medssl.errors import SpecError
from napari_medssl.methods.catalog import CATALOG
from napari_medssl.methods.options import resolve_options
from napari_medssl.project import Project
from napari_medssl.runs import request
from napari_medssl.runs.request import sketch_spec, start_run_folder
from napari_medssl.runs.rules import SETTINGS
from napari_medssl.runs.settings import check_settings
from napari_medssl.runs.spec import SPEC_NAME, read_spec
from napari_medssl.training import machine
from napari_medssl.training.memory import check_room

NO_NUMBERS = [float("nan"), float("inf"), -float("inf"), 10**400, -(10**400), 1e300]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("rules"), "raster")


@pytest.mark.parametrize("method", list(CATALOG))
def test_what_is_no_number_is_no_option(method: str) -> None:
    info = CATALOG[method]
    names = [n for n, f in info.options.__dataclass_fields__.items() if isinstance(f.default, int | float)]
    assert len(names) > 10
    for name in names:
        for value in NO_NUMBERS:
            with pytest.raises(SpecError, match=name):
                resolve_options(info.options, {name: value})


@pytest.mark.parametrize("name", sorted(SETTINGS))
@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, -1, True, "x", [], [[]], [float("nan")] * 3, [10**9] * 3, {}, [[10**9] * 3]]
)
def test_what_cannot_be_is_no_setting(name: str, value: Any) -> None:
    fine = {
        "many_contrasts": (True,), "mirror_axes": ([],), "single_piece": ([], [10**9] * 3), "spacing": ([10**9] * 3,),
        "mean": (-1,),
    }  # fmt: skip
    if value in fine.get(name, ()) and not (name == "single_piece" and value):
        check_settings(CATALOG["supervised"], {name: value})
        return
    with pytest.raises(SpecError, match=name) as refused:
        check_settings(CATALOG["supervised"], {name: value})
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--device", "cdua"], "auto, cpu"),
        (["--device", "0"], "auto, cpu"),
        (["--device", "gpu"], "auto, cpu"),
        (["--device", "cuda"], "auto, cpu"),
        (["--device", "cuda:9"], "auto, cpu"),
        (["--seed", "-1"], "seed"),
        (["--seed", "9" * 20], "seed"),
        (["--steps", "9" * 30], "steps"),
        (["--minutes", "nan"], "minutes"),
        (["--set", "learning_rate=NaN"], "learning_rate"),
        (["--set", "learning_rate=Infinity"], "learning_rate"),
        (["--set", "patch=[100000,100000,100000]"], "patch"),
        (["--set", "patch=[30000,30000]"], "patch"),
        (["--set", "widths=[1000000,1000000]"], "widths"),
        (["--set", "spacing=[1e-6,1e-6]"], "spacing"),
        (["--set", "batch=10000000"], "batch"),
    ],
)
def test_arguments_that_cannot_be_leave_no_run(
    project: Project,
    arguments: list[str],
    word: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = project.runs()
    limits = ["--steps", "2"] if not {"--steps", "--minutes"} & set(arguments) else []
    assert main(["train", str(project.root), "--method", "supervised", *limits, *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert word in said
    assert len(said.splitlines()) == 1
    assert "fault" not in said
    assert Project.open(project.root).runs() == before


@pytest.mark.parametrize(
    ("asked", "cards", "found"),
    [
        ("gpu", 1, "cuda"),
        ("GPU", 2, "cuda"),
        ("CPU", 0, "cpu"),
        ("auto", 0, "cpu"),
        ("auto", 1, "cuda"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_devices_by_name(asked: str, cards: int, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cards > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert machine.find_device(asked) == found
    for missing in (f"cuda:{cards}", "0", "xpu", "", "mps", *(() if cards else ("gpu", "cuda"))):
        with pytest.raises(SpecError, match=r"there are: auto, cpu") as refused:
            machine.find_device(missing)
        assert ("Write cuda:0" in str(refused.value)) == (cards > 0 and missing == "0")


def test_a_step_that_cannot_fit_is_refused_before_it_is_tried() -> None:
    check_room(plan_for(2, (64, 64, 64)), 2**30)
    with pytest.raises(SpecError, match=r"at the very least.*smaller patch"):
        check_room(plan_for(1024, (512, 512, 512)), 2**40)


def test_a_path_of_either_kind_is_no_name(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = quick_spec(project, "supervised", "raster", steps=1)
    folder = project.run_folder(spec.run)
    assert start_run_folder(project, folder.as_posix()) == folder
    monkeypatch.setattr(os, "sep", "\\")  # as on Windows
    assert start_run_folder(project, folder.as_posix()) == folder
    with pytest.raises(SpecError, match="There is no run"):
        start_run_folder(project, "no/such/run")
    assert request._SEPARATORS[0] == "/"


def crafted(project: Project, change: Any) -> Path:
    """A run whose spec says something else; without its checksum, as whoever edits it leaves it."""
    folder = project.run_folder(made_run(project, "supervised").run)
    raw = json.loads((folder / SPEC_NAME).read_text())
    raw.pop("crc32", None)
    change(raw)
    (folder / SPEC_NAME).write_text(json.dumps(raw))
    return folder


BAD: dict[str, list[Any]] = {
    "patch": [[10**9, 10**9], [0, 16], [-16, 16], ["a", "b"], [16.5, 16], 7, None],
    "batch": [0, -1, 10**9, 2.5, True, None, "4"],
    "spacing": [[0.0, 1.0], [-1.0, 1.0], [float("nan"), 1.0], [float("inf"), 1.0], []],
    "slice_axis": [3, -1, 10**9, "x", True],
    "window_step": [[0, 1], [-1, 1], [10**9, 1], ["a"], []],
    "sd": [0.0, -1.0, float("nan"), None],
    "clip": [[1.0], [float("nan"), 1.0], "ab"],
    "threads": [0, -1, 10**9],
    "looks": [0, 10**9],
    "normalisation": ["pickle", 1, None],
    "precision": ["float8", None],
    "augmentation": ["all", 3],
    "mirror_axes": [[7], [-1], "x"],
}
BAD_NET: dict[str, list[Any]] = {
    "widths": [[10**9, 8], [0, 8], [-4, 8], [], [4] * 100, "ab", [4.5, 8]],
    "strides": [[[0, 1], [2, 2]], [[10**6, 1], [2, 2]], [[-1, 1], [2, 2]], [], [["a"]], 5],
    "norm": ["layer", "", None, 3],
    "architecture": ["resnet-1000", None],
    "ndim": [0, 4, 10**9, "2"],
    "in_channels": [0, -1, 10**9],
    "classes": [0, -1, 10**9, 1000],
    "dropout": [float("nan"), 1.0, -0.1, 5],
}


@pytest.mark.parametrize("where", ["plan", "net", "budget", "top"])
def test_every_field_of_a_run_from_elsewhere_is_looked_at(project: Project, where: str) -> None:
    table = {
        "plan": BAD,
        "net": BAD_NET,
        "budget": {"minutes": [float("nan"), -1.0, 0.0, 1e9, "x"], "steps": [0, -1, 10**30, 1.5]},
        "top": {"seed": [-1, 10**20, 1.5, "x", None], "labelled": [7, [7], [{}]], "task": ["rm"], "settings": [7, []]},
    }[where]
    for name, values in table.items():
        for value in values:

            def change(raw: dict[str, Any], name: str = name, value: Any = value) -> None:
                part = {"plan": raw["plan"], "net": raw["plan"]["net"], "budget": raw["budget"], "top": raw}[where]
                part[name] = value

            with pytest.raises(SpecError) as refused:
                read_spec(crafted(project, change))
            if name != "labelled":
                assert name in str(refused.value), (name, value, str(refused.value))
            assert "\n" not in str(refused.value)
            assert len(str(refused.value)) < 600


def test_what_was_written_is_read_again(project: Project) -> None:
    spec = read_spec(crafted(project, lambda raw: None))
    assert spec.plan is not None
    sketch_spec(project, "supervised", settings={"spacing": [0.5, 0.5]}, steps=1, seed=2**63 - 1)
