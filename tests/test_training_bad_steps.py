"""A bad step changes nothing, a model that is no numbers is never used, a patch made smaller is written down."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from fixtures import finished, make_project, plan_for, quick_spec, run_inline
from test_training_resume import assert_same_tensors, run_with_pauses

from napari_medssl.errors import RunError
from napari_medssl.inference.model import MODEL, load_deployed, load_model, save_model
from napari_medssl.inference.tensor_file import load_tensors, save_tensors
from napari_medssl.methods.base import Batch, Learner, Losses, Origin, Patches
from napari_medssl.methods.catalog import CATALOG, method_info
from napari_medssl.methods.supervised import SupervisedLearner
from napari_medssl.project import Project
from napari_medssl.runs.events import Stepped, Warned
from napari_medssl.runs.spec import read_spec
from napari_medssl.training import engine as engines
from napari_medssl.training.cache import Cache
from napari_medssl.training.checkpoint import CHECKPOINT, read_progress
from napari_medssl.training.memory import smaller
from napari_medssl.training.patches import Sampler
from napari_medssl.training.suspects import suspects, voxel_at

BAD_AT = 2
SEGMENTING = [name for name, info in CATALOG.items() if info.segments]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("bad-steps"), "raster")


def state_of(engine: Any, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """A copy of everything that a step may change."""
    found = {f"learner/{name}": value for name, value in engine._learner.state_dict().items()}
    for index, values in optimiser.state_dict()["state"].items():
        found |= {f"{index}/{name}": torch.as_tensor(value) for name, value in values.items()}
    return {name: value.clone() for name, value in found.items()}


def spoil(engine: Any, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the step that comes next a bad one."""
    learner: Learner = engine._learner
    losses = learner.losses

    def bad(batch: Batch, at: Any) -> Losses:
        found = losses(batch, at)
        if how == "memory":
            raise torch.OutOfMemoryError("too much")
        if how == "loss":
            return Losses(found.total * float("nan"), found.terms)
        if how == "gradient":  # the loss itself is a number
            found.total.register_hook(lambda gradient: gradient * float("nan"))
        return found

    monkeypatch.setattr(learner, "losses", bad)


def with_infinity(batch: Batch) -> Batch:
    """The batch with one infinite value in its last input: of an unlabelled scan, where there is one."""
    if batch.views is not None:
        for views in batch.views.values():
            views[(-1,) * views.ndim] = float("inf")
        return batch
    side = batch.unlabelled or batch.labelled
    assert side is not None
    side.images[(-1,) * side.images.ndim] = float("inf")
    return batch


@pytest.mark.parametrize("how", ["input", "loss", "gradient", "memory"])
@pytest.mark.parametrize("clip", [0.0, 12.0])
@pytest.mark.parametrize("method", list(CATALOG))
def test_a_bad_step_changes_nothing(
    method: str, clip: float, how: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither weights nor averages, neither statistics of norms nor moments, of any method, clipped or not."""
    settings: dict[str, Any] = {"clip": clip}
    if method in ("bcp", "cdma"):
        settings["warmup_share"] = 0.0  # with the teacher and unlabelled scans
    if method == "bcp":
        settings |= {"teacher_mode": "train", "mixing": 1.0}
    step, differing, faults = engines.Engine._step, [], []

    def watched(self: Any, phase: Any, done: float, batch: Batch, optimiser: torch.optim.Optimizer) -> Any:
        if self.progress.step != BAD_AT or faults:
            return step(self, phase, done, batch, optimiser)
        before = state_of(self, optimiser)
        with monkeypatch.context() as patch:
            if how == "input":
                batch = with_infinity(batch)
            else:
                spoil(self, how, patch)
            try:
                faults.append(step(self, phase, done, batch, optimiser))
            except torch.OutOfMemoryError:
                faults.append("memory")
                raise
            finally:
                after = state_of(self, optimiser)
                assert before.keys() == after.keys()
                differing.extend(name for name in before if not torch.equal(before[name], after[name]))
        return faults[0]

    monkeypatch.setattr(engines.Engine, "_step", watched)
    spec = quick_spec(project, method, "raster", steps=4, settings=settings)
    events = run_inline(project, spec.run)
    assert finished(events).reason == "completed", finished(events).message
    assert len(faults) == 1
    assert isinstance(faults[0], str)
    assert faults[0]
    assert differing == []
    tensors = load_tensors(project.run_folder(spec.run) / MODEL)[0]
    assert all(torch.isfinite(value).all() for value in tensors.values() if value.is_floating_point())
    if how == "input":
        (said,) = [event for event in events if isinstance(event, Warned) and "changed nothing" in event.message]
        assert said.case in {case.name for case in project.cases()}, "the one that holds it"
        assert said.case in said.message
        assert "no finite numbers" in said.message


@pytest.mark.parametrize("before", [0, 7])
def test_the_twentieth_bad_step_in_a_row_ends_the_run(
    project: Project, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses, seen = SupervisedLearner.losses, []

    def bad(self: SupervisedLearner, batch: Any, at: Any) -> Losses:
        seen.append(at.index)
        found = losses(self, batch, at)
        good = at.index < before and at.index % 3 == 0  # a good one in between begins the count anew
        return found if good else Losses(found.total * float("nan"), found.terms)

    monkeypatch.setattr(SupervisedLearner, "losses", bad)
    spec = quick_spec(project, "supervised", "raster", steps=100)
    events = run_inline(project, spec.run)
    assert finished(events).reason == "failed"
    assert seen == list(range(before + 20))
    message = finished(events).message
    assert "20 steps in a row" in message
    assert "learning rate" in message
    assert "case-" in message
    assert "around voxel" in message
    warned = [event for event in events if isinstance(event, Warned) and "changed nothing" in event.message]
    assert 1 <= len(warned) <= engines.BAD_STEPS_TOLD


def test_bad_steps_in_a_row_are_counted_across_a_pause(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = SupervisedLearner.losses

    def bad(self: SupervisedLearner, batch: Any, at: Any) -> Losses:
        found = losses(self, batch, at)
        return found if at.index < 2 else Losses(found.total * float("nan"), found.terms)

    monkeypatch.setattr(SupervisedLearner, "losses", bad)
    spec = quick_spec(project, "supervised", "raster", steps=100)
    life = run_with_pauses(project, spec.run, [10])[-1]
    assert finished(life).reason == "failed"
    assert [event.step for event in life if isinstance(event, Stepped)][-1:] == [21]


def test_a_paused_run_with_bad_steps_ends_as_one_that_was_not_paused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = SupervisedLearner.losses

    def sometimes(self: SupervisedLearner, batch: Any, at: Any) -> Losses:
        found = losses(self, batch, at)
        return Losses(found.total * float("nan"), found.terms) if at.index in (3, 4, 8) else found

    monkeypatch.setattr(SupervisedLearner, "losses", sometimes)
    straight, broken = (quick_spec(project, "supervised", "raster", steps=12).run for _ in range(2))
    run_inline(project, straight)
    run_with_pauses(project, broken, [4, 9])
    assert_same_tensors(project.run_folder(straight) / CHECKPOINT, project.run_folder(broken) / CHECKPOINT)
    assert read_progress(project.run_folder(broken)).bad == 0


def test_a_model_that_is_no_numbers_is_neither_saved_nor_used(project: Project, tmp_path: Path) -> None:
    spec = quick_spec(project, "supervised", "raster", steps=2)
    run_inline(project, spec.run)
    folder = project.run_folder(spec.run)
    tensors, meta = load_tensors(folder / MODEL)
    name = next(name for name in tensors if name.endswith("running_var"))
    tensors[name][0] = float("inf")
    save_tensors(folder / MODEL, tensors, meta)  # as an earlier version would have
    for load in (lambda: load_model(folder), lambda: load_deployed(folder, "cpu", 1, "float32")):
        with pytest.raises(RunError, match=f"{spec.run}: .*no finite numbers.*another run"):
            load()
    net = torch.nn.Conv2d(1, 1, 1)
    save_model(tmp_path, [net], {})
    good = (tmp_path / MODEL).read_bytes()
    net.weight.data.fill_(float("nan"))
    with pytest.raises(RunError, match=r"not put to use.*learning rate"):
        save_model(tmp_path, [net], {})
    assert (tmp_path / MODEL).read_bytes() == good


@pytest.mark.parametrize("method", list(CATALOG))
def test_weights_that_leave_the_numbers_are_not_deployed(
    method: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever made them so: the run fails and says what to do, and keeps the state that was saved before."""
    step = engines.Engine._step

    def blown_up(self: Any, *arguments: Any) -> Any:
        found = step(self, *arguments)
        if self.progress.step == 3:  # the last one
            for member in self._learner.members():
                next(iter(member.parameters())).data.fill_(float("inf"))
        return found

    monkeypatch.setattr(engines.Engine, "_step", blown_up)
    spec = quick_spec(project, method, "raster", steps=4)
    events = run_inline(project, spec.run)
    assert finished(events).reason == "failed"
    assert "no finite numbers" in finished(events).message
    assert "learning rate" in finished(events).message
    assert not (project.run_folder(spec.run) / MODEL).exists()


# ---- where it was


def test_origins_follow_the_items_of_a_batch(project: Project) -> None:
    spec = quick_spec(project, "bcp", "raster", steps=2, settings={"warmup_share": 0.0})
    run_inline(project, spec.run)
    spec = read_spec(project.run_folder(spec.run))
    assert spec.plan is not None
    method = method_info("bcp")
    (phase,) = method.load().phases(method.options(warmup_share=0.0), spec.plan)
    sampler = Sampler(Cache(project, spec.plan), spec.plan, spec.labelled, spec.unlabelled, 0)
    batch = sampler.batch(5, phase)
    assert len(batch.origins) == phase.labelled + phase.unlabelled
    labelled = {entry.case for entry in spec.labelled}
    assert {origin.case for origin in batch.origins[: phase.labelled]} <= labelled
    assert {origin.case for origin in batch.origins[phase.labelled :]} <= set(spec.unlabelled)
    assert batch.unlabelled is not None
    batch.unlabelled.images[-1, 0, 3, 3] = float("nan")
    assert suspects(batch) == batch.origins[-1:]


@pytest.mark.parametrize("item", [0, 2])
def test_the_scan_of_bad_views_is_found(item: int) -> None:
    views = {"globals": torch.zeros(3, 2, 1, 4, 4), "locals": torch.zeros(3, 5, 1, 2, 2)}
    views["locals"][item, 4, 0, 1, 1] = float("inf")
    origins = tuple(Origin(f"case-{number}") for number in range(3))
    assert suspects(Batch(views=views, origins=origins)) == (origins[item],)
    sound = Batch(Patches(torch.zeros(1, 1, 4, 4)), origins=origins[:1])
    assert suspects(sound) == origins[:1], "where nothing stands out, all of it was looked at"


def test_a_place_of_an_image_is_told_as_its_pixel(project: Project) -> None:
    assert voxel_at((0.5, 0.25, 0.75), project.cases()[0].grid, None) == (6, 15)


def test_the_voxel_that_is_told_is_the_one_that_was_looked_at(tmp_path: Path) -> None:
    """Turned, flipped and sliced scans: what lies at a place in network space lies at that voxel of the file."""
    from napari_medssl.inference.preprocess import to_network_space

    affine = np.array([[0.0, 0, -1, 0], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    image = np.zeros((7, 9, 11), np.float32)
    image[1, 6, 8] = 100.0
    nib.save(nib.Nifti1Image(image, affine), tmp_path / "a.nii")
    project = Project.create(tmp_path / "p", classes=())
    case = project.add_case(tmp_path / "a.nii")
    for axis in (None, 0, 1, 2):
        plan = plan_for(1, (8, 8)) if axis is not None else plan_for(1, (8, 8, 8))
        plan = dataclasses.replace(plan, slice_axis=axis, spacing=(1.0, 1.0, 1.0))
        seen = to_network_space(case.read_image(), plan)[0]
        d, h, w = ((np.array(np.unravel_index(seen.argmax(), seen.shape)) + 0.5) / seen.shape).tolist()
        assert voxel_at((d, h, w), case.grid, axis) == (1, 6, 8)


# ---- memory


def test_the_smaller_patch_survives_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses, seen = SupervisedLearner.losses, []

    def hungry(self: SupervisedLearner, batch: Any, at: Any) -> Losses:
        seen.append(tuple(batch.labelled.images.shape[2:]))
        if at.index == 3 and batch.labelled.images[0, 0].numel() > 12 * 12 * 16:  # the machine is busy at that moment
            raise torch.OutOfMemoryError("too much")
        return losses(self, batch, at)

    monkeypatch.setattr(SupervisedLearner, "losses", hungry)
    project = make_project(tmp_path, "3d")
    straight, broken = (quick_spec(project, "supervised", "3d", steps=8).run for _ in range(2))
    run_inline(project, straight)
    sizes = seen.copy()
    seen.clear()
    run_with_pauses(project, broken, [5])
    assert seen == sizes
    assert sizes[0] != sizes[-1]
    plan = read_spec(project.run_folder(broken)).plan
    assert plan is not None
    assert plan.patch == sizes[-1]
    assert_same_tensors(project.run_folder(straight) / CHECKPOINT, project.run_folder(broken) / CHECKPOINT)
    assert_same_tensors(project.run_folder(straight) / MODEL, project.run_folder(broken) / MODEL)


def test_the_ends_of_phases_follow_the_smaller_patch_as_in_a_resumed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BCP learns from labels first for so many passes over them: more steps where patches are smaller."""
    from napari_medssl.methods.bcp import BCPLearner

    losses, phases = BCPLearner.losses, {}

    def hungry(self: BCPLearner, batch: Any, at: Any) -> Losses:
        if at.index == 3 and batch.labelled.images[0, 0].numel() > 12 * 12 * 16:
            raise torch.OutOfMemoryError("too much")
        phases.setdefault(at.index, []).append(at.phase.name)
        return losses(self, batch, at)

    monkeypatch.setattr(BCPLearner, "losses", hungry)
    project = make_project(tmp_path, "3d")
    settings = {"warmup_share": 0.7, "warmup_passes": 9.0}
    straight, broken = (quick_spec(project, "bcp", "3d", steps=20, settings=settings).run for _ in range(2))
    run_inline(project, straight)
    run_with_pauses(project, broken, [5])
    assert len({name for names in phases.values() for name in names}) == 2
    assert all(len(names) == 2 and len(set(names)) == 1 for names in phases.values()), phases
    assert_same_tensors(project.run_folder(straight) / CHECKPOINT, project.run_folder(broken) / CHECKPOINT)


def test_windows_leave_no_gap_when_patches_get_smaller() -> None:
    plan = dataclasses.replace(plan_for(2, (32, 32)), window_step=(24, 24))
    plan = smaller(plan, MemoryError())
    assert plan.window_step is not None
    assert all(step < side for step, side in zip(plan.window_step, plan.patch, strict=True))
