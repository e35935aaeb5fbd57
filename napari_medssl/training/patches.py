"""Batches as a pure function of the step, so that a resumed run sees the same patches.

One thread stays a few steps ahead of the training; arrays come from the memory-mapped cache, so memory does not
grow with the number of cases.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..methods.base import Batch, Origin, Patches, Phase, ViewMaker
from ..runs.spec import LabelledCase, Plan
from .augment import NONE, Augmentation, cut
from .cache import Cache
from .paper_augment import augment_slice, augment_volume
from .tile_augment import augment_tile

FOREGROUND_SHARE = 0.5  # of labelled patches are centred on a class drawn at random
AHEAD = 3
# Steps until shapes are distorted as far as they will be: few steps learn more from what is like the scans.
SEASONED = 500
PUBLISHED = ("paper", "tiles")  # augmentations that cut their own patches


Patch = tuple[torch.Tensor, torch.Tensor | None]  # image, labels


@dataclass(frozen=True)
class Sampler:
    """Draws patches of labelled and unlabelled cases.

    `unlabelled` cases may include the labelled ones: their labels are simply not looked at.
    """

    cache: Cache
    plan: Plan
    labelled: tuple[LabelledCase, ...]
    unlabelled: tuple[str, ...]
    seed: int

    def batch(self, step: int, phase: Phase) -> Batch:
        """The batch of a step; `images` (B, C, *patch) float32, `labels` (B, *patch) int64."""
        if phase.views is not None:
            made = [self._views(phase.views, step, item, phase.unlabelled) for item in range(phase.unlabelled)]
            stacks = {name: torch.stack([views[name] for views, _ in made]) for name in made[0][0]}
            return Batch(views=stacks, origins=tuple(origin for _, origin in made))
        labelled, origins, places = [], [], []
        for item in range(phase.labelled):
            patch, origin, place = self._labelled(step, item, step * phase.labelled + item)
            labelled.append(patch)
            origins.append(origin)
            places.append(place)
        unlabelled = []
        for item in range(phase.unlabelled):
            patch, origin = self._unlabelled(step, item, places[item] if item < len(places) else None)
            unlabelled.append(patch)
            origins.append(origin)
        return Batch(_stack(labelled, self.plan), _stack(unlabelled, self.plan), origins=tuple(origins))

    def _labelled(self, step: int, item: int, turn: int) -> tuple[Patch, Origin, NDArray[np.float64]]:
        """A labelled patch, its origin, and where in its scan an unlabelled one belongs, 0 to 1 per axis."""
        rng = np.random.default_rng([self.seed, step, item])
        spacing, patch = network_axes(self.plan)
        # each case in turn, in an order of its own for each round: no case waits for its luck
        entry = self.labelled[_turn(self.seed, turn, len(self.labelled))]
        image, labels = self.cache.image(entry.case), self.cache.labels(entry)
        if self.plan.augmentation in PUBLISHED:
            return _paper_patch(image, labels, self.plan, rng), Origin(entry.case), np.full(3, 0.5)
        centre = self._centre(entry, image.shape[1:], patch, rng)
        found = cut(image, labels, centre, patch, spacing, augmentation(self.plan, step), rng)
        return found, _origin(entry.case, centre, image.shape[1:]), (centre + 0.5) / np.array(image.shape[1:])

    def _unlabelled(self, step: int, item: int, place: NDArray[np.float64] | None) -> tuple[Patch, Origin]:
        """An unlabelled patch from the same place in another scan: what is pasted belongs where it comes to lie, and
        the teacher is asked about structures rather than about air."""
        rng = np.random.default_rng([self.seed, step, 10_000 + item])
        spacing, patch = network_axes(self.plan)
        case, image = self.cache.first_readable(self.unlabelled, int(rng.integers(len(self.unlabelled))))
        if self.plan.augmentation in PUBLISHED:
            return _paper_patch(image, None, self.plan, rng), Origin(case)
        shape = image.shape[1:]
        centre = _anywhere(shape, patch, rng) if place is None else _inside(place * shape - 0.5, shape, patch)
        found = cut(image, None, centre, patch, spacing, weaker(augmentation(self.plan, step)), rng)
        return found, _origin(case, centre, shape)

    def _views(self, maker: ViewMaker, step: int, item: int, count: int) -> tuple[dict[str, torch.Tensor], Origin]:
        """Views of a scan; of a slice drawn at random, for a network that looks at slices."""
        rng = np.random.default_rng([self.seed, step, 20_000 + item])
        spacing, _ = network_axes(self.plan)
        turn = _turn(self.seed, step * count + item, len(self.unlabelled))
        case, image = self.cache.first_readable(self.unlabelled, turn)
        if self.plan.net.ndim == 2:
            at = int(rng.integers(image.shape[1]))
            image = image[:, at : at + 1]
        return maker(image, spacing, rng), Origin(case)

    def _centre(
        self, entry: LabelledCase, shape: tuple[int, ...], patch: tuple[int, int, int], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        if rng.random() < FOREGROUND_SHARE:
            points = self.cache.points(entry)
            present = np.unique(points[:, 0])
            present = present[present > 0] if (present > 0).any() else present
            if present.size:
                of_class = points[points[:, 0] == rng.choice(present)]
                chosen = of_class[rng.integers(len(of_class)), 1:].astype(float)
                return _inside(chosen + rng.uniform(-0.25, 0.25, 3) * patch, shape, patch)
        return _anywhere(shape, patch, rng)


class Prefetcher:
    """Makes the batches of the coming steps in a thread.

    Parameters
    ----------
    make : callable
        The batch of a step.
    ahead : int
        How many steps to be ahead.
    """

    def __init__(self, make: Callable[[int], Batch], ahead: int = AHEAD) -> None:
        self._make = make
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="medssl-batches")
        self._waiting: dict[int, Future[Batch]] = {}

    def get(self, step: int, last: int | None = None) -> Batch:
        """The batch of `step`; starts those up to `ahead` later, none after `last`."""
        for later in range(step, step + self._ahead + 1):
            if later not in self._waiting and (last is None or later <= last):
                self._waiting[later] = self._pool.submit(self._make, later)
        for early in [s for s in self._waiting if s < step]:
            self._waiting.pop(early).cancel()
        return self._waiting.pop(step).result()

    def forget(self) -> None:
        """Throw away what was prepared (a new phase wants other batches)."""
        for future in self._waiting.values():
            future.cancel()
        self._waiting.clear()

    def close(self) -> None:
        """Stop the thread."""
        self.forget()
        self._pool.shutdown(wait=True, cancel_futures=True)


def network_axes(plan: Plan) -> tuple[tuple[float, float, float], tuple[int, int, int]]:
    """Spacing and patch along (D, H, W); a 2-D network has a patch one voxel deep."""
    if plan.net.ndim == 3:
        spacing, patch = plan.spacing, plan.patch
    else:
        in_plane = [s for axis, s in enumerate(plan.spacing) if axis != plan.slice_axis]
        spacing, patch = (1.0, *in_plane), (1, *plan.patch)
    return (spacing[0], spacing[1], spacing[2]), (patch[0], patch[1], patch[2])


def augmentation(plan: Plan, step: int) -> Augmentation:
    """What the plan asks for; at the beginning of a training, less of it."""
    if plan.augmentation == "none":
        return NONE
    spacing, patch = network_axes(plan)
    flat = patch[0] == 1 or spacing[0] > 3 * min(spacing)
    return Augmentation(mirror_axes=plan.mirror_axes, flat=flat).easier(min(1.0, step / SEASONED))


def _paper_patch(
    image: NDArray[np.float16], labels: NDArray[np.uint8] | None, plan: Plan, rng: np.random.Generator
) -> Patch:
    """A patch by the recipe of the paper preset; of a volume and a 2-D network, of a slice drawn at random."""
    legacy = np.random.RandomState(int(rng.integers(2**32)))
    if plan.net.ndim == 3:
        found, target = augment_volume(image, labels, plan.patch, legacy)
    else:
        at = int(legacy.randint(image.shape[1]))
        plane, of_slice = image[:, at].astype(np.float32), None if labels is None else labels[at]
        if plan.augmentation == "tiles":
            found, target = augment_tile(plane, of_slice, plan.patch, rng)
        else:
            found, target = augment_slice(plane, of_slice, plan.patch, legacy, legacy.random_sample)
        found, target = found[:, None], None if target is None else target[None]
    patch = torch.from_numpy(np.ascontiguousarray(found, dtype=np.float32))
    return patch, None if target is None else torch.from_numpy(np.ascontiguousarray(target, dtype=np.int64))


def weaker(strong: Augmentation) -> Augmentation:
    """What unlabelled patches get: the teacher labels what it sees, so it must see well.

    Methods distort them further for the student.
    """
    return replace(strong, rotation=strong.rotation / 2, scale=(0.9, 1.1), elastic=0.0, intensity=0.0)


def _stack(drawn: list[Patch], plan: Plan) -> Patches | None:
    if not drawn:
        return None
    images = torch.stack([image for image, _ in drawn])
    found = [labels for _, labels in drawn if labels is not None]
    labels = torch.stack(found) if found else None
    if plan.net.ndim == 2:
        images, labels = images[:, :, 0], None if labels is None else labels[:, 0]
    return Patches(images, labels)


def _origin(case: str, centre: NDArray[np.float64], shape: tuple[int, ...]) -> Origin:
    d, h, w = ((centre + 0.5) / np.array(shape)).tolist()
    return Origin(case, (d, h, w))


def _turn(seed: int, count: int, among: int) -> int:
    lap, place = divmod(count, among)
    return int(np.random.default_rng([seed, 7, lap]).permutation(among)[place])


def _anywhere(shape: tuple[int, ...], patch: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    return _inside(rng.uniform(0, 1, 3) * (np.array(shape) - 1), shape, patch)


def _inside(centre: NDArray[np.float64], shape: tuple[int, ...], patch: tuple[int, int, int]) -> NDArray[np.float64]:
    """Move a centre so that the patch lies in the scan, as far as the scan is large enough."""
    half = (np.array(patch) - 1) / 2
    top = np.array(shape) - 1 - half
    return np.where(top < half, (np.array(shape) - 1) / 2, np.clip(centre, half, top))
