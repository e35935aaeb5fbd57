"""The model in use: chosen by the program, or by a person who may change their mind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fixtures import made_run, make_project
from test_runs_guard import HELD, LABELS, cases, measured, run

from napari_medssl import cli
from napari_medssl.commands.predict import default_model
from napari_medssl.errors import MedSSLError
from napari_medssl.project import Project
from napari_medssl.project.audit import draw_audit
from napari_medssl.project.champions import CHAMPIONS, Decision, decide_champion, read_decisions
from napari_medssl.runs.champion import candidates, model_before, model_to_use, set_aside, tell_roles, use_model
from napari_medssl.runs.history import MODEL_NAME, PastRun, mark_chosen, read_history
from napari_medssl.runs.outlook import take_stock
from napari_medssl.terminal.screen import Screen
from napari_medssl.ui.modelview import model_view

ANNA = Decision("bcp-001", "anna", "2026-01-01")


def chosen(*runs: PastRun, decisions: tuple[Decision, ...] = (ANNA,)) -> tuple[PastRun, ...]:
    """These runs after those decisions."""
    return mark_chosen(runs, decisions)


def in_use(*runs: PastRun) -> str | None:
    """The name of the run in use."""
    found = model_to_use(runs)
    return found and found.run


class TestChoice:
    def test_a_person_goes_before_the_program(self) -> None:
        runs = (run("bcp-001", 0.8), run("bcp-002", 0.9))
        assert in_use(*runs) == "bcp-002"
        assert in_use(*chosen(*runs)) == "bcp-001"

    def test_even_for_one_that_did_worse_than_labels_only(self) -> None:
        runs = chosen(LABELS, run("bcp-001", 0.5), run("cdma-003", 0.5))
        assert in_use(*runs) == "bcp-001"
        assert "bcp-001" not in set_aside(runs)
        assert "worse than labels only" in set_aside(runs)["cdma-003"]

    def test_the_newest_decision_counts(self) -> None:
        runs = (run("bcp-001"), run("bcp-002"), run("bcp-003"))
        later = (ANNA, Decision("bcp-002", "ben"))
        assert in_use(*chosen(*runs, decisions=later)) == "bcp-002"
        assert in_use(*chosen(*runs, decisions=(*later, Decision(None, "ben")))) == "bcp-003"

    def test_a_decision_whose_model_is_gone_gives_way_to_the_one_before(self) -> None:
        runs = (run("bcp-001"), run("bcp-002", has_model=False), run("bcp-003"))
        assert in_use(*chosen(*runs, decisions=(ANNA, Decision("bcp-002")))) == "bcp-001"
        assert in_use(*chosen(*runs, decisions=(Decision(None), Decision("bcp-002")))) == "bcp-003"
        assert in_use(*chosen(*runs, decisions=(Decision("elsewhere-9"),))) == "bcp-003"

    def test_newer_proposals_are_not_shown_but_those_of_its_own_model_are(self) -> None:
        own = run("predict-003", task="predict", has_model=False, start_from="bcp-001")
        other = run("predict-004", task="predict", has_model=False, start_from="bcp-002")
        runs = chosen(run("supervised-000", 0.8), run("bcp-001"), run("bcp-002"), own, other)
        assert set_aside(runs).keys() == {"bcp-002", "predict-004"}
        assert set_aside(runs)["bcp-002"] == "bcp-001 is in use: anna chose it."


class TestCandidates:
    def test_none_while_the_program_chooses(self) -> None:
        assert candidates((run("bcp-001", 0.8), run("bcp-002", 0.9))) == ()

    @pytest.mark.parametrize(
        ("dice", "standing", "words"),
        [(0.84, "better", "better"), (0.81, "as good", "no clear difference"), (0.7, "worse", "worse")],
    )
    def test_a_newer_one_is_held_against_the_one_in_use(self, dice: float, standing: str, words: str) -> None:
        runs = chosen(run("bcp-001", 0.81), run("bcp-002", dice))
        (found,) = candidates(runs)
        assert (found.run, found.standing) == ("bcp-002", standing)
        assert found.text == (
            f"Candidate bcp-002: Dice {dice:.2f} against 0.81 of the one in use, bcp-001, "
            f"on 8 held-out scans ({words})."
        )

    def test_only_on_scans_that_both_were_measured_on(self) -> None:
        better = measured(0.9, 8)
        half = run("bcp-002", better, held_out=cases(*HELD[:3], "x", "y", "z"))
        (found,) = candidates(chosen(run("bcp-001", 0.8), half))
        assert "on 3 held-out scans" in found.text
        (found,) = candidates(chosen(run("bcp-001", 0.8), run("bcp-002", better, held_out=cases(HELD[0], "x"))))
        assert found.standing is None
        assert "not measured on the same held-out scans" in found.text

    def test_not_on_scans_whose_labels_either_has_learnt(self) -> None:
        first = run("supervised-000", labelled=cases(*HELD), held_out=frozenset())
        (found,) = candidates(chosen(first, run("bcp-001", 0.8), run("bcp-002", 0.9, start_from=first.run)))
        assert found.standing is None

    def test_roles(self) -> None:
        runs = chosen(run("cdma-000", 0.8), run("bcp-001", 0.8), run("bcp-002", 0.9), LABELS)
        roles = {name: role for name, (role, _) in tell_roles(runs).items()}
        assert roles == {
            "cdma-000": "set aside", "bcp-001": "in use", "bcp-002": "candidate", "supervised-002": "set aside",
        }  # fmt: skip
        assert "anna chose it" in tell_roles(runs)["bcp-001"][1]
        assert tell_roles(()) == {}


class TestOnDisk:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Project:
        project = make_project(tmp_path, "raster", labelled=7, unlabelled=3)
        draw_audit(project, 0.4, seed=1)
        return project

    def test_decisions_are_appended_with_author_and_time(self, project: Project) -> None:
        first, second = made_run(project, "bcp", 0.8).run, made_run(project, "bcp", 0.9).run
        use_model(project, first, author="anna")
        before = {path: path.read_bytes() for path in (project.root / CHAMPIONS).iterdir()}
        use_model(project, second, author="ben")
        use_model(project, None, author="anna")
        assert [(one.run, one.author) for one in read_decisions(project.root)] == [
            (first, "anna"), (second, "ben"), (None, "anna"),
        ]  # fmt: skip
        assert all(one.time.startswith("20") for one in read_decisions(project.root))
        assert all(path.read_bytes() == held for path, held in before.items())

    def test_half_a_file_and_strangers_are_passed_over(self, project: Project) -> None:
        run_name = made_run(project, "bcp", 0.8).run
        decide_champion(project, run_name, author="anna")
        for name, text in (("99999999T-torn.json", '{"run": '), ("99999999T-else.json", "{}"), ("notes.txt", "hello")):
            (project.root / CHAMPIONS / name).write_text(text)
        assert [one.run for one in read_decisions(project.root)] == [run_name]

    def test_only_a_run_with_a_model_can_be_chosen(self, project: Project) -> None:
        good, without = made_run(project, "bcp", 0.8).run, made_run(project, "bcp", 0.9).run
        (project.run_folder(without) / MODEL_NAME).unlink()
        for name in (without, made_run(project, "desd").run, "bcp-999", "../x"):
            with pytest.raises(MedSSLError, match=r"no model that makes proposals\. Choose one of: |There is no run"):
                use_model(project, name)
        assert read_decisions(project.root) == ()
        use_model(project, good)
        assert model_to_use(read_history(project)).run == good  # type: ignore[union-attr]

    def test_the_command(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        first, second = made_run(project, "bcp", 0.8).run, made_run(project, "bcp", 0.9).run
        root = str(project.root)
        assert cli.main(["use", root, first]) == 0
        out = capsys.readouterr().out
        assert f"Model to use: {first}. It was chosen by " in out
        assert f"Candidate {second}: Dice 0.90 against 0.80" in out
        assert cli.main(["runs", "list", root, "--json"]) == 0
        told = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (told["model_to_use"], [one["run"] for one in told["candidates"]]) == (first, [second])
        assert cli.main(["use", root, "--automatic"]) == 0
        assert f"Model to use: {second}." in capsys.readouterr().out
        for bad in ([], [first, "--automatic"], ["bcp-999"]):
            assert cli.main(["use", root, *bad]) == 2

    def test_predict_follows_it_however_much_is_labelled_since(
        self, project: Project, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first, second = made_run(project, "bcp", 0.8).run, made_run(project, "bcp", 0.9).run
        assert default_model(project, Screen(False)) == second
        use_model(project, first, author="anna")
        assert default_model(project, Screen(False)) == first
        assert f"Not with the newer {second}. {first} is in use: anna chose it." in capsys.readouterr().err
        more = next(case for case in project.cases() if case.status == "new" and case.role == "pool")
        more.save_labels(np.ones(more.grid.shape, np.uint8), author="anna", origin="drawn")
        assert model_to_use(take_stock(project).runs).run == first  # type: ignore[union-attr]

    def test_alone_it_has_no_candidates_and_no_way_back(self, project: Project) -> None:
        first = made_run(project, "bcp", 0.8).run
        use_model(project, first)
        assert candidates(read_history(project)) == ()
        assert set_aside(read_history(project)) == {}
        assert model_before(read_history(project)) is None


def test_a_model_that_nothing_measured_is_not_said_to_do_well(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=2)
    made_run(project, "supervised")
    (newest,) = read_history(project)
    assert tell_roles([newest])[newest.run][1].endswith("It is the newest; not measured.")
    assert model_view([newest]).text == f"In use: {newest.run} (the newest; not measured)."
