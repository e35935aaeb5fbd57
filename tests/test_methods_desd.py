"""DeSD by itself: views, learner, schedules by progress, and runs that begin with what it learnt."""

from __future__ import annotations

import copy
import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import finished, make_project, quick_spec, run_inline
from torch import nn

from napari_medssl.inference.model import load_model
from napari_medssl.methods.base import Batch, Learner, Schedule, Step
from napari_medssl.methods.desd import DeSD, DeSDLearner
from napari_medssl.methods.desd_intensity import FIRST, SECOND, change, contrast, gamma
from napari_medssl.methods.desd_loss import stage_loss, teacher_targets, teacher_temperature
from napari_medssl.methods.desd_options import DeSDOptions
from napari_medssl.methods.desd_paper import desd_paper
from napari_medssl.methods.desd_views import SLAB, DeSDViews, make_views, slabs, view_size
from napari_medssl.methods.options import resolve_options
from napari_medssl.methods.schedules import learning_rate
from napari_medssl.nets.build import build_encoder
from napari_medssl.nets.projector import Projector, _Cosines
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.events import PhaseStarted, Stepped
from napari_medssl.runs.request import make_spec
from napari_medssl.runs.spec import Plan, read_spec
from napari_medssl.training.optimisers import make_optimiser, set_learning_rate

NET = NetSpec("unet", 2, 1, 3, (4, 8, 8), ((1, 1), (2, 2), (2, 2)))
SMALL = {"hidden": 16, "bottleneck": 8, "outputs": 32, "view_part": 0.75}


def options_for(**settings: Any) -> Any:
    return resolve_options(DeSDOptions, SMALL | settings)


def paper_options(ndim: int = 3, **settings: Any) -> Any:
    names = DeSDOptions.__dataclass_fields__
    return resolve_options(DeSDOptions, {k: v for k, v in desd_paper(ndim).items() if k in names} | settings)


def fresh(options: Any, net: NetSpec = NET) -> Any:
    torch.manual_seed(0)
    return DeSDLearner(options, build_encoder(net)).train()


def a_plan(net: NetSpec = NET, patch: tuple[int, ...] = (16, 16), **more: Any) -> Plan:
    return Plan(net, (1.0,) * net.ndim, patch, 2, **more)


def at(progress: float, options: Any) -> Step:
    (phase,) = DeSD().phases(options, a_plan())
    return Step(0, phase, 0, progress, np.random.RandomState(0))


def some_views(scans: int = 3, seed: int = 0, locals_: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    made = {"globals": torch.randn(scans, 2, 1, 16, 16, generator=generator)}
    if locals_:
        made["locals"] = torch.randn(scans, locals_, 1, 8, 8, generator=generator)
    return Batch(views=made)


def one_step(learner: Learner, batch: Batch, step: Step, optimiser: torch.optim.Optimizer) -> float:
    losses = learner.losses(batch, step)
    optimiser.zero_grad(set_to_none=True)
    losses.total.backward()
    optimiser.step()
    learner.after_step(step)
    return float(losses.total.detach())


class TestLearner:
    def test_the_teacher_is_a_copy_at_first_and_has_one_projector(self) -> None:
        learner = fresh(options_for())
        assert len(learner.student.projectors) == 3  # of an encoder with three stages
        assert len(learner.teacher.projectors) == 1
        for own, other in (
            (learner.teacher.encoder, learner.student.encoder),
            (learner.teacher.projectors[0], learner.student.projectors[-1]),
        ):
            pairs = zip(own.parameters(), other.parameters(), strict=True)
            assert all(torch.equal(a, b) and a is not b for a, b in pairs)

    def test_the_teacher_gets_no_gradient_and_shallow_stages_get_their_own(self) -> None:
        learner = fresh(options_for())
        learner.losses(some_views(), at(0.5, options_for())).total.backward()
        assert all(p.grad is None for p in learner.teacher.parameters())
        assert all(p.grad is not None for p in learner.student.parameters())

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_only_the_last_stages_are_asked(self, count: int) -> None:
        options = options_for(sub_encoders=count)
        learner = fresh(options)
        assert [p.mlp[0].in_features for p in learner.student.projectors] == [4, 8, 8][-count:]
        terms = learner.losses(some_views(), at(0.5, options)).terms
        assert len([name for name in terms if name.startswith("stage_")]) == count

    def test_directions_stay_in_the_first_part_only(self) -> None:
        options = options_for(freeze_directions=0.25, weight_decay=0.1, optimiser="sgd", clip=0.0)
        learner = fresh(options)
        (phase,) = DeSD().phases(options, a_plan())
        optimiser = make_optimiser(learner, phase)
        directions = [p.directions for p in learner.student.projectors]
        before = copy.deepcopy(directions)
        for progress in (0.0, 0.2):
            one_step(learner, some_views(), at(progress, options), optimiser)
        assert all(torch.equal(a, b) for a, b in zip(directions, before, strict=True))
        assert not any(d in optimiser.state for d in directions)  # no momentum was built up either
        one_step(learner, some_views(), at(0.25, options), optimiser)
        assert not any(torch.equal(a, b) for a, b in zip(directions, before, strict=True))

    def test_logits_are_cosines_for_ever(self) -> None:
        options = options_for(learning_rate=0.1)
        learner = fresh(options)
        (phase,) = DeSD().phases(options, a_plan())
        optimiser = make_optimiser(learner, phase)
        for seed in range(5):
            one_step(learner, some_views(seed=seed), at(0.5, options), optimiser)
        logits = learner.student([some_views().views["globals"].flatten(0, 1)])
        assert all(float(stage.detach().abs().max()) <= 1 + 1e-6 for stage in logits)

    def test_the_centre_moves_after_the_loss_has_used_it(self) -> None:
        options = options_for()
        learner = fresh(options)
        batch, step = some_views(), at(0.5, options)
        first = learner.losses(batch, step)
        assert not learner.centre.any()
        learner.after_step(step)
        assert learner.centre.any()
        learner.teacher.load_state_dict(fresh(options).teacher.state_dict())
        assert not torch.equal(first.total, learner.losses(batch, step).total)  # the new centre counts now

    def test_the_teacher_follows_the_student_less_and_less(self) -> None:
        options = options_for(ema=0.5)
        moved = []
        for progress in (0.0, 0.5, 1.0):
            learner = fresh(options)
            with torch.no_grad():
                for p in learner.student.parameters():
                    p.add_(1.0)
            before = copy.deepcopy(list(learner.teacher.parameters()))
            learner.after_step(at(progress, options))
            change = [(a - b).mean() for a, b in zip(learner.teacher.parameters(), before, strict=True)]
            moved.append(float(torch.stack(change).mean()))
        assert moved == pytest.approx([0.5, 0.25, 0.0], abs=1e-5)

    @pytest.mark.parametrize("views", [2, 5])
    def test_a_view_is_held_against_all_global_ones_but_itself(self, views: int) -> None:
        logits = torch.randn(views, 3, 7, generator=torch.Generator().manual_seed(1))
        targets = torch.softmax(4 * torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(2)), dim=-1)
        terms = [
            -(targets[anchor] * torch.log_softmax(logits[view] / 0.1, dim=-1)).sum(dim=-1).mean()
            for view in range(views)
            for anchor in range(2)
            if view != anchor
        ]
        torch.testing.assert_close(stage_loss(logits, targets, 0.1), torch.stack(terms).mean())

    def test_equal_views_make_a_symmetric_loss(self) -> None:
        logits = torch.randn(2, 3, 8)
        targets = teacher_targets(torch.randn(2, 3, 8), torch.zeros(1, 8), 0.1)
        swapped = stage_loss(logits.flip(0), targets.flip(0), 0.1)
        torch.testing.assert_close(stage_loss(logits, targets, 0.1), swapped)

    def test_views_in_chunks_are_the_same_with_instance_norm(self) -> None:
        net = dataclasses.replace(NET, norm="instance")
        totals, gradients = [], []
        for chunk in (0, 2):
            learner = fresh(options_for(chunk=chunk), net)
            losses = learner.losses(some_views(locals_=1), at(0.5, options_for()))
            losses.total.backward()
            totals.append(losses.total.detach())
            gradients.append(torch.cat([p.grad.flatten() for p in learner.student.parameters()]))
        torch.testing.assert_close(*totals)
        whole, parts = gradients
        # batch norm of a few rows magnifies that sums are taken in another order
        assert float((whole - parts).norm() / whole.norm()) < 1e-3

    def test_biases_and_norms_do_not_decay(self) -> None:
        decaying, others = fresh(options_for()).parameter_groups()
        assert all(p.ndim > 1 for p in decaying.parameters)
        assert all(p.ndim == 1 for p in others.parameters)
        assert others.decay_scale == 0.0

    def test_weight_decay_goes_along_a_cosine(self) -> None:
        options = options_for(weight_decay=0.01, weight_decay_growth=10.0)
        learner = fresh(options)
        (phase,) = DeSD().phases(options, a_plan())
        optimiser = make_optimiser(learner, phase)
        seen = []
        for progress in (0.0, 0.5, 1.0):
            set_learning_rate(optimiser, phase, 10, progress)
            seen.append([group["weight_decay"] for group in optimiser.param_groups])
        np.testing.assert_allclose(seen, [[0.01, 0.0], [0.055, 0.0], [0.1, 0.0]])

    def test_what_it_leaves_is_the_teachers_encoder(self) -> None:
        learner = fresh(options_for())
        with torch.no_grad():
            for p in learner.student.parameters():
                p.add_(1.0)
        (member,) = learner.members()
        state = member.state_dict()
        assert state.keys() == {f"encoder.{name}" for name in learner.teacher.encoder.state_dict()}
        assert all(torch.equal(state[f"encoder.{n}"], p) for n, p in learner.teacher.encoder.named_parameters())

    def test_it_begins_with_another_encoder(self) -> None:
        before, learner = fresh(options_for()), fresh(options_for())
        with torch.no_grad():
            for p in before.teacher.parameters():
                p.add_(1.0)
        state = before.members()[0].state_dict()
        assert learner.initialise_from(state) == []
        for encoder in (learner.student.encoder, learner.teacher.encoder):
            assert all(torch.equal(state[f"encoder.{n}"], v) for n, v in encoder.state_dict().items())
        left = learner.initialise_from(
            {"encoder.stages.0.0.0.weight": torch.zeros(1), "decoder.head.bias": torch.zeros(3)}
        )
        assert {"encoder.stages.0.0.0.weight", "decoder.head.bias"} <= set(left)


class TestSchedules:
    def test_the_rate_begins_at_zero_and_is_at_its_top_at_the_end_of_the_warm_up(self) -> None:
        schedule = Schedule("cosine", warmup=0.1, floor=0.2, from_zero=True)
        rates = [learning_rate(schedule, 1.0, step, step / 100) for step in range(100)]
        assert rates[0] == 0.0
        assert rates[9:11] == pytest.approx([1.0, 1.0])
        assert rates[:10] == pytest.approx(np.linspace(0, 1, 10))
        assert all(a > b for a, b in pairwise(rates[10:]))
        assert 0.2 < rates[-1] < 0.21

    def test_a_budget_of_minutes_ends_it_properly(self) -> None:
        """Steps of uneven length: the rate never leaves its range and ends at the floor."""
        schedule = Schedule("cosine", warmup=0.3, floor=0.1, from_zero=True)
        done = np.sort(np.random.default_rng(0).uniform(0, 1, 40))
        rates = [learning_rate(schedule, 1.0, step, p) for step, p in enumerate([0.0, *done, 1.0])]
        assert rates[0] == 0.0
        assert max(rates) <= 1.0
        assert min(rates[1:]) > 0
        assert rates[-1] == pytest.approx(0.1)

    def test_the_temperature_rises_once_per_epoch(self) -> None:
        found = [teacher_temperature(0.04, 0.07, 0.4, 10, step / 100) for step in range(100)]
        assert found[:10] == [0.04] * 10
        assert found[10:20] == pytest.approx([0.05] * 10)
        assert found[30:] == pytest.approx([0.07] * 70)  # both ends are reached within the four epochs
        assert teacher_temperature(0.04, 0.07, 0.0, 10, 0.0) == 0.07

    def test_the_paper_preset_counts_in_epochs(self) -> None:
        options = paper_options()
        (phase,) = DeSD().phases(options, a_plan())
        assert phase.steps == 300 * 651
        schedule, rate = phase.optimiser.schedule, phase.optimiser.lr
        rates = [learning_rate(schedule, rate, s, s / phase.steps) for s in (0, 6509, 6510, phase.steps - 1)]
        assert rates == pytest.approx([0.0, 0.225, 0.225, 0.048])
        assert phase.optimiser.decay_end is None
        learner = fresh(paper_options(outputs=64, hidden=16, bottleneck=8))
        for step, frozen in ((0, True), (650, True), (651, False)):
            learner.zero_grad()
            learner.losses(some_views(), at(step / phase.steps, options)).total.backward()
            assert (learner.student.projectors[0].directions.grad is None) is frozen


class TestProjector:
    def test_directions_without_length_and_with(self) -> None:
        x = torch.randn(4, 6)
        assert "lengths" not in dict(Projector(6, 8, 4, 5).named_parameters())
        free = Projector(6, 8, 4, 5, norm=False, free_length=True)
        before = free(x)
        with torch.no_grad():
            free.lengths.mul_(3)
        torch.testing.assert_close(free(x), 3 * before)

    def test_the_short_way_to_cosines_has_the_gradient_of_the_long_one(self) -> None:
        unit = nn.functional.normalize(torch.randn(4, 6, dtype=torch.double)).requires_grad_()
        directions = torch.randn(9, 6, dtype=torch.double, requires_grad=True)
        assert torch.autograd.gradcheck(_Cosines.apply, (unit, directions))
        long = unit @ nn.functional.normalize(directions, dim=1).T
        torch.testing.assert_close(_Cosines.apply(unit, directions), long)


class TestViews:
    def maker(self, ndim: int, patch: tuple[int, ...], **settings: Any) -> DeSDViews:
        net = NetSpec("unet", ndim, 1, 2, (4, 8), ((1,) * ndim, (2,) * ndim))
        return make_views(options_for(**settings), a_plan(net, patch))

    @pytest.mark.parametrize("shape", [(20, 30, 25), (5, 40, 8), (3, 3, 3)])
    @pytest.mark.parametrize("geometry", ["volume", "slabs"])
    def test_volumes_of_any_size_give_views_of_one(self, shape: tuple[int, ...], geometry: str) -> None:
        maker = self.maker(3, (16, 16, 8), geometry=geometry, local_views=3, per_slice=geometry == "slabs")
        scan = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float16)
        for seed in range(5):
            views = maker(scan, (1.0, 1.0, 1.0), np.random.default_rng(seed))
            assert views["globals"].shape == (2, 2, 12, 12, 6)
            assert views["locals"].shape == (3, 2, 6, 6, 3 if geometry == "volume" else 6)
            assert all(v.dtype == torch.float32 and torch.isfinite(v).all() for v in views.values())

    def test_slices_give_flat_views(self) -> None:
        maker = self.maker(2, (16, 24), local_views=1)
        views = maker(np.ones((3, 1, 50, 30), np.float16), (1.0, 1.0, 1.0), np.random.default_rng(0))
        assert views["globals"].shape == (2, 3, 12, 18)
        assert views["locals"].shape == (1, 3, 6, 9)

    def test_the_same_draw_gives_the_same_views(self) -> None:
        maker, scan = (
            self.maker(3, (16, 16, 16)),
            np.random.default_rng(0).normal(size=(1, 20, 20, 20)).astype(np.float16),
        )
        one, same, other = (maker(scan, (1.0, 1.0, 1.0), np.random.default_rng(seed))["globals"] for seed in (4, 4, 5))
        assert torch.equal(one, same)
        assert not torch.equal(one, other)
        assert not torch.equal(one[0], one[1])

    def test_both_views_come_from_one_region(self) -> None:
        """Voxels hold their position: two views of 12 lie within a region of at most 1.8 times that."""
        maker = dataclasses.replace(self.maker(3, (16, 16, 16)), intensity=False)
        ramp = np.broadcast_to(np.arange(400, dtype=np.float16), (1, 20, 20, 400))
        for seed in range(20):
            found = maker(ramp, (1.0, 1.0, 1.0), np.random.default_rng(seed))["globals"]
            assert float(found.max() - found.min()) <= 1.8 * 12

    def test_only_the_region_is_read(self) -> None:
        class Window(np.ndarray):
            largest = 0

            def __getitem__(self, key: Any) -> Any:
                got = np.asarray(super().__getitem__(key))
                Window.largest = max(Window.largest, got.size)
                return got

        scan = np.zeros((1, 100, 100, 100), np.float16).view(Window)
        self.maker(3, (16, 16, 16))(scan, (1.0, 1.0, 1.0), np.random.default_rng(0))
        assert 0 < Window.largest <= (1.8 * 12) ** 3

    def test_oriented_scans_are_not_mirrored(self) -> None:
        ramp = np.broadcast_to(np.arange(24, dtype=np.float16)[:, None, None], (1, 24, 24, 24))
        plain = NetSpec("unet", 3, 1, 2, (4, 8), ((1,) * 3, (2,) * 3))
        for axes, wanted in (((), {False}), ((0,), {False, True})):
            maker = make_views(options_for(), a_plan(plain, (16, 16, 16), mirror_axes=axes))
            maker = dataclasses.replace(maker, intensity=False)
            falls = set()
            for seed in range(12):
                for view in maker(ramp, (1.0, 1.0, 1.0), np.random.default_rng(seed))["globals"]:
                    falls.add(bool(view[0, 0, 0, 0] > view[0, -1, 0, 0]))
            assert falls == wanted

    def test_slabs_are_those_of_the_paper(self) -> None:
        assert [slabs(n) for n in (5, 24, 25, 36, 37, 48)] == [1, 1, 2, 2, 3, 3]
        net = NetSpec("unet", 3, 1, 2, (4, 8), ((1,) * 3, (2,) * 3))
        maker = make_views(paper_options(), a_plan(net, (96, 96, 16), augmentation="paper"))
        assert maker.size == (96, 96, 16)
        assert maker.scaled == (True, True, False)
        assert maker.flips == (0.8, 0.8, 0.8)
        assert (maker.slab_axis, maker.slice_axis) == (2, 2)
        # slices hold their number; 37 of them: slabs from 0, 12 and 13
        ramp = np.broadcast_to(np.arange(37, dtype=np.float16), (1, 120, 120, 37))
        plain = dataclasses.replace(maker, intensity=False, flips=(0.0, 0.0, 0.0))
        for seed in range(8):
            found = plain(ramp, (1.0, 1.0, 1.0), np.random.default_rng(seed))["globals"]
            for view in found:
                np.testing.assert_allclose(np.diff(view[0, 0, 0]), 1.0)  # slices are never scaled
            assert found.max() - found.min() < SLAB

    def test_wide_planes_lose_their_border(self) -> None:
        maker = dataclasses.replace(self.maker(3, (16, 16, 8), geometry="slabs"), intensity=False)
        ramp = np.broadcast_to(np.arange(400, dtype=np.float16)[:, None, None], (1, 400, 30, 10))
        found = [maker(ramp, (1.0, 1.0, 1.0), np.random.default_rng(seed))["globals"] for seed in range(40)]
        assert min(float(f.min()) for f in found) >= 40
        assert max(float(f.max()) for f in found) < 360

    def test_each_slice_changes_by_itself_or_the_scan_as_a_whole(self) -> None:
        flat = np.ones((1, 24, 24, 24), np.float16)
        for per_slice in (True, False):
            maker = self.maker(3, (16, 16, 16), per_slice=per_slice)
            spread = [
                float(maker(flat, (1.0, 1.0, 1.0), np.random.default_rng(seed))["globals"][0, 0].mean((0, 1)).std())
                for seed in range(10)
            ]
            assert bool(np.mean(spread) > 0.15) is per_slice

    def test_two_voxels_are_left_at_the_deepest_stage(self) -> None:
        assert view_size((96, 96, 16), 1.0, (32, 32, 16)) == (96, 96, 16)
        assert view_size((40, 32, 16), 0.75, (32, 32, 16)) == (64, 32, 16)

    def test_without_augmentation_views_are_cut_only(self) -> None:
        net = NetSpec("unet", 3, 1, 2, (4, 8), ((1,) * 3, (2,) * 3))
        maker = make_views(paper_options(), a_plan(net, (16, 16, 16), augmentation="none"))
        assert maker.flips == (0.0, 0.0, 0.0)
        assert not maker.intensity


class TestIntensity:
    def test_flat_units_stay_finite(self) -> None:
        for strength in (FIRST, SECOND):
            out = change(np.zeros((3, 8, 8), np.float32), strength, np.random.default_rng(0))
            assert np.isfinite(out).all()
            assert out.dtype == np.float32

    def test_contrast_keeps_the_range_and_gamma_mean_and_deviation(self) -> None:
        unit = np.random.default_rng(0).normal(size=(12, 12)).astype(np.float32)
        for seed in range(10):
            stretched = contrast(unit, np.random.default_rng(seed))
            assert unit.min() <= stretched.min()
            assert stretched.max() <= unit.max()
            curved = gamma(unit, np.random.default_rng(seed))
            assert float(curved.mean()) == pytest.approx(float(unit.mean()), abs=1e-4)
            assert float(curved.std()) == pytest.approx(float(unit.std()), rel=1e-4)
            assert not np.allclose(curved, unit, atol=1e-3)


PAPER_SMALL = {"widths": [4, 16, 32, 64, 128], "batch": 2, "chunk": 3, "outputs": 64, "hidden": 16, "bottleneck": 8}


@pytest.mark.usefixtures("quick_machine")
class TestRuns:
    @pytest.mark.parametrize("kind", ["3d", "raster", "thick"])
    @pytest.mark.parametrize("after", ["supervised", "bcp"])
    def test_a_training_on_labels_begins_with_it(self, tmp_path: Path, kind: str, after: str) -> None:
        project = make_project(tmp_path, kind)
        first = quick_spec(project, "desd", kind, steps=4)
        assert finished(run_inline(project, first.run)).reason == "completed"
        settings = {"learning_rate": 1e-6, "clip": 1e-3}  # so small that the encoder stays what it was
        second = quick_spec(project, after, kind, steps=2, start_from=first.run, settings=settings)
        events = run_inline(project, second.run)
        assert finished(events).reason == "completed", finished(events).message
        told = next(e.begins_with for e in events if isinstance(e, PhaseStarted))
        assert told.startswith(f"Begins with what run {first.run} (DeSD) learnt: the encoder, ")
        assert told.endswith("New: the decoder.")
        (learnt,), _ = load_model(project.run_folder(first.run))
        begun = load_model(project.run_folder(second.run))[0][0]
        weights = [name for name in learnt if name.endswith("0.weight")]
        assert weights
        for name in weights:
            torch.testing.assert_close(begun[name], learnt[name], rtol=0, atol=1e-4)

    @pytest.mark.parametrize("kind", ["3d", "raster"])
    def test_the_paper_preset_runs_and_is_begun_with(self, tmp_path: Path, kind: str) -> None:
        project = make_project(tmp_path, kind, shape=(40, 36, 20) if kind == "3d" else (40, 36))
        patch = {"patch": [32, 32, 16] if kind == "3d" else [64, 64], "threads": 1}
        settings = PAPER_SMALL | patch
        first = quick_spec(project, "desd", kind, steps=3, preset="paper", settings=settings)
        events = run_inline(project, first.run)
        assert finished(events).reason == "completed", finished(events).message
        plan = read_spec(project.run_folder(first.run)).plan
        assert plan is not None
        assert (plan.net.architecture, plan.normalisation) == ("desd-resnet", "z-score")
        assert any("for CT" in reason for reason in plan.reasons)
        assert [e.losses["total"] for e in events if isinstance(e, Stepped)]
        second = make_spec(project, "supervised", steps=2, device="cpu", propose=(), start_from=first.run)
        events = run_inline(project, second.run)
        assert finished(events).reason == "completed", finished(events).message

    def test_minutes_end_it(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster")
        spec = quick_spec(project, "desd", "raster", steps=None, minutes=0.02)
        events = run_inline(project, spec.run)
        assert finished(events).reason == "completed"
        last = [e for e in events if isinstance(e, Stepped)][-1]
        assert 0.5 < last.progress <= 1.0  # the last half second is not told
        assert last.learning_rate < 0.5 * 0.005

    def test_labels_are_never_looked_at_nor_needed(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster", labelled=0, unlabelled=3, classes=0)
        assert finished(run_inline(project, quick_spec(project, "desd", "raster", steps=2).run)).reason == "completed"
