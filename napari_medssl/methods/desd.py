"""Deep self-distillation: every stage of a student encoder matches the final output of its momentum teacher.

Ye, Zhang, Chen, Xia, "DeSD: Self-Supervised Learning with Deep Self-Distillation for 3D Medical Image Segmentation",
MICCAI 2022. With the settings of its paper preset this is the released recipe; `DeSDOptions` names every departure.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..nets.build import build_encoder
from ..nets.ema import copy_state, update_ema
from ..nets.projector import Projector
from ..nets.spec import NetSpec
from .averaged import make_optimiser_options
from .base import Batch, Learner, Losses, ParamGroup, Phase, Step
from .desd_loss import entropy, move_centre, stage_loss, teacher_targets, teacher_temperature
from .desd_options import DeSDOptions
from .desd_views import make_views
from .schedules import cosine

if TYPE_CHECKING:
    from ..runs.spec import Plan


class DeSD:
    """One phase, over all scans, without labels."""

    def phases(self, options: DeSDOptions, plan: Plan) -> list[Phase]:
        """One."""
        optimiser = make_optimiser_options(options, options.schedule)
        growth = options.weight_decay_growth
        schedule = replace(optimiser.schedule, floor=options.learning_rate_floor, from_zero=options.warmup_from_zero)
        return [
            Phase(
                "distillation",
                "Learning to see from all scans",
                1.0,
                replace(
                    optimiser, schedule=schedule, decay_end=None if growth == 1 else optimiser.weight_decay * growth
                ),
                labelled=0,
                unlabelled=plan.batch * options.batch_factor,
                steps=options.steps,
                views=make_views(options, plan),
            )
        ]

    def learner(self, options: DeSDOptions, net: NetSpec) -> Learner:
        """Fresh weights."""
        return DeSDLearner(options, build_encoder(net))


class DeSDLearner(Learner):
    """Student, teacher and the centre of the teacher's outputs.

    Parameters
    ----------
    options : DeSDOptions
    encoder : nn.Module
        Gives a feature pyramid, finest first, and has `widths`. The last `options.sub_encoders` levels are learnt from.
    """

    centre: Tensor

    def __init__(self, options: DeSDOptions, encoder: nn.Module) -> None:
        super().__init__()
        self._options = options
        widths = tuple(encoder.widths)[-options.sub_encoders :]  # type: ignore[arg-type]
        self.student = _Distilled(encoder, [_projector(width, options) for width in widths])
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.teacher.projectors = self.teacher.projectors[-1:]
        self.register_buffer("centre", torch.zeros(1, options.outputs))
        self._seen: Tensor | None = None  # the teacher's logits in this step, for the centre

    def losses(self, batch: Batch, at: Step) -> Losses:
        """Mean of the stages' cross-entropies against the teacher."""
        assert batch.views is not None
        stacks = [batch.views["globals"]]
        if "locals" in batch.views:
            stacks.append(batch.views["locals"])
        count = len(stacks[0])  # of scans
        views = [stack.transpose(0, 1).flatten(0, 1) for stack in stacks]  # view by view
        options, progress = self._options, at.phase_progress
        with torch.no_grad():
            (self._seen,) = self.teacher(views[:1], options.chunk)
            temperature = teacher_temperature(
                options.teacher_temperature_start,
                options.teacher_temperature,
                options.temperature_warmup,
                options.epochs,
                progress,
            )
            targets = teacher_targets(self._seen.unflatten(0, (-1, count)), self.centre, temperature)
        frozen = progress + 1e-9 < options.freeze_directions
        answers = self.student(views, options.chunk, frozen)
        stages = [
            stage_loss(logits.unflatten(0, (-1, count)), targets, options.student_temperature) for logits in answers
        ]
        total = torch.stack(stages).mean()
        unsure = entropy(targets)
        terms = {f"stage_{index}": stage.detach() for index, stage in enumerate(stages, start=1)}
        return Losses(total, terms | {"teacher_entropy": unsure, "divergence": stages[-1].detach() - unsure})

    def after_step(self, at: Step) -> None:
        """Move teacher and centre."""
        options = self._options
        decay = cosine(options.ema, 1.0, at.phase_progress)
        # the teacher's statistics are of what it sees itself
        update_ema(self.teacher.encoder, self.student.encoder, decay, buffers=False)
        update_ema(self.teacher.projectors[-1], self.student.projectors[-1], decay, buffers=False)
        if self._seen is not None:
            move_centre(self.centre, self._seen, options.centre_momentum)
            self._seen = None

    def parameter_groups(self) -> list[ParamGroup]:
        """The student's; biases and scales of norms do not decay."""
        learning = [p for p in self.student.parameters() if p.requires_grad]
        return [
            ParamGroup([p for p in learning if p.ndim > 1]),
            ParamGroup([p for p in learning if p.ndim <= 1], decay_scale=0.0),
        ]

    def members(self) -> list[nn.Module]:
        """The teacher's encoder; projectors have done their work."""
        return [_EncoderOnly(self.teacher.encoder)]

    def initialise_from(self, state: Mapping[str, Tensor]) -> list[str]:
        """Take what fits of an encoder into student and teacher."""
        begun = _EncoderOnly(self.student.encoder)
        own = begun.state_dict()
        fits = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
        begun.load_state_dict(fits, strict=False)
        copy_state(self.teacher.encoder, self.student.encoder)
        return sorted((own.keys() | state.keys()) - fits.keys())


class _EncoderOnly(nn.Module):
    """An encoder under the name by which others find it."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder


class _Distilled(nn.Module):
    """An encoder with a projector on each of its last levels."""

    def __init__(self, encoder: nn.Module, projectors: list[Projector]) -> None:
        super().__init__()
        self.encoder = encoder
        self.projectors = nn.ModuleList(projectors)

    def forward(self, views: list[Tensor], chunk: int = 0, frozen: bool = False) -> list[Tensor]:
        """Logits (views, K) of each projector.

        Parameters
        ----------
        views : list of Tensor, (B, C, *space) each
            One stack per size; the projectors see all of them at once.
        chunk : int
            Views whose features are in memory at once, 0 for all; the backward pass makes them again.
        frozen : bool
            The projectors' directions get no gradient.
        """
        pooled = [self._pooled(stack, chunk) for stack in views]
        # cosines at a temperature of 0.1 need more digits than bfloat16 has
        with torch.autocast(pooled[0][0].device.type, enabled=False):
            return [
                projector(torch.cat([levels[index] for levels in pooled]), frozen)
                for index, projector in enumerate(self.projectors)
            ]

    def _pooled(self, stack: Tensor, chunk: int) -> list[Tensor]:
        """Mean over space of each of the last levels, (B, width)."""
        if chunk == 0 or len(stack) <= chunk:
            return self._pool(stack)
        parts = [
            checkpoint(self._pool, part, use_reentrant=False) if torch.is_grad_enabled() else self._pool(part)
            for part in stack.split(chunk)
        ]
        return [torch.cat(levels) for levels in zip(*parts, strict=True)]

    def _pool(self, stack: Tensor) -> list[Tensor]:
        pyramid: list[Tensor] = self.encoder(stack)
        levels = pyramid[-len(self.projectors) :]
        return [features.float().mean(dim=tuple(range(2, features.ndim))) for features in levels]


def _projector(width: int, options: DeSDOptions) -> Projector:
    return Projector(
        width,
        options.hidden,
        options.bottleneck,
        options.outputs,
        norm=options.head_norm,
        free_length=options.free_length,
    )
