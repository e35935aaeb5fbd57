"""`--method recommended`, and what the commands say and choose where a run did worse than labels only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import made_run, make_project, quick

from napari_medssl import cli
from napari_medssl.commands import predict as predict_command
from napari_medssl.commands.running import run_here
from napari_medssl.project import Project
from napari_medssl.project.audit import draw_audit
from napari_medssl.runs.outlook import Wish, take_stock
from napari_medssl.runs.recommend import recommend
from napari_medssl.runs.request import make_line
from napari_medssl.terminal.screen import Screen

PLAN = {name: value for name, value in quick("raster").items() if name not in ("ema", "learning_rate")}
SET = [f"{name}={json.dumps(value)}" for name, value in PLAN.items()]
QUICKLY = ["--steps", "4", "--device", "cpu", "--propose", "none", "--set", *SET]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, "raster", labelled=3, unlabelled=4)


@pytest.fixture
def judged(tmp_path: Path) -> Project:
    """Labelled audit cases to measure on."""
    project = make_project(tmp_path, "raster", labelled=7, unlabelled=3)
    draw_audit(project, 0.4, seed=1)
    return project


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert cli.main([*map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert cli.main([*map(str, words)]) == 0
    return capsys.readouterr().out


class TestRecommended:
    def test_it_is_listed_first(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        found = told(capsys, "methods", project.root, "--minutes", 7)["recommended"]
        assert [(run["method"], run["minutes"]) for run in found["runs"]] == [("bcp", 7.0)]
        assert found["outlook"]["can_run"]
        out = said(capsys, "methods", project.root)
        assert out.startswith("RECOMMENDED\n\nrecommended: Learn from labelled and unlabelled scans together – BCP\n")
        assert "With 3 labelled and 4 unlabelled scans it pays to learn from both." in out

    def test_it_trains_and_says_why(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        found = told(capsys, "train", project.root, "--method", "recommended", *QUICKLY)
        assert (found["method"], found["state"], found["steps"]) == ("bcp", "completed", 4)
        assert found["recommended"]["runs"][0]["why"].startswith("With 3 labelled")
        assert found["verdict"]["standing"] is None
        assert found["compare_with"] is None, "nothing is held out: a comparison would tell nothing"

    def test_tried_out_it_leaves_nothing(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        found = told(capsys, "train", project.root, "--method", "recommended", "--dry-run", *QUICKLY)
        assert [one["name"] for one in found["runs"]] == ["bcp"]
        assert project.runs() == []

    @pytest.mark.parametrize("more", [["--preset", "paper"], ["--start-from", "bcp-001"]])
    def test_what_goes_with_one_method_only_is_refused(
        self, project: Project, capsys: pytest.CaptureFixture[str], more: list[str]
    ) -> None:
        assert cli.main(["train", str(project.root), "--method", "recommended", *more]) == 2
        assert "Name a method to choose --preset or --start-from." in capsys.readouterr().err

    def test_one_command_does_both_runs_of_a_chain(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        wishes = [Wish(method, steps=3, device="cpu", settings=PLAN) for method in ("pcrlv2", "bcp")]
        one, two = make_line(project, wishes, propose=())
        waiting = told(capsys, "runs", "list", project.root)["runs"][1]
        assert (waiting["state"], waiting["waits_for"]) == ("waiting", one.run)
        assert cli.main(["runs", "resume", str(project.root), two.run]) == 2
        assert "resume that one first" in capsys.readouterr().err
        result = run_here(project, one.run, Screen(True), quiet=True)
        assert (result["run"], result["state"]) == (two.run, "completed")
        assert [(before["run"], before["state"]) for before in result["before"]] == [(one.run, "completed")]
        chain = recommend(take_stock(project), 60)
        assert [(wish.method, wish.start_from) for wish in chain.wishes] == [("bcp", two.run)]


def propose(project: Project, case: str, run: str, score: float) -> None:
    """A run's proposal for a case: nothing found."""
    labels = np.zeros(project.case(case).grid.shape, np.uint8)
    project.case(case).save_proposal(run, labels, {}, score, {})


class TestGuard:
    def test_a_run_that_did_worse_is_marked_and_not_used(
        self, judged: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        labels, worse = made_run(judged, "supervised", 0.9), made_run(judged, "bcp", 0.5)
        case = next(case.name for case in judged.cases() if case.status == "new")
        propose(judged, case, labels.run, 0.2)
        propose(judged, case, worse.run, 0.7)
        for words in (["runs", "list"], ["status"]):
            out = said(capsys, *words, judged.root)
            assert "⚠ worse" in out
            assert f"⚠ {worse.run}: Worse than labels only: Dice 0.500" in out
            assert f"Model to use: {labels.run}." in out
            found = told(capsys, *words, judged.root)
            assert found["model_to_use"] == labels.run
            assert set(found["set_aside"]) == {worse.run}
            verdicts = {run["run"]: run["verdict"] for run in found["runs"]}
            assert verdicts[labels.run] is None
            assert (verdicts[worse.run]["standing"], verdicts[worse.run]["against"]) == ("worse", labels.run)
        shown = {one["case"]: one["proposed_by"] for one in told(capsys, "status", judged.root)["cases"]}
        assert shown[case] == labels.run
        (first,) = told(capsys, "suggest", judged.root, "-k", 1)["suggestions"]
        assert (first["case"], first["score"]) == (case, 0.2)
        asked: list[str] = []
        monkeypatch.setattr(predict_command, "predict", lambda project, model, *_: asked.append(model) or {})
        assert cli.main(["predict", str(judged.root)]) == 0
        assert f"Not with the newer {worse.run}. It did worse than labels only" in capsys.readouterr().err
        assert cli.main(["predict", str(judged.root), "--run", worse.run]) == 0
        assert asked == [labels.run, worse.run]

    def test_without_a_comparison_it_is_offered(self, judged: Project, capsys: pytest.CaptureFixture[str]) -> None:
        run = made_run(judged, "bcp", 0.5).run
        command = f"napari-medssl train {judged.root} --method supervised --steps 10 --device cpu"
        assert command in said(capsys, "status", judged.root)
        found = told(capsys, "runs", "list", judged.root)
        assert (found["model_to_use"], found["compare_with"]) == (run, command)
        made_run(judged, "supervised", 0.4)
        assert told(capsys, "runs", "list", judged.root)["compare_with"] is None

    def test_not_once_other_scans_are_labelled(self, judged: Project, capsys: pytest.CaptureFixture[str]) -> None:
        made_run(judged, "bcp", 0.5)
        case = next(case for case in judged.cases() if case.status == "new" and case.role == "pool")
        case.save_labels(np.ones(case.grid.shape, np.uint8), author="t", origin="drawn")
        assert told(capsys, "runs", "list", judged.root)["compare_with"] is None

    def test_training_says_it_at_its_end(self, judged: Project, capsys: pytest.CaptureFixture[str]) -> None:
        labels = made_run(judged, "supervised", 1.0, steps=4)
        words = ["train", judged.root, "--method", "bcp", *QUICKLY]
        found = told(capsys, *words)
        assert (found["verdict"]["standing"], found["verdict"]["against"]) == ("worse", labels.run)
        out = said(capsys, *words)
        assert "⚠ Worse than labels only" in out
        assert f"is not used unless you name it; {labels.run} is." in out
