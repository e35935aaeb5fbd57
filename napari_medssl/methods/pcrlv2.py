"""Learning from scans without labels: restore distorted views and compare them, at the scales of a pyramid (PCRLv2).

Zhou, Lu, Chen, Yang, Yu, "A Unified Visual Information Preservation Framework for Self-supervised Pre-training in
Medical Image Analysis", TPAMI 2023. One network, no teacher, no negatives, no queue; it leaves an encoder behind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from ..errors import SpecError
from ..nets.nsunet import NSUNet, ViewFeatures
from ..nets.spec import NetSpec
from .averaged import make_optimiser_options
from .base import Batch, Learner, Losses, ParamGroup, Phase, Step
from .pcrlv2_boxes import Containment, WindowRule
from .pcrlv2_distort import Photo, Space, Volume
from .pcrlv2_losses import Draws, compare_at, compare_locals, draw_scales, falling_weight, restoration
from .pcrlv2_options import PCRLv2Options
from .pcrlv2_views import PairViews, Standardise
from .schedules import in_epochs

if TYPE_CHECKING:
    from ..runs.spec import Plan

# Windows as multiples of the view they become: 96 x 96 x 64, 96 cubed, 112 x 112 x 64 and 64 x 64 x 32 for the official
# 64 x 64 x 32; 32 x 32 x 16, 16, 32 and 8 cubed for the official 16 cubed. In 2-D without the last axis.
GLOBAL_RATIOS = ((1.5, 1.5, 2.0), (1.5, 1.5, 3.0), (1.75, 1.75, 2.0), (1.0, 1.0, 1.0))
LOCAL_RATIOS = ((2.0, 2.0, 1.0), (1.0, 1.0, 1.0), (2.0, 2.0, 2.0), (0.5, 0.5, 0.5))
# Swapped blocks as parts of a view, about a thousandth of it: 8 x 4 x 4 of 64 x 64 x 32
BLOCK = {2: (1 / 32, 1 / 32), 3: (1 / 8, 1 / 16, 1 / 8)}
SQUARE = 1 / 7  # side of a cut-out square as a part of the view: 32 of 224
THICK = 3.0  # voxels this many times longer than wide are rotated in their plane only


class PCRLv2:
    """One phase, over all scans."""

    def phases(self, options: PCRLv2Options, plan: Plan) -> list[Phase]:
        """Learning from views."""
        optimiser = make_optimiser_options(options, options.schedule)
        optimiser = replace(optimiser, schedule=replace(optimiser.schedule, epochs=options.epochs))
        scans = max(plan.batch, options.least_scans)
        return [
            Phase(
                "views",
                "Learning from scans without labels",
                1.0,
                optimiser,
                labelled=0,
                unlabelled=scans,
                steps=options.steps,
                views=make_views(options, plan),
            )
        ]

    def learner(self, options: PCRLv2Options, net: NetSpec) -> Learner:
        """Fresh weights."""
        return PCRLv2Learner(options, net)


class PCRLv2Learner(Learner):
    """The network of all views."""

    def __init__(self, options: PCRLv2Options, net: NetSpec) -> None:
        super().__init__()
        self._options = options
        self.network = NSUNet(net, options.scales)

    def losses(self, batch: Batch, at: Step) -> Losses:
        """Restoration of the global views and comparison of all; the sampled scales come from the step's generator."""
        assert batch.views is not None
        options = self._options
        local_views = batch.views["locals"].shape[1] if "locals" in batch.views else 0
        draws = draw_scales(at.rng, self.network.scales, local_views, options.scale_draws == "each")
        weight = falling_weight(in_epochs(at.phase_progress, options.epochs))
        return self.objective(batch.views, draws, weight)

    def objective(self, views: Mapping[str, Tensor], draws: Draws, weight: float) -> Losses:
        """Losses of the views (B, number, C, *space) at these scales.

        Parameters
        ----------
        views : mapping
            "globals", "targets" and, where there are any, "locals".
        draws : Draws
        weight : float
            Of the sampled scale's restoration.
        """
        options = self._options
        targets = views["targets"]
        both = self._global_views(views["globals"], targets.shape[1], draws)
        compared = compare_at(both[0], both[1], draws.sampled)
        restored, sampled = compared.new_zeros(()), compared.new_zeros(())
        for index in range(targets.shape[1]):
            sampled = sampled + restoration(both[index].restorations[draws.sampled], targets[:, index])
            last = both[index].final
            if last is not None:
                restored = restored + restoration(last, targets[:, index])
        total = restored + (weight * sampled if options.restoration == "final" else sampled) + compared
        terms = {"restoration": restored if options.restoration == "final" else sampled, "comparison": compared}
        if "locals" in views:
            small = views["locals"].transpose(0, 1)  # the rows of one local view side by side
            features = self.network(small.flatten(0, 1), draws.of_locals())
            local = compare_locals(both, features, draws.pairs)
            if options.local_weight == "mean":
                local = local / (2 * len(draws.pairs))
            total, terms["local_comparison"] = total + local, local
        return Losses(total, {name: term.detach() for name, term in terms.items()})

    def _global_views(self, views: Tensor, restored: int, draws: Draws) -> list[ViewFeatures]:
        """Features of both, in one pass or one after the other."""
        final = self._options.restoration == "final"
        if self._options.fused:
            compare = draws.of_global(0) | draws.of_global(1)
            pair = self.network(views.transpose(0, 1).flatten(0, 1), compare, {draws.sampled}, final)
            return _halves(pair)
        return [
            self.network(
                views[:, index],
                draws.of_global(index),
                {draws.sampled} if index < restored else (),
                final and index < restored,
            )
            for index in range(views.shape[1])
        ]

    def parameter_groups(self) -> list[ParamGroup]:
        """All alike: the code decays norms and biases, too."""
        return [ParamGroup(list(self.network.parameters()))]

    def members(self) -> list[nn.Module]:
        """The encoder; decoder and heads have done their part."""
        return [nn.ModuleDict({"encoder": self.network.encoder})]

    def initialise_from(self, state: Mapping[str, Tensor]) -> list[str]:
        """Take what fits of an encoder."""
        own = {f"encoder.{name}": value for name, value in self.network.encoder.state_dict().items()}
        fits = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
        self.network.load_state_dict(fits, strict=False)
        return sorted((own.keys() | state.keys()) - fits.keys())


def make_views(options: PCRLv2Options, plan: Plan) -> PairViews:
    """The view maker of a plan.

    Raises
    ------
    SpecError
        When the network or the distortion wants values from 0 to 1 and the plan scales them otherwise.
    """
    ndim, factor = plan.net.ndim, plan.net.factor
    bounded = plan.net.architecture == "pcrl-unet3d" or options.distortion == "photo"
    if bounded and plan.normalisation == "z-score":
        raise SpecError(
            "PCRLv2's paper network and its distortion 'photo' want values from 0 to 1. Set normalisation to unit, or "
            "choose the architecture 'unet' and the distortion 'volume'."
        )
    size = tuple(_rounded(options.view_share * n, f) for n, f in zip(plan.patch, factor, strict=True))
    local_size = tuple(_rounded(options.local_size or n / 2, f) for n, f in zip(size, factor, strict=True))
    if plan.net.norm == "instance":  # one voxel at the deepest stage is enough for the published batch norm
        size, local_size = plan.net.fit(size), plan.net.fit(local_size)
    rule = WindowRule(
        sizes=_multiples(size, GLOBAL_RATIOS),
        local_sizes=_multiples(local_size, LOCAL_RATIOS),
        margins=(*(options.margin for _ in range(ndim - 1)), options.margin_ends)
        if ndim == 3
        else (options.margin,) * 2,
        overlap=options.overlap,
        containment=cast(Containment, options.containment),
    )
    return PairViews(
        size=size,
        local_size=local_size,
        count=options.local_views,
        rule=rule if options.windows == "boxes" else None,
        space=_space(options, plan),
        pixels=_pixels(options, size),
        standardise=cast(Standardise, options.standardise),
        restored=1 if options.restored == "one" else 2,
        unit=_unit(plan) if bounded else None,
        extra=options.extra_slices if options.windows == "boxes" else 0,
        cubes=plan.augmentation == "paper",
    )


def _space(options: PCRLv2Options, plan: Plan) -> Space:
    ndim = plan.net.ndim
    if plan.augmentation == "none":
        return Space(rotation=0.0, scaling=0.0)
    # the plan's axes are those of (D, H, W), of which a 2-D network has no D
    safe = tuple(axis - (3 - ndim) for axis in plan.mirror_axes if axis >= 3 - ndim)
    flips = {"safe": safe, "first": (0,), "last": (ndim - 1,), "none": ()}[options.flips]
    flat = ndim == 3 and plan.spacing[0] > THICK * min(plan.spacing)
    return Space(flips, options.rotation, options.scaling, flat)


def _pixels(options: PCRLv2Options, size: tuple[int, ...]) -> Volume | Photo:
    if options.distortion == "photo":
        return Photo(options.blur, options.cutouts, max(1, round(SQUARE * min(size))))
    block = tuple(max(1, round(n * share)) for n, share in zip(size, BLOCK[len(size)], strict=True))
    return Volume(options.blur, options.noise, options.gamma, options.swaps, block)


def _unit(plan: Plan) -> tuple[float, float] | None:
    """Which values in network space become 0 and 1; None where they are that already."""
    if plan.normalisation != "ct":
        return None
    low, high = plan.clip or (-1000.0, 1000.0)
    sd = plan.sd if plan.sd > 0 else 1.0
    return (low - plan.mean) / sd, (high - plan.mean) / sd


def _rounded(length: float, factor: int) -> int:
    return max(1, math.floor(length / factor + 0.5)) * factor


def _multiples(size: tuple[int, ...], ratios: tuple[tuple[float, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Sizes by ratio; a picture takes the first two."""
    return tuple(
        tuple(max(1, math.floor(n * ratio + 0.5)) for n, ratio in zip(size, one, strict=False)) for one in ratios
    )


def _halves(pair: ViewFeatures) -> list[ViewFeatures]:
    """The features of two views that went through together."""

    def part(tensors: Mapping[int, Tensor], index: int) -> dict[int, Tensor]:
        return {scale: tensor.chunk(2)[index] for scale, tensor in tensors.items()}

    return [
        ViewFeatures(
            part(pair.projections, index),
            part(pair.predictions, index),
            part(pair.restorations, index),
            None if pair.final is None else pair.final.chunk(2)[index],
        )
        for index in range(2)
    ]
