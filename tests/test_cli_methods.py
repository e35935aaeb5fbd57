"""`methods` and `train --dry-run`: the words of the outlook, on the command line."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project, quick

from napari_medssl import cli
from napari_medssl.methods.catalog import CATALOG
from napari_medssl.project import Project
from napari_medssl.runs.outlook import GROUPS, Wish, look_ahead, take_stock
from napari_medssl.runs.request import make_spec


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, "raster", labelled=3, unlabelled=4)


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert cli.main([*map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def files(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(root.rglob("*"))}


def test_every_method_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["methods"]) == 0
    out = capsys.readouterr().out
    for info in CATALOG.values():
        assert f"{info.name}: {info.title}\n" in out
        assert info.summary in out
    assert out.count("Needs: ") == out.count("Not when: ") == len(CATALOG)
    assert "Uses: " not in out
    places = [out.index(title.upper()) for title in GROUPS.values()]
    assert places == sorted(places)
    listed = told(capsys, "methods")["methods"]
    assert {one["name"] for one in listed} == set(CATALOG)
    assert all("outlook" not in one for one in listed)


def test_on_a_project_they_say_what_they_would_do(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    listed = {one["name"]: one["outlook"] for one in told(capsys, "methods", project.root, "--steps", 7)["methods"]}
    for name, outlook in listed.items():
        ahead = look_ahead(take_stock(project), Wish(name, steps=7))
        assert (outlook["uses"], outlook["time"], outlook["can_run"]) == (ahead.uses, ahead.time, True)
    assert listed["bcp"]["labelled"] == 3
    assert cli.main(["methods", str(project.root)]) == 0
    assert "Uses: 3 labelled, 4 unlabelled scans." in capsys.readouterr().out


def test_one_that_cannot_run_says_why_and_what_helps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = make_project(tmp_path, "raster", labelled=0, unlabelled=3)
    listed = {one["name"]: one["outlook"] for one in told(capsys, "methods", bare.root)["methods"]}
    assert listed["pcrlv2"]["can_run"]
    assert not listed["bcp"]["can_run"]
    assert listed["bcp"]["remedy"] == "Label 2 more scans."
    assert cli.main(["methods", str(bare.root)]) == 0
    assert "Cannot run: 2 labelled scans needed, none there. Label 2 more scans." in capsys.readouterr().out


@pytest.mark.parametrize("method", CATALOG)
def test_the_options_are_those_of_the_form(method: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = {one["name"]: one for one in told(capsys, "methods", "--options", method)["options"]}
    info = CATALOG[method]
    assert set(options) == {field.name for field in dataclasses.fields(info.options)}
    for field in dataclasses.fields(info.options):
        one = options[field.name]
        assert (one["default"], one["title"], one["help"]) == (
            field.default, field.metadata["title"], field.metadata["help"],
        )  # fmt: skip
        for ndim in (2, 3):
            assert one["published"][f"{ndim}d"] == info.paper(ndim).get(field.name, field.default)
    assert cli.main(["methods", "--options", method]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in options)
    assert cli.main(["methods", "--options", "magic"]) == 2


@pytest.mark.usefixtures("quick_machine")
class TestDryRun:
    @pytest.mark.parametrize("method", CATALOG)
    def test_it_leaves_nothing_behind(
        self, method: str, project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        before = files(project.root)
        words = [f"{name}={json.dumps(value)}" for name, value in quick("raster").items() if self._has(method, name)]
        found = told(
            capsys, "train", project.root, "--method", method, "--steps", 40, "--device", "cpu", "--dry-run", "--set",
            *words,
        )  # fmt: skip
        assert files(project.root) == before
        assert not list(scratch.glob("medssl*"))
        assert found["dry_run"]
        assert found["plan"]["patch"] == [16, 16]
        assert found["plan"]["reasons"]
        assert set(found["options"]) == {field.name for field in dataclasses.fields(CATALOG[method].options)}
        assert sum(phase["expected_steps"] for phase in found["phases"]) == 40
        assert all(phase["step_seconds"] > 0 for phase in found["phases"])
        expected = sum(phase["steps"] * phase["step_seconds"] for phase in found["phases"])
        assert found["outlook"]["estimate"]["training_seconds"] == pytest.approx(expected)
        changed = {one["name"]: one for one in found["changed"]}
        for name in quick("raster").keys() & set(found["options"]):
            if found["options"][name] != getattr(CATALOG[method].options(), name):
                assert changed[name]["by"] == "you"

    @staticmethod
    def _has(method: str, name: str) -> bool:
        from napari_medssl.runs.settings import PLAN_SETTINGS

        return name in PLAN_SETTINGS or name in {field.name for field in dataclasses.fields(CATALOG[method].options)}

    def test_people_get_the_plan_with_its_reasons(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["train", str(project.root), "--method", "supervised", "--minutes", "2", "--dry-run", "--set"]
        assert cli.main([*words, "widths=[4,8]", "jitter=1"]) == 2  # as without --dry-run
        assert "no setting jitter" in capsys.readouterr().err
        assert cli.main([*words, "widths=[4,8]", "ema=0.5", "patch=[16,16]"]) == 0
        out = capsys.readouterr().out
        for said in ("Uses: 3 labelled scans", "About 2 min of training", "s a step", "Patches of 16 x 16", "4 8"):
            assert said in out
        assert [line.split()[:4] for line in out.splitlines() if line.strip().startswith("ema ")] == [
            ["ema", "0.5", "0.99", "you"]
        ]
        assert "Nothing was written" in out

    def test_the_published_recipe_is_told_apart_from_what_you_set(
        self, project: Project, capsys: pytest.CaptureFixture[str]
    ) -> None:
        found = told(
            capsys, "train", project.root, "--method", "supervised", "--preset", "paper", "--dry-run", "--set",
            "widths=[4,8]", "strides=[[1,1],[2,2]]", "architecture=unet", "patch=[16,16]", "batch=2", "ema=0.5",
        )  # fmt: skip
        by = {one["name"]: one["by"] for one in found["changed"]}
        assert by["ema"] == "you"
        assert by["learning_rate"] == "published recipe"
        assert found["outlook"]["estimate"]["steps"] == 40_000

    def test_what_cannot_run_is_refused_in_the_same_words(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bare = make_project(tmp_path, "raster", labelled=1, unlabelled=3)
        assert cli.main(["train", str(bare.root), "--method", "bcp", "--dry-run"]) == 2
        dry = capsys.readouterr().err
        assert cli.main(["train", str(bare.root), "--method", "bcp"]) == 2
        assert capsys.readouterr().err == dry
        with pytest.raises(Exception, match="Label 1 more scan"):
            make_spec(bare, "bcp")
