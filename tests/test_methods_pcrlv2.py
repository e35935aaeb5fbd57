"""PCRLv2's learner: what is restored and compared, at which scales, with what weight; its network; its paper preset."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import plan_for
from torch import Tensor, nn

from napari_medssl.errors import SpecError
from napari_medssl.methods.base import Batch, Phase, Step, seed_everything
from napari_medssl.methods.options import resolve_options
from napari_medssl.methods.pcrlv2 import PCRLv2, PCRLv2Learner
from napari_medssl.methods.pcrlv2_losses import Draws, compare_at, comparison, draw_scales, falling_weight
from napari_medssl.methods.pcrlv2_options import PCRLv2Options
from napari_medssl.methods.pcrlv2_paper import STEPS_2D, STEPS_3D, pcrlv2_paper
from napari_medssl.methods.schedules import in_epochs, learning_rate
from napari_medssl.nets.build import build_net
from napari_medssl.nets.nsunet import NSUNet
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan

HALVED = {2: ((1, 1), (2, 2), (2, 2)), 3: ((1, 1, 1), (2, 2, 2), (2, 2, 2))}
SMALL = {ndim: NetSpec("unet", ndim, 1, 3, (4, 6, 8), strides) for ndim, strides in HALVED.items()}
TINY_UNET3D = NetSpec("pcrl-unet3d", 3, 1, 2, (4, 8, 8), HALVED[3])
TINY_RESNET = NetSpec("pcrl-resnet18", 2, 3, 2, (4, 4, 8, 16, 32), ((2, 2),) * 5)
NETS = [SMALL[2], SMALL[3], TINY_UNET3D, TINY_RESNET]


def options_of(**settings: Any) -> PCRLv2Options:
    options = resolve_options(PCRLv2Options, settings)
    assert isinstance(options, PCRLv2Options)
    return options


def learner_of(net: NetSpec = SMALL[2], **settings: Any) -> PCRLv2Learner:
    torch.manual_seed(0)
    learner = PCRLv2().learner(options_of(**settings), net)
    assert isinstance(learner, PCRLv2Learner)
    return learner


def views_of(net: NetSpec, restored: int = 2, local_views: int = 2, rows: int = 3) -> dict[str, Tensor]:
    """Random views as the engine stacks them, (B, number, C, *space)."""
    generator = torch.Generator().manual_seed(1)
    side = max(net.factor)

    def some(count: int, size: int) -> Tensor:
        return torch.rand(rows, count, net.in_channels, *(size,) * net.ndim, generator=generator)

    return {
        "globals": some(2, 2 * side),
        "targets": some(restored, 2 * side),
        "locals": some(local_views, side),
    }


def step_at(progress: float, phase: Phase | None = None, index: int = 0) -> Step:
    return Step(index, phase, index, progress, seed_everything(0, index))  # type: ignore[arg-type]


# --- the network


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.architecture}-{net.ndim}")
def test_everything_goes_through_the_bottleneck(net: NetSpec) -> None:
    """With the bottleneck at zero the input has no way to the output."""

    class Nothing(nn.Module):
        def __init__(self, encoder: nn.Module) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, x: Tensor) -> list[Tensor]:
            return [*self.encoder(x)[:-1], torch.zeros_like(self.encoder(x)[-1])]

    whole = NSUNet(net, 5).eval()
    first, second = (views_of(net, rows=2)["globals"][:, k] for k in range(2))
    every = range(whole.scales)
    assert not torch.equal(*(whole(x, every, every, final=True).final for x in (first, second)))
    whole.encoder = Nothing(whole.encoder)
    a, b = (whole(x, every, every, final=True) for x in (first, second))
    assert torch.equal(a.final, b.final)
    for scale in every:
        assert torch.equal(a.restorations[scale], b.restorations[scale])
        assert torch.equal(a.predictions[scale], b.predictions[scale])


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.architecture}-{net.ndim}")
def test_restorations_are_as_large_as_the_view(net: NetSpec) -> None:
    network = NSUNet(net, 5)
    x = views_of(net)["globals"][:, 0]
    seen = network(x, range(network.scales), range(network.scales), final=True)
    assert set(seen.restorations) == set(seen.predictions) == set(range(network.scales))
    for restored in (*seen.restorations.values(), seen.final):
        assert restored.shape == x.shape
        if network.bounded:
            assert restored.min() >= 0
            assert restored.max() <= 1


@pytest.mark.parametrize("scales", [1, 2])
def test_heads_are_at_the_finest_scales(scales: int) -> None:
    network = NSUNet(SMALL[3], scales)
    x = views_of(SMALL[3])["globals"][:, 0]
    seen = network(x, range(scales), range(scales))
    assert network.scales == scales
    assert seen.predictions[scales - 1].shape[1] == SMALL[3].widths[0]
    assert [hasattr(scale, "predictor") for scale in network.decoder_scales] == [scales > 1, True]
    assert seen.final is None


def test_nothing_beyond_the_drawn_scale_is_computed() -> None:
    network = NSUNet(SMALL[3], 5)
    calls = []
    for index, scale in enumerate(network.decoder_scales):
        scale.ascent.register_forward_hook(lambda *_, index=index: calls.append(index))
    network(views_of(SMALL[3])["globals"][:, 0], {0})
    assert calls == [0]


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.architecture}-{net.ndim}")
def test_its_encoder_starts_a_segmentation_network(net: NetSpec) -> None:
    learner = learner_of(net)
    (member,) = learner.members()
    state = member.state_dict()
    other = build_net(net)
    own = other.state_dict()
    wanted = {name for name in own if name.startswith("encoder.")}
    assert {name: value.shape for name, value in state.items()} == {name: own[name].shape for name in wanted}
    x = views_of(net)["globals"][:, 0]
    assert other(x).shape == (len(x), net.classes, *x.shape[2:])


def test_it_takes_over_an_encoder_and_says_what_it_does_not() -> None:
    learner, state = learner_of(), build_net(SMALL[2]).state_dict()
    left_out = learner.initialise_from(state)
    assert left_out == sorted(name for name in state if not name.startswith("encoder."))
    for name, value in learner.network.encoder.state_dict().items():
        assert torch.equal(value, state[f"encoder.{name}"])


# --- draws and weights


def test_one_scale_per_step_or_one_per_pair() -> None:
    rng = np.random.RandomState(0)
    draws = [draw_scales(rng, 5, 6, each=False) for _ in range(200)]
    assert {d.sampled for d in draws} == set(range(5))
    assert all(set(d.pairs) == {(d.sampled, d.sampled)} and len(d.pairs) == 6 for d in draws)
    each = draw_scales(np.random.RandomState(3), 5, 6, each=True)
    again = np.random.RandomState(3)
    assert [each.sampled, *(s for pair in each.pairs for s in pair)] == [int(again.randint(5)) for _ in range(13)]


def test_the_sampled_scale_is_restored_and_compared() -> None:
    """Only its heads learn, and the last ones."""
    for sampled in range(2):
        learner = learner_of(SMALL[3])
        draws = Draws(sampled, ((sampled, sampled),) * 2)
        learner.objective(views_of(SMALL[3]), draws, 1.0).total.backward()
        for scale, module in enumerate(learner.network.decoder_scales):
            learnt = scale == sampled
            for head in (module.restoration, module.predictor):
                assert all((p.grad is not None) == learnt for p in head.parameters()), (scale, sampled)
        assert learner.network.final.weight.grad is not None
        assert all(p.grad is not None for p in learner.network.encoder.parameters())


def test_a_projection_that_is_a_target_gets_no_gradient() -> None:
    parts = [torch.randn(4, 3, requires_grad=True) for _ in range(4)]
    comparison(*parts).backward()
    prediction_a, projection_a, prediction_b, projection_b = parts
    assert projection_a.grad is None
    assert projection_b.grad is None
    assert prediction_a.grad.any()
    assert prediction_b.grad.any()


def test_comparison_is_best_where_views_agree() -> None:
    v = torch.randn(4, 3)
    assert comparison(v, v, v, v) == pytest.approx(-1.0)
    assert comparison(-v, v, -v, v) == pytest.approx(1.0)


def test_the_weight_of_the_sampled_scale_falls_to_nothing() -> None:
    assert falling_weight(0.0) == 1.0
    assert falling_weight(0.5) == pytest.approx(0.5)
    assert falling_weight(1.0) == 0.0
    learner = learner_of(restored="both", local_views=0)
    learner.eval()
    views = {k: v for k, v in views_of(SMALL[2]).items() if k != "locals"}
    early, late = (learner.losses(Batch(views=views), step_at(p)) for p in (0.0, 1.0))
    assert late.total.item() == pytest.approx(float(late.terms["restoration"] + late.terms["comparison"]))
    assert early.total.item() > late.total.item()


@pytest.mark.parametrize("fused", [True, False])
def test_forms_of_paper_and_code(fused: bool) -> None:
    """Total from the parts, in eval mode, where one pass and two give the same."""
    net, draws = SMALL[2], Draws(1, ((0, 1), (1, 0)))
    both = views_of(net)
    one = {**both, "targets": both["targets"][:, :1]}

    def losses(views: dict[str, Tensor], **settings: Any) -> Any:
        with torch.no_grad():
            return learner_of(net, fused=fused, **settings).eval().objective(views, draws, 0.25)

    features = learner_of(net).eval().network.requires_grad_(False)
    pair = [features(both["globals"][:, k], {0, 1}, {1}, final=True) for k in range(2)]
    final = [float(((seen.final - both["targets"][:, k]) ** 2).mean()) for k, seen in enumerate(pair)]
    sampled = [float(((seen.restorations[1] - both["targets"][:, k]) ** 2).mean()) for k, seen in enumerate(pair)]
    compared = float(compare_at(*pair, 1))
    local = 0.0
    for index, scales in enumerate(draws.pairs):
        small = features(both["locals"][:, index], {0, 1})
        local += sum(float(compare_at(view, small, scale)) for view, scale in zip(pair, scales, strict=True))
    code = losses(one, restored="one", restoration="final", local_weight="mean")
    assert float(code.total) == pytest.approx(final[0] + 0.25 * sampled[0] + compared + local / 4, abs=1e-5)
    assert float(code.terms["restoration"]) == pytest.approx(final[0], abs=1e-5)
    paper = losses(both, restored="both", restoration="sampled", local_weight="sum")
    assert float(paper.total) == pytest.approx(sum(sampled) + compared + local, abs=1e-5)
    auto = losses(both)
    assert float(auto.total) == pytest.approx(sum(final) + 0.25 * sum(sampled) + compared + local / 4, abs=1e-5)
    assert float(auto.terms["local_comparison"]) == pytest.approx(local / 4, abs=1e-5)


def test_what_is_not_restored_is_not_computed() -> None:
    learner, draws = learner_of(fused=False, restored="one"), Draws(1, ((0, 1),))
    first, second = learner._global_views(views_of(SMALL[2])["globals"], 1, draws)
    assert set(first.restorations) == {1}
    assert first.final is not None
    assert second.final is None
    assert not second.restorations
    assert set(first.predictions) == {0, 1}
    assert set(second.predictions) == {1}


def test_local_views_are_compared_with_their_own_scan() -> None:
    """Rows of the views stay together: exchanging scans in all views alike changes nothing."""
    learner = learner_of(SMALL[2]).eval()
    draws = Draws(1, ((0, 1), (1, 1)))
    views = views_of(SMALL[2])
    order = torch.tensor([2, 0, 1])

    def total(views: dict[str, Tensor]) -> float:
        return learner.objective(views, draws, 1.0).total.item()

    assert total({name: view[order] for name, view in views.items()}) == pytest.approx(total(views), abs=1e-6)
    assert total({**views, "locals": views["locals"][order]}) != pytest.approx(total(views), abs=1e-5)


def test_the_rate_stands_still_for_an_epoch_and_ends_at_zero() -> None:
    (phase,) = PCRLv2().phases(options_of(**paper_options(3)), paper_plan(3))
    schedule, base = phase.optimiser.schedule, phase.optimiser.lr
    steps = phase.steps
    epoch = steps // 241
    assert steps == 241 * epoch
    rates = [learning_rate(schedule, base, k, k / steps) for k in range(steps)]
    assert len(set(rates)) == 241
    assert set(rates[:epoch]) == {base}
    assert set(rates[-epoch:]) == {0.0}
    assert in_epochs((steps - 1) / steps, 240) == 1.0
    assert in_epochs(0.3, 0) == 0.3


# --- the paper preset


def paper_options(ndim: int) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(PCRLv2Options)}
    return {name: value for name, value in pcrlv2_paper(ndim).items() if name in names}


def paper_plan(ndim: int, **more: Any) -> Plan:
    settings = {**pcrlv2_paper(ndim), **more}
    strides = tuple(tuple(s) for s in settings["strides"])
    net = NetSpec(settings["architecture"], ndim, 1, 2, tuple(settings["widths"]), strides)
    return dataclasses.replace(
        plan_for(settings["batch"], tuple(settings["patch"])), net=net, normalisation="range", augmentation="paper"
    )


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_paper_preset_is_complete(ndim: int) -> None:
    """Nothing is left to the automatic preset's defaults but what does not apply."""
    left = {field.name for field in dataclasses.fields(PCRLv2Options)} - {*pcrlv2_paper(ndim), "network"}
    step_schedule = {"schedule_every", "schedule_gamma"}
    other = {"noise", "gamma", "swaps", "margin", "margin_ends", "extra_slices"} if ndim == 2 else {"cutouts"}
    assert left == step_schedule | other
    assert pcrlv2_paper(ndim)["steps"] == (STEPS_2D if ndim == 2 else STEPS_3D)


def test_views_of_the_paper_preset() -> None:
    (phase,) = PCRLv2().phases(options_of(**paper_options(3)), paper_plan(3))
    maker: Any = phase.views
    assert phase.unlabelled == 32
    assert (maker.size, maker.local_size, maker.count, maker.restored) == ((64, 64, 32), (16, 16, 16), 6, 1)
    assert set(maker.rule.sizes) == {(96, 96, 64), (96, 96, 96), (112, 112, 64), (64, 64, 32)}
    assert set(maker.rule.local_sizes) == {(32, 32, 16), (16, 16, 16), (32, 32, 32), (8, 8, 8)}
    assert maker.rule.margins == (70, 70, 15)
    assert maker.pixels.block == (8, 4, 4)
    assert maker.space.flips == (0,)
    (phase,) = PCRLv2().phases(options_of(**paper_options(2)), paper_plan(2))
    maker = phase.views
    assert phase.unlabelled == 64
    assert (maker.size, maker.local_size, maker.rule, maker.pixels.side) == ((224, 224), (96, 96), None, 32)
    assert maker.space.flips == (1,)


def test_as_many_levels_as_scales_ask_for() -> None:
    paper = pcrlv2_paper(3)
    official = PCRLv2Options.over_paper(paper, {"scales": 3})
    assert official["widths"] == [64, 128, 256, 512]
    assert official["strides"] == [[1] * 3, *[[2] * 3] * 3]
    assert PCRLv2Options.over_paper(paper, {})["widths"] == paper["widths"]
    assert len(paper["widths"]) == 6
    own = PCRLv2Options.over_paper(paper, {"scales": 3, "widths": [8, 16]})
    assert own["widths"] == [8, 16]
    assert PCRLv2Options.over_paper(pcrlv2_paper(2), {"scales": 3})["widths"] == pcrlv2_paper(2)["widths"]
    spec = paper_plan(3, widths=official["widths"], strides=official["strides"]).net
    with torch.device("meta"):
        network = NSUNet(spec, 5)
    assert network.scales == 3
    assert sum(p.numel() for p in network.parameters()) == 17_111_434
    with torch.device("meta"):
        assert NSUNet(paper_plan(3).net, 5).scales == 5


def test_bounded_networks_want_bounded_values() -> None:
    plan = dataclasses.replace(paper_plan(3), normalisation="z-score")
    with pytest.raises(SpecError, match="unit"):
        PCRLv2().phases(options_of(**paper_options(3)), plan)


@pytest.mark.parametrize("batch", [2, 9])
def test_enough_scans_are_in_a_step(batch: int) -> None:
    (phase,) = PCRLv2().phases(options_of(least_scans=6), plan_for(batch, (16, 16, 16)))
    assert phase.unlabelled == max(6, batch)
    assert phase.labelled == 0
