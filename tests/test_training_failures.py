"""Whatever goes wrong, a run says so once, in words that help, and loses nothing."""

from __future__ import annotations

import errno
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import finished, make_project, quick_spec, run_inline

from napari_medssl.errors import RunError
from napari_medssl.inference import tensor_file
from napari_medssl.inference.model import MODEL
from napari_medssl.methods.averaged import AveragedLearner
from napari_medssl.methods.base import Losses
from napari_medssl.methods.catalog import CATALOG, method_info
from napari_medssl.methods.supervised import SupervisedLearner
from napari_medssl.project import Project, freeze_audit, proposals
from napari_medssl.runs import journal
from napari_medssl.runs.events import RunEvent, RunFinished, RunStarted, Stepped, Validated, Warned
from napari_medssl.runs.journal import JOURNAL_NAME, replay
from napari_medssl.runs.picking import pick_cases
from napari_medssl.runs.spec import read_spec
from napari_medssl.training.cache import Cache
from napari_medssl.training.checkpoint import CHECKPOINT
from napari_medssl.training.memory import is_out_of_memory, smaller


def failed(events: list[RunEvent]) -> str:
    """The message of a run that failed as it should."""
    ends = [e for e in events if isinstance(e, RunFinished)]
    assert len(ends) == 1
    assert finished(events).reason == "failed"
    assert isinstance(events[0], RunStarted)
    assert len([e for e in events if isinstance(e, RunStarted)]) == 1
    return ends[0].message


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, "raster")


@pytest.mark.parametrize("gone", [True, False])
def test_a_bad_unlabelled_scan_is_left_out_with_a_warning(project: Project, gone: bool) -> None:
    run = quick_spec(project, "bcp", "raster").run
    path = project.case("case-3").images[0]
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:60])
    events = run_inline(project, run)
    assert finished(events).reason == "completed"
    (warned,) = [e for e in events if isinstance(e, Warned) and e.case == "case-3"]
    assert str(path) in warned.message
    assert Project.open(project.root).case("case-3").status == ("missing" if gone else "unreadable")
    assert "case-3" not in pick_cases(Project.open(project.root)).unlabelled, "the next run knows"


def test_a_run_whose_unlabelled_scans_are_all_bad_is_one_clear_line(project: Project) -> None:
    run = quick_spec(project, "desd", "raster").run
    paths = [case.images[0] for case in project.cases()]
    for path in paths:
        path.unlink()
    message = failed(run_inline(project, run))
    assert "None of the 4 scans" in message
    assert str(paths[0].parent) in message


def test_self_supervised_learning_leaves_a_bad_scan_out_whenever_it_meets_it(tmp_path: Path) -> None:
    project = make_project(tmp_path, "3d")
    path = project.case("case-0").images[0]
    path.write_bytes(path.read_bytes()[:400])
    spec = quick_spec(project, "desd", steps=3)
    events = run_inline(project, spec.run)
    assert finished(events).reason == "completed"
    assert [e.case for e in events if isinstance(e, Warned)] == ["case-0"]
    plan = read_spec(project.run_folder(spec.run)).plan
    assert plan is not None
    names = [case.name for case in project.cases()]
    knows, fresh = Cache(project, plan), Cache(project, plan)
    np.testing.assert_array_equal(knows.first_readable(names, 0)[1], knows.image("case-1"))
    np.testing.assert_array_equal(knows.first_readable(names, 2)[1], knows.image("case-2"))
    np.testing.assert_array_equal(fresh.first_readable(names, 2)[1], knows.image("case-2"))
    assert [case for case, _ in knows.left_out()] == ["case-0"]
    assert knows.left_out() == []


@pytest.mark.parametrize("bad", [1, 2])
def test_a_bad_held_out_scan_is_not_measured_on(tmp_path: Path, bad: int) -> None:
    project = make_project(tmp_path, "raster", labelled=4, unlabelled=0)
    freeze_audit(project, ["case-0", "case-1"])
    spec = quick_spec(project, "supervised", "raster", steps=6)
    for number in range(bad):
        path = project.case(f"case-{number}").images[0]
        path.write_bytes(path.read_bytes()[:60])
    events = run_inline(project, spec.run)
    if bad == 2:
        assert "None of the 2 held-out scans" in failed(events)
        return
    assert finished(events).reason == "completed"
    assert {e.cases for e in events if isinstance(e, Validated)} == {1}
    assert [e.case for e in events if isinstance(e, Warned) and e.case] == ["case-0"]


def test_a_damaged_scan_is_named(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster").run
    path = project.case("case-0").images[0]
    path.write_bytes(path.read_bytes()[:60])
    message = failed(run_inline(project, run))
    assert path.name in message
    assert "fault of the program" not in message


def test_a_full_disk_while_saving(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run = quick_spec(project, "supervised", "raster", steps=3).run
    with monkeypatch.context() as patch:
        patch.setattr(tensor_file, "save_file", full)
        message = failed(run_inline(project, run))
    assert "No space left" in message
    assert "Free some space" in message
    assert not list(project.run_folder(run).glob(".*tmp"))
    assert finished(run_inline(project, run)).reason == "completed"


def test_a_disk_that_is_full_even_for_the_journal(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    write = journal.JournalWriter.write

    def full(self: journal.JournalWriter, event: RunEvent, durable: bool = False) -> None:
        if isinstance(event, Stepped) and event.step >= 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, event, durable)

    run = quick_spec(project, "supervised", "raster", steps=5).run
    with monkeypatch.context() as patch:
        patch.setattr(journal.JournalWriter, "write", full)
        assert "No space left" in failed(run_inline(project, run))
    assert failed(replay(project.run_folder(run) / JOURNAL_NAME))
    assert finished(run_inline(project, run)).reason == "completed"


def test_a_disk_that_is_full_for_proposals_ends_the_run_which_can_be_resumed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = quick_spec(project, "supervised", "raster", steps=2, propose=("case-2", "case-3")).run

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(proposals, "write_map", full)
        message = failed(run_inline(project, run))
    assert message.startswith(f"Case case-2: the proposal of {run} was not saved: ")
    assert "Free some space" in message
    assert finished(run_inline(project, run)).reason == "completed"
    assert all(project.case(name).latest_proposal() for name in ("case-2", "case-3"))


def test_a_checkpoint_is_whole_or_not_there(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one stays until the new one is complete."""
    run = quick_spec(project, "supervised", "raster", steps=3).run
    run_inline(project, run)
    folder = project.run_folder(run)
    before = (folder / CHECKPOINT).read_bytes()

    def half(tensors: Any, path: Path, meta: Any) -> None:
        Path(path).write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tensor_file, "save_file", half)
    with pytest.raises(RunError, match="Free some space"):
        tensor_file.save_tensors(folder / CHECKPOINT, {"a": torch.zeros(3)}, "{}")
    assert (folder / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\xff" * 64 + b[64:]])
def test_a_damaged_checkpoint_is_said_to_be(project: Project, damage: Any) -> None:
    run = quick_spec(project, "supervised", "raster", steps=3).run
    run_inline(project, run)
    path = project.run_folder(run) / CHECKPOINT
    path.write_bytes(damage(path.read_bytes()))
    message = failed(run_inline(project, run))
    assert CHECKPOINT in message
    assert "damaged" in message
    assert "fault of the program" not in message


def test_a_loss_that_is_no_number_changes_nothing_and_ends_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []

    def nan(self: SupervisedLearner, batch: Any, at: Any) -> Losses:
        steps.append(at.index)
        return Losses(torch.tensor(float("nan"), requires_grad=True))

    monkeypatch.setattr(SupervisedLearner, "losses", nan)
    monkeypatch.setattr(AveragedLearner, "after_step", lambda *_: pytest.fail("the average moved"))
    run = quick_spec(project, "supervised", "raster", steps=100).run
    message = failed(run_inline(project, run))
    assert "learning rate" in message
    assert 5 < len(steps) < 50


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_one_bad_step_is_passed_over(where: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = SupervisedLearner.losses

    def sometimes(self: SupervisedLearner, batch: Any, at: Any) -> Losses:
        found = losses(self, batch, at)
        if at.index != 2:
            return found
        if where == "gradient":  # the loss itself is a number
            found.total.register_hook(lambda gradient: gradient * float("nan"))
            return found
        return Losses(found.total * float("nan"), found.terms)

    monkeypatch.setattr(SupervisedLearner, "losses", sometimes)
    run = quick_spec(project, "supervised", "raster", steps=6).run
    events = run_inline(project, run)
    assert finished(events).reason == "completed"
    assert all(torch.isfinite(v).all() for v in tensor_file.load_tensors(project.run_folder(run) / MODEL)[0].values())


def test_when_memory_runs_out_patches_get_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses, seen = SupervisedLearner.losses, []

    def hungry(self: SupervisedLearner, batch: Any, at: Any) -> Losses:
        seen.append(tuple(batch.labelled.images.shape[2:]))
        if batch.labelled.images[0, 0].numel() > 12 * 12 * 12:
            raise torch.OutOfMemoryError("too much")
        return losses(self, batch, at)

    monkeypatch.setattr(SupervisedLearner, "losses", hungry)
    project = make_project(tmp_path, "3d")
    events = run_inline(project, quick_spec(project, "supervised", "3d", steps=4).run)
    assert finished(events).reason == "completed"
    assert finished(events).step == 4
    warned = [e.message for e in events if isinstance(e, Warned) and "Memory ran out" in e.message]
    assert len(warned) == len(seen) - 4 >= 2
    sizes = [torch.tensor(s).prod().item() for s in seen]
    assert sizes == sorted(sizes, reverse=True)
    assert seen[0] == (16, 16, 16)


@pytest.mark.parametrize("method", [name for name, info in CATALOG.items() if not info.segments])
def test_when_memory_runs_out_views_get_smaller(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(method_info(method).load())
    make_learner, seen = kind.learner, []

    def learner(*arguments: Any) -> Any:
        made = make_learner(*arguments)
        losses = made.losses

        def hungry(batch: Any, at: Any) -> Losses:
            seen.append(batch.views["globals"][0, 0, 0].numel())
            if seen[-1] == seen[0]:
                raise torch.OutOfMemoryError("too much")
            return losses(batch, at)

        made.losses = hungry
        return made

    monkeypatch.setattr(kind, "learner", learner)
    project = make_project(tmp_path, "3d")
    events = run_inline(project, quick_spec(project, method, "3d", steps=2).run)
    assert finished(events).reason == "completed", finished(events).message
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] < seen[0]


def test_not_even_the_smallest_patch_fits(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def starving(*_: Any) -> Losses:
        raise MemoryError

    monkeypatch.setattr(SupervisedLearner, "losses", starving)
    message = failed(run_inline(project, quick_spec(project, "supervised", "raster").run))
    assert "not enough memory" in message


def test_the_ladder_ends_and_keeps_to_what_the_network_can_halve(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=1, settings={"widths": [4, 4, 4], "patch": [48, 32]}).run
    run_inline(project, run)
    plan = read_spec(project.run_folder(run)).plan
    assert plan is not None
    rungs = [plan.patch]
    while math.prod(plan.patch) > 2 * math.prod(plan.net.factor):  # norms cannot do with one voxel at the deepest stage
        plan = smaller(plan, MemoryError())
        rungs.append(plan.patch)
        assert len(rungs) < 100
    with pytest.raises(RunError, match="not enough memory"):
        smaller(plan, MemoryError())
    assert all(side % f == 0 and side > 0 for rung in rungs for side, f in zip(rung, plan.net.factor, strict=True))
    assert len(set(rungs)) == len(rungs)


def test_what_counts_as_running_out_of_memory() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError())
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes."))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError())


def test_a_case_that_cannot_be_read_is_left_out_of_the_proposals(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=2, propose=("case-2", "case-3")).run
    project.case("case-2").images[0].unlink()
    events = run_inline(project, run)
    assert finished(events).reason == "completed"
    assert [e.case for e in events if isinstance(e, Warned) and e.case] == ["case-2"]
    assert project.case("case-3").latest_proposal() is not None


def test_a_run_without_a_spec(project: Project) -> None:
    name = project.new_run_name("supervised")
    assert "no run here" in failed(run_inline(project, name))
