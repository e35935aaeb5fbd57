"""From what is known to what is shown: pure, so tested as such."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from napari_medssl.runs.events import PhaseStarted, Proposed, RunFinished, RunStarted, Stepped, Validated, Warned
from napari_medssl.runs.outlook import Stock
from napari_medssl.runs.status import RunStatus, fold, lose
from napari_medssl.runs.words import duration
from napari_medssl.ui.casefacts import CaseFacts
from napari_medssl.ui.facts import ClassFacts, ProjectFacts
from napari_medssl.ui.runview import run_view
from napari_medssl.ui.state import Facts, OpenCase, resolve

LIVER = ClassFacts(1, "liver", "#E69F00")


def project(*statuses: str, **more: object) -> ProjectFacts:
    cases = tuple(CaseFacts(f"case-{n}", s, 0.5 if s == "proposed" else None) for n, s in enumerate(statuses))
    return replace(ProjectFacts(Path("/p"), "p", (LIVER,), cases), **more)


def test_without_a_project_there_is_nothing_to_do() -> None:
    state = resolve(Facts())
    assert not state.has_project
    assert not state.train.can_train
    assert not state.actions.can_label
    assert state.next_case is None


def test_counts_leave_out_what_cannot_be_used() -> None:
    state = resolve(Facts(project("labelled", "labelled", "proposed", "draft", "excluded", "missing", "new")))
    assert state.progress == (2, 5)
    assert state.counts == "2 of 5 labelled · 1 to review · 1 draft"
    assert resolve(Facts(project("draft", "draft"))).counts == "0 of 2 labelled · 2 drafts"


def test_one_training_at_a_time() -> None:
    ready = project("labelled", "labelled", "new", "new", stock=Stock(labelled=2, unlabelled=2, classes=1))
    running = fold([RunStarted(run="bcp-001", task="train", method="bcp")])
    assert resolve(Facts(ready)).train.can_train
    assert not resolve(Facts(ready, run="bcp-001", status=running)).train.can_train
    assert not resolve(Facts(ready, starting=True)).train.can_train
    assert resolve(Facts(ready, run="bcp-001", status=fold([RunFinished(reason="stopped")], running))).train.can_train


def test_next_is_the_best_suggestion_that_is_not_on_screen() -> None:
    facts = project("proposed", "labelled", "proposed", suggestions=(("case-2", "why two"), ("case-0", "why zero")))
    assert resolve(Facts(facts)).next_case == "case-2"
    assert resolve(Facts(facts, OpenCase("case-2"))).next_case == "case-0"
    assert resolve(Facts(facts, loading="case-2")).next_why == "why zero"


def test_an_audit_case_is_never_suggested() -> None:
    facts = ProjectFacts(Path("/p"), "p", (LIVER,), (CaseFacts("a", "new", audit=True),))
    assert resolve(Facts(facts)).next_case is None


def test_accept_needs_a_proposal_and_correct_happens_once() -> None:
    facts = Facts(project("proposed"), OpenCase("case-0"))
    assert not resolve(facts).actions.can_accept
    assert resolve(facts).actions.can_label
    shown = resolve(replace(facts, case=OpenCase("case-0", proposal="bcp-001", proposal_score=0.25))).actions
    assert shown.can_accept
    assert shown.can_correct
    assert "0.25" in shown.proposal_text
    copied = resolve(replace(facts, case=OpenCase("case-0", proposal="bcp-001", copied=True))).actions
    assert not copied.can_correct


def test_a_failed_save_cannot_be_overlooked() -> None:
    actions = resolve(Facts(project("new"), OpenCase("case-0", save="failed"))).actions
    assert actions.save_failed
    assert actions.save_text == "NOT SAVED"


def test_a_run_is_told_in_words() -> None:
    begun = RunStarted(run="bcp-001", task="train", method="bcp", at=0.0)
    status = fold([begun])
    assert run_view("bcp-001", status, None, False).progress is None, "nobody knows how long before the first step"
    status = fold(
        [
            PhaseStarted(phase="main", title="Learning", index=1, begins_with="Begins with what run desd-001 learnt."),
            Stepped(step=5, phase="main", losses={"total": 0.5}, progress=0.25, eta_seconds=90.0, at=3.0),
            Validated(step=5, dice={"liver": 0.8}, mean=0.8, cases=2, best=True, at=4.0),
            Warned(message="few labels"),
        ],
        status,
    )
    view = run_view("bcp-001", status, None, False)
    assert (view.progress, view.eta, view.phase) == (0.25, "about 2 min left", "Learning")
    assert view.figures == "Loss 0.500: too early to tell\nDice 0.800 on held-out cases: too early to tell"
    assert view.warnings == ("few labels",)
    assert view.begins_with == "Begins with what run desd-001 learnt."
    assert [p.value for p in view.loss] == [0.5]
    assert view.can_stop
    stopping = run_view("bcp-001", status, "keep", False)
    assert not stopping.can_stop
    assert stopping.phase.startswith("Stopping after this step")
    proposing = fold([Proposed(case="a", score=0.1, index=0, total=4)], status)
    assert run_view("bcp-001", proposing, None, False).phase == "Learning: 1 of 4"


@pytest.mark.parametrize(("reason", "resumable"), [("completed", False), ("paused", True), ("failed", False)])
def test_only_a_paused_or_lost_run_can_go_on(reason: str, resumable: bool) -> None:
    status = fold([RunStarted(run="r", task="train", method="bcp"), RunFinished(reason=reason, message="so it was")])
    view = run_view("r", status, None, False)
    assert view.can_resume is resumable
    assert not view.under_way
    assert view.phase == "so it was"
    assert (view.tone == "error") == (reason == "failed")
    assert run_view("r", lose(RunStatus(), "died"), None, False).can_resume


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "5 s"), (12, "10 s"), (49, "50 s"), (60, "1 min"), (1800, "30 min"), (5400, "1 h 30 min")],
)
def test_spans_of_time_are_said_roundly(seconds: float, words: str) -> None:
    assert duration(seconds) == words
