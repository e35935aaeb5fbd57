"""Where memory runs out over a scan, less of it is taken; what cannot be proposed is named, and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fixtures import finished as end_of
from fixtures import make_project, plan_for, quick_spec, run_inline

from napari_medssl.errors import NotFiniteError
from napari_medssl.inference import predictor as module
from napari_medssl.inference import propose as proposing
from napari_medssl.inference.memory import is_out_of_memory
from napari_medssl.inference.model import DeployedModel
from napari_medssl.inference.predictor import HALVINGS, Predictor, View, finished, with_less
from napari_medssl.inference.propose import propose
from napari_medssl.nets.build import build_net
from napari_medssl.project import Project
from napari_medssl.runs.events import Proposed, Warned

WORDS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory: you tried"),
    RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
)


@pytest.mark.parametrize("error", WORDS, ids=lambda error: str(error)[:20])
def test_all_that_says_so_is_heard(error: BaseException) -> None:
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("Sizes of tensors must match"))
    assert not is_out_of_memory(ValueError("out of memory"))


def made(project: Project) -> DeployedModel:
    plan = plan_for(1, (16, 16, 16))
    net = replace(plan.net, in_channels=len(project.channels), classes=len(project.classes) + 1)
    torch.manual_seed(0)
    values = (0, *(c.value for c in project.classes))
    names = tuple(c.name for c in project.classes)
    return DeployedModel("made-001", [build_net(net)], replace(plan, net=net), values, names, {})


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[Predictor], bool], error: BaseException) -> None:
    """Passes through a network run out of memory while `fails` says so."""
    run = Predictor._run

    def running(self: Predictor, batch: torch.Tensor, view: View) -> torch.Tensor:
        if fails(self):
            raise error
        return run(self, batch, view)

    monkeypatch.setattr(Predictor, "_run", running)


@pytest.mark.parametrize("error", WORDS, ids=lambda error: str(error)[:20])
def test_smaller_tiles_come_first_and_the_proposal_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    project = make_project(tmp_path, "3d")
    model, name = made(project), project.cases()[0].name
    wholly = proposing.propose_case(Predictor(model.members, model.plan), model, project.case(name))
    failing(monkeypatch, lambda one: one._halvings < 2, error)
    events = list(propose(model, project, "made-001", [name], lambda: None))
    assert [type(event) for event in events] == [Warned, Warned, Proposed]
    assert all("smaller tiles" in event.message and name in event.message for event in events[:2])
    proposal = project.case(name).latest_proposal()
    assert proposal is not None
    np.testing.assert_array_equal(proposal.read_labels().array, wholly.labels)


def test_a_case_that_never_fits_is_named_and_the_others_are_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, "3d")
    model, names = made(project), [case.name for case in project.cases()][:3]
    case_of: list[str] = []
    whole = proposing.propose_case

    def proposing_case(predictor: Predictor, model: DeployedModel, case: object) -> object:
        case_of.append(case.name)  # type: ignore[attr-defined]
        return whole(predictor, model, case)  # type: ignore[arg-type]

    monkeypatch.setattr(proposing, "propose_case", proposing_case)
    failing(monkeypatch, lambda _: case_of[-1] == names[0], torch.OutOfMemoryError("CUDA out of memory"))
    events = list(propose(model, project, "made-001", names, lambda: None))
    assert [event.case for event in events if isinstance(event, Proposed)] == names[1:]
    told = [event.message for event in events if isinstance(event, Warned)]
    assert len(told) == HALVINGS + 1
    assert told[-1].startswith(f"Nothing is proposed for {names[0]}. There is not enough free memory")
    assert project.case(names[0]).latest_proposal() is None


def test_what_is_no_lack_of_memory_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path, "3d")
    failing(monkeypatch, lambda _: True, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        list(propose(made(project), project, "made-001", ["case-0"], lambda: None))


def test_the_processor_comes_last_and_for_that_scan_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU is needed to try: one that the networks are said to be on."""
    plan = plan_for(1, (16, 16, 16))
    one = Predictor([build_net(plan.net)], plan)
    went: list[str] = []
    monkeypatch.setattr(
        one, "_go_to", lambda device: (went.append(device), setattr(one, "_device", torch.device(device)))
    )
    monkeypatch.setattr(module, "release", lambda device: None)
    one._plan, one._device = replace(plan, device="cuda"), torch.device("cuda")
    assert [one.take_less() for _ in range(HALVINGS)] == ["smaller tiles"] * HALVINGS
    assert one.take_less(elsewhere=False) is None
    assert "processor" in str(one.take_less())
    assert one.take_less() is None
    one.begin_anew()
    assert went == ["cpu", "cuda"]
    assert one._halvings == HALVINGS


def test_work_begins_anew_without_what_the_failed_one_held() -> None:
    plan = plan_for(1, (16, 16, 16))
    one, alive = Predictor([build_net(plan.net)], plan), []

    class Large:
        def __init__(self) -> None:
            alive.append(self)

        def __del__(self) -> None:
            count.append(1)

    count: list[int] = []

    def work() -> int:
        held = Large()
        alive.clear()
        if one._halvings < 2:
            raise MemoryError
        assert len(count) == 2
        return id(held)

    assert finished(with_less(one, work)) > 0


def test_a_whole_run_completes_when_memory_runs_out_while_proposing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, "3d")
    names = ("case-2", "case-3")
    run = quick_spec(project, "supervised", "3d", steps=2, propose=names).run
    failing(monkeypatch, lambda one: one._halvings < 1, torch.OutOfMemoryError("CUDA out of memory"))
    events = run_inline(project, run)
    assert end_of(events).reason == "completed"
    assert [event.case for event in events if isinstance(event, Proposed)] == list(names)


def test_a_network_of_no_numbers_never_proposes(tmp_path: Path) -> None:
    project = make_project(tmp_path, "3d")
    model, names = made(project), [case.name for case in project.cases()][:2]
    with torch.no_grad():
        next(iter(model.members[0].parameters())).fill_(torch.nan)
    with pytest.raises(NotFiniteError):
        Predictor(model.members, model.plan).probabilities(np.zeros((1, 16, 16, 16), np.float16))
    events = list(propose(model, project, "made-001", names, lambda: None))
    assert [type(event) for event in events] == [Warned] * 2
    assert [event.case for event in events] == names
    assert all("no numbers" in event.message and "made-001" in event.message for event in events)
    assert all(project.case(name).latest_proposal() is None for name in names)
