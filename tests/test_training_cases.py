"""Which scans and which voxels a run learns from, and which it must never see."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import balls, finished, make_project, plan_for, quick, quick_spec, run_inline

from napari_medssl.errors import SpecError
from napari_medssl.inference.model import MODEL, load_deployed
from napari_medssl.inference.tensor_file import load_tensors
from napari_medssl.methods.base import Batch, Patches, Step, seed_everything
from napari_medssl.methods.catalog import CATALOG, method_info
from napari_medssl.methods.options import resolve_options
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project import ClassInfo, Project, freeze_audit
from napari_medssl.runs.events import Proposed, RunEvent, Stepped, Validated, Warned
from napari_medssl.runs.request import make_spec
from napari_medssl.runs.spec import LabelledCase, read_spec
from napari_medssl.training.cache import Cache
from napari_medssl.training.patches import Sampler
from napari_medssl.training.resolve import resolve

SEGMENTING = {name: info for name, info in CATALOG.items() if info.segments}
PHASES = [
    (name, index)
    for name, info in SEGMENTING.items()
    for index in range(len(info.load().phases(resolve_options(info.options, {}), plan_for(4, (16, 16)))))
]


class Spy:
    """Notes which cases a run loads, and for what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images: set[str] = set()
        self.labels: set[str] = set()
        image, labels = Cache.image, Cache.labels

        def look(cache: Cache, case: str) -> Any:
            self.images.add(case)
            return image(cache, case)

        def read(cache: Cache, entry: LabelledCase) -> Any:
            self.labels.add(entry.case)
            return labels(cache, entry)

        monkeypatch.setattr(Cache, "image", look)
        monkeypatch.setattr(Cache, "labels", read)


def losses_of(events: list[RunEvent]) -> list[float]:
    return [e.losses["total"] for e in events if isinstance(e, Stepped)]


def test_audit_patients_are_measured_on_and_never_learnt_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patient "p" has a labelled and an unlabelled scan; one of them is frozen, so both are out of reach."""
    project = make_project(tmp_path, "raster", labelled=4, unlabelled=4, patients={0: "p", 5: "p"})
    freeze_audit(project, ["case-0"])
    spec = quick_spec(project, "bcp", "raster", steps=30)
    assert [e.case for e in spec.held_out] == ["case-0"]
    assert [e.case for e in spec.labelled] == ["case-1", "case-2", "case-3"]
    assert spec.unlabelled == ("case-4", "case-6", "case-7")
    drawn: set[str] = set()
    batch = Sampler.batch

    def spy(sampler: Sampler, *rest: Any) -> Batch:
        drawn.update({*(e.case for e in sampler.labelled), *sampler.unlabelled})
        return batch(sampler, *rest)

    monkeypatch.setattr(Sampler, "batch", spy)
    seen = Spy(monkeypatch)
    events = run_inline(project, spec.run)
    assert any(isinstance(e, Validated) for e in events)
    assert drawn == {"case-1", "case-2", "case-3", "case-4", "case-6", "case-7"}
    assert seen.images == drawn | {"case-0"}
    assert "case-5" not in seen.images


def test_unlabelled_scans_are_not_touched_by_supervised_learning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, "raster")
    seen = Spy(monkeypatch)
    run_inline(project, quick_spec(project, "supervised", "raster").run)
    assert seen.images == seen.labels == {"case-0", "case-1"}


def test_bcp_never_reads_labels_of_unlabelled_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=3)
    seen = Spy(monkeypatch)
    run_inline(project, quick_spec(project, "bcp", "raster", steps=30).run)
    assert seen.labels == {"case-0", "case-1"}
    assert seen.images == {f"case-{i}" for i in range(5)}


def test_without_unlabelled_scans_the_labelled_ones_stand_in(tmp_path: Path) -> None:
    from napari_medssl.runs.request import write_spec

    project = make_project(tmp_path, "raster", labelled=3, unlabelled=2)
    spec = quick_spec(project, "bcp", "raster", steps=8)
    object.__setattr__(spec, "unlabelled", ())
    write_spec(project.run_folder(spec.run), spec)
    assert finished(run_inline(project, spec.run)).reason == "completed"


def test_few_labels_hold_none_out_and_say_so(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=7, unlabelled=0)
    events = run_inline(project, quick_spec(project, "supervised", "raster").run)
    warned = [e.message for e in events if isinstance(e, Warned)]
    assert len(warned) == 1
    assert "Too few labelled cases" in warned[0]
    assert "Label 1 more" in warned[0]
    assert not [e for e in events if isinstance(e, Validated)]
    assert events[0].held_out == 0


def test_the_best_model_on_held_out_cases_is_deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path, "raster", labelled=10, unlabelled=0)
    spec = quick_spec(project, "supervised", "raster", steps=30)
    assert len(spec.held_out) == 2
    events = run_inline(project, spec.run)
    measured = [e for e in events if isinstance(e, Validated)]
    best = max(m.mean for m in measured)
    assert not [e for e in events if isinstance(e, Warned)]
    assert all(m.cases == 2 and set(m.dice) <= {"bright", "dark"} for m in measured)
    so_far = [max(m.mean for m in measured[: i + 1]) for i in range(len(measured))]
    assert [m.best for m in measured] == [m.mean >= highest for m, highest in zip(measured, so_far, strict=True)]
    step = load_deployed(project.run_folder(spec.run), "cpu", 1, "float32").info["step"]
    assert step == max(m.step for m in measured if m.mean == best)


@pytest.mark.parametrize("method", SEGMENTING)
def test_partly_labelled_cases_are_learnt_from(tmp_path: Path, method: str) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=2)
    for number in (0, 1):
        labels = balls((24, 20), number)[1]
        labels[:, ::2] = 255
        project.case(f"case-{number}").save_labels(labels, author="test", origin="corrected")
    events = run_inline(project, quick_spec(project, method, "raster", steps=40).run)
    assert finished(events).reason == "completed"
    losses = losses_of(events)
    assert np.isfinite(losses).all()
    assert np.mean(losses[8:12]) < losses[0]


@pytest.mark.parametrize(("method", "phase"), PHASES)
def test_voxels_nobody_looked_at_have_no_influence(method: str, phase: int) -> None:
    """The gradient at what a person left open is 0, unless the teacher, or another branch, speaks there."""
    info = method_info(method)
    options = resolve_options(info.options, {"largest_component": False} if method == "bcp" else {})
    phases = info.load().phases(options, plan_for(4, (16, 16)))
    torch.manual_seed(0)
    learner = info.load().learner(options, NetSpec("unet", 2, 1, 3, (4, 8), ((1, 1), (2, 2))))
    labels = torch.randint(0, 3, (4, 16, 16))
    labels[:, :, 8:] = 255
    unlabelled = Patches(torch.randn(4, 1, 16, 16)) if phases[phase].unlabelled else None
    kept: list[torch.Tensor] = []

    def keep(module: object, inputs: object, output: torch.Tensor) -> None:
        output.retain_grad()
        kept.append(output)

    student: Any = learner.student
    for speaker in student.each_decoder() if student.branches else [student]:
        speaker.register_forward_hook(keep)
    at = Step(0, phases[phase], 0, 0.5, seed_everything(0, 0))
    losses = learner.losses(Batch(Patches(torch.randn(4, 1, 16, 16), labels), unlabelled), at)
    losses.total.backward()
    quiet = torch.cat([output.grad.abs().sum(dim=1) == 0 for output in kept])  # type: ignore[union-attr]
    assert not quiet[:, :, :8].all()
    if phase == 0:
        assert quiet[:, :, 8:].all()
    else:
        assert quiet[:, :, 8:].any() or student.branches  # branches speak everywhere
        assert not quiet[:, :, 8:].all()


@pytest.mark.parametrize("method", SEGMENTING)
def test_nothing_but_open_voxels_teaches_nothing(method: str) -> None:
    info = method_info(method)
    options = resolve_options(info.options, {})
    learner = info.load().learner(options, NetSpec("unet", 2, 1, 3, (4, 8), ((1, 1), (2, 2))))
    phase = info.load().phases(options, plan_for(2, (16, 16)))[0]
    nothing = Patches(torch.randn(2, 1, 16, 16), torch.full((2, 16, 16), 255))
    losses = learner.losses(Batch(nothing), Step(0, phase, 0, 0.0, seed_everything(0, 0)))
    assert losses.total.item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("method", CATALOG)
def test_several_channels_and_one_class(tmp_path: Path, method: str) -> None:
    project = make_project(tmp_path, "3d", channels=2, classes=1)
    spec = quick_spec(project, method, "3d", steps=4, propose=("case-2",))
    assert finished(run_inline(project, spec.run)).reason == "completed"
    plan = read_spec(project.run_folder(spec.run)).plan
    assert plan is not None
    assert (plan.net.in_channels, plan.net.classes) == (2, 2)
    proposal = project.case("case-2").latest_proposal()
    if method not in SEGMENTING:
        assert proposal is None
        return
    assert proposal is not None
    assert set(np.unique(proposal.read_labels().array)) <= {0, 1}


def test_a_draft_is_learnt_from_only_while_there_is_nothing_better(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=1, unlabelled=3)
    project.case("case-1").save_labels(balls((24, 20), 1)[1], author="test", origin="drawn", complete=False)
    assert [e.case for e in quick_spec(project, "supervised", "raster").labelled] == ["case-0", "case-1"]
    project.case("case-2").save_labels(balls((24, 20), 2)[1], author="test", origin="drawn")
    spec = quick_spec(project, "supervised", "raster")
    assert [e.case for e in spec.labelled] == ["case-0", "case-2"]
    assert spec.unlabelled == ("case-1", "case-3")  # its scan is still learnt from


def test_strokes_added_later_do_not_take_a_complete_case_away(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=2)
    before = quick_spec(project, "supervised", "raster").labelled
    project.case("case-1").save_labels(balls((24, 20), 1)[1], author="test", origin="drawn", complete=False)
    assert quick_spec(project, "supervised", "raster").labelled == before


def test_excluded_and_missing_cases_are_left_alone(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=3, unlabelled=3)
    project.case("case-0").images[0].unlink()
    project.case("case-3").images[0].unlink()
    spec = quick_spec(project, "supervised", "raster")
    assert [e.case for e in spec.labelled] == ["case-1", "case-2"]
    assert spec.unlabelled == ("case-4", "case-5")


def test_held_out_cases_are_the_same_for_the_same_seed_and_never_split_a_patient(tmp_path: Path) -> None:
    """Eight patients with two labelled scans each, and one that is not."""
    pairs = {number: f"p{number // 2 if number < 16 else number - 16}" for number in range(24)}
    project = make_project(tmp_path, "raster", labelled=16, unlabelled=8, patients=pairs)
    specs = [quick_spec(project, "supervised", "raster", seed=seed) for seed in (3, 3, 4)]
    held = [{e.case for e in spec.held_out} for spec in specs]
    assert held[0] == held[1] != held[2]
    for spec in specs:
        groups = [[e.case for e in spec.labelled], spec.unlabelled, [e.case for e in spec.held_out]]
        labelled, unlabelled, held_out = ({pairs[int(case.split("-")[1])] for case in group} for group in groups)
        assert not (labelled | unlabelled) & held_out
        assert len(held_out) == 2  # a fifth of eight
        assert len(unlabelled) == 6
        assert len(spec.labelled) + len(spec.held_out) == 16


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str, list[RunEvent]]:
    """A project, a run that has learnt something, and what it said."""
    project = make_project(tmp_path_factory.mktemp("start"), "raster")
    run = quick_spec(project, "supervised", "raster", steps=40).run
    return project, run, run_inline(project, run)


@pytest.mark.usefixtures("quick_machine")
class TestStartFrom:
    """A run that goes on from another's weights sees scans the way that one did."""

    def test_it_begins_where_the_other_ended(self, ready: Any) -> None:
        project, before, events = ready
        spec = make_spec(project, "bcp", steps=6, device="cpu", propose=(), start_from=before)
        after = run_inline(project, spec.run)
        assert finished(after).reason == "completed"
        assert not [e for e in after if isinstance(e, Warned) and "Taken over" in e.message]
        assert losses_of(after)[0] < 0.7 * losses_of(events)[0]
        mine, theirs = (read_spec(project.run_folder(run)).plan for run in (spec.run, before))
        assert mine is not None
        assert theirs is not None
        assert (mine.net, mine.spacing, mine.patch) == (theirs.net, theirs.spacing, theirs.patch)

    def test_it_does_not_learn_labels_first_all_over_again(self, ready: Any) -> None:
        project, before, _ = ready
        shares = []
        for settings in ({}, {"warmup_share": 0.4}):
            spec = make_spec(project, "cdma", steps=2, device="cpu", propose=(), start_from=before, settings=settings)
            options = resolve(spec, project).options
            assert options is not None
            shares.append(options["warmup_share"])
        assert shares == [0.15, 0.4]  # what a person set stays

    def test_but_it_does_after_a_run_without_labels(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster")
        before = quick_spec(project, "desd", "raster", steps=2).run
        assert finished(run_inline(project, before)).reason == "completed"
        for method in ("bcp", "cdma"):
            spec = make_spec(project, method, steps=2, device="cpu", propose=(), start_from=before)
            options = resolve(spec, project).options
            assert options is not None
            assert options["warmup_share"] == method_info(method).options().warmup_share  # type: ignore[attr-defined]

    def test_without_learning_it_is_the_other_model(self, ready: Any) -> None:
        project, before, _ = ready
        settings = {"learning_rate": 1e-6, "weight_decay": 0.0}
        spec = make_spec(project, "supervised", steps=1, device="cpu", propose=(), start_from=before, settings=settings)
        run_inline(project, spec.run)
        one, other = (load_tensors(project.run_folder(run) / MODEL)[0] for run in (before, spec.run))
        weights = [name for name in one if name.startswith("0/") and name.endswith("weight")]
        assert weights
        for name in weights:
            torch.testing.assert_close(one[name], other[name], atol=1e-3, rtol=1e-3)

    def test_a_folder_of_another_project_will_do(self, ready: Any, tmp_path: Path) -> None:
        project, before, _ = ready
        other = make_project(tmp_path, "raster")
        folder = str(project.run_folder(before))
        spec = make_spec(other, "supervised", steps=1, device="cpu", propose=(), start_from=folder)
        assert finished(run_inline(other, spec.run)).reason == "completed"

    @pytest.mark.parametrize("setting", [{"widths": [8, 16]}, {"spacing": [2.0, 2.0]}, {"norm": "instance"}])
    def test_another_network_is_refused(self, ready: Any, setting: dict[str, Any]) -> None:
        project, before, _ = ready
        with pytest.raises(SpecError, match="cannot change when starting from a model"):
            make_spec(project, "supervised", steps=1, propose=(), start_from=before, settings=setting)

    def test_other_classes_are_refused(self, ready: Any, tmp_path: Path) -> None:
        project, before, _ = ready
        other = make_project(tmp_path, "raster", classes=1)
        with pytest.raises(SpecError, match="knows 2 classes"):
            make_spec(other, "supervised", steps=1, start_from=str(project.run_folder(before)))

    def test_classes_that_change_before_it_starts_are_refused(self, ready: Any, tmp_path: Path) -> None:
        project, before, _ = ready
        other = make_project(tmp_path, "raster")
        spec = make_spec(other, "supervised", steps=1, start_from=str(project.run_folder(before)))
        other.set_classes([*other.classes, ClassInfo(3, "late")])
        last = finished(run_inline(other, spec.run))
        assert last.reason == "failed"
        assert "knows 2 classes" in last.message

    def test_there_must_be_such_a_run(self, ready: Any) -> None:
        with pytest.raises(SpecError, match="no run 'bcp-999'"):
            make_spec(ready[0], "supervised", steps=1, start_from="bcp-999")


@pytest.mark.usefixtures("quick_machine")
def test_a_model_of_another_project_proposes_here(tmp_path: Path) -> None:
    from napari_medssl.runs.request import make_predict_spec

    there, here = make_project(tmp_path / "a", "raster"), make_project(tmp_path / "b", "raster")
    run = quick_spec(there, "supervised", "raster", steps=2).run
    run_inline(there, run)
    spec = make_predict_spec(here, str(there.run_folder(run)), device="cpu")
    events = run_inline(here, spec.run)
    assert finished(events).reason == "completed"
    assert finished(events).model is None
    assert [e.case for e in events if isinstance(e, Proposed)] == ["case-2", "case-3"]


def test_memory_does_not_grow_with_the_number_of_cases(tmp_path: Path) -> None:
    """Volumes stay on disk: ten times the scans take next to nothing more."""
    peaks = []
    for count in (10, 100):
        project = make_project(tmp_path / str(count), "3d", labelled=2, unlabelled=count - 2, shape=(32, 32, 16))
        spec = quick_spec(project, "bcp", "3d", steps=1)
        run_inline(project, spec.run)
        plan = read_spec(project.run_folder(spec.run)).plan
        assert plan is not None
        cache = Cache(project, plan)
        sampler = Sampler(cache, plan, spec.labelled, spec.unlabelled, 0)
        info = method_info("bcp")
        phase = info.load().phases(resolve_options(info.options, {}), plan_for(2, (16, 16)))[1]
        for case in spec.unlabelled:
            cache.image(case)
        gc.collect()
        tracemalloc.start()
        for step in range(60):
            sampler.batch(step, phase)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    whole = 90 * 32 * 32 * 16 * 2
    assert peaks[1] - peaks[0] < 0.1 * whole


def test_the_cache_is_mapped_not_read(tmp_path: Path) -> None:
    project = make_project(tmp_path, "3d")
    spec = quick_spec(project, "supervised", "3d", steps=1)
    run_inline(project, spec.run)
    cache = Cache(project, read_spec(project.run_folder(spec.run)).plan)  # type: ignore[arg-type]
    for array in (cache.image("case-0"), cache.labels(spec.labelled[0]), cache.points(spec.labelled[0])):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:40], lambda b: b[:-7], lambda b: b"garbage" * 9])
def test_a_torn_cache_file_is_made_anew(tmp_path: Path, damage: Any) -> None:
    project = make_project(tmp_path, "raster")
    spec = quick_spec(project, "supervised", "raster", steps=1)
    run_inline(project, spec.run)
    cache = Cache(project, read_spec(project.run_folder(spec.run)).plan)  # type: ignore[arg-type]
    whole = np.array(cache.image("case-0"))
    path = cache.folder / "case-0.npy"
    path.write_bytes(damage(path.read_bytes()))
    np.testing.assert_array_equal(cache.image("case-0"), whole)


def test_another_plan_has_another_cache(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster")
    folders = set()
    for more in ({}, {"spacing": [2.0, 2.0]}, {"normalisation": "range"}, {"batch": 3}):
        spec = quick_spec(project, "supervised", "raster", steps=1, settings=more)
        run_inline(project, spec.run)
        folders.add(Cache(project, read_spec(project.run_folder(spec.run)).plan).folder)  # type: ignore[arg-type]
    assert len(folders) == 3  # the batch does not matter
    assert quick("raster")["batch"] == 2


def test_a_new_revision_is_read_anew(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster")
    spec = quick_spec(project, "supervised", "raster", steps=1)
    run_inline(project, spec.run)
    cache = Cache(project, read_spec(project.run_folder(spec.run)).plan)  # type: ignore[arg-type]
    before = np.array(cache.labels(spec.labelled[0]))
    revision = project.case("case-0").save_labels(np.ones((24, 20), np.uint8), author="test", origin="drawn")
    assert (cache.labels(LabelledCase("case-0", revision.id)) == 1).all()
    np.testing.assert_array_equal(cache.labels(spec.labelled[0]), before)


@pytest.mark.parametrize("method", ["desd", "pcrlv2"])
def test_what_learns_before_labels_is_measured_on_none(tmp_path: Path, method: str) -> None:
    """It finds no structures; cases that other runs are measured on make no difference to it."""
    project = make_project(tmp_path, "raster", labelled=4, unlabelled=2)
    freeze_audit(project, ["case-0", "case-1"])
    events = run_inline(project, quick_spec(project, method, "raster", steps=12).run)
    assert finished(events).reason == "completed", finished(events).message
    assert events[0].held_out == 0  # type: ignore[attr-defined]
    assert not [event for event in events if isinstance(event, Validated)]
