"""Measuring the model, while it trains, on labelled cases that it never trains on."""

from __future__ import annotations

import math
import time
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..errors import MedSSLError, NotFiniteError
from ..imaging import pair_counts, value_counts
from ..inference.predictor import Predictor, View, finished, with_less
from ..methods.base import IGNORE
from ..runs.events import Validated
from ..runs.spec import LabelledCase, Plan
from .cache import Cache
from .checkpoint import Progress

TIMES = 12  # over a run, about
SHARE = 0.08  # of the time, at most
WARM_UP = 0.15  # of a run without measuring: nothing is learnt yet


class Examiner:
    """Decides when to measure, and does.

    Parameters
    ----------
    cache : Cache
    cases : tuple of LabelledCase
        None: nothing is ever measured.
    by_steps : bool
        The length of the run is counted in steps: then so are the times to measure, whatever that costs, because the
        model that is chosen must not depend on how fast the machine is.
    """

    def __init__(self, cache: Cache, cases: tuple[LabelledCase, ...], *, by_steps: bool) -> None:
        self._cache = cache
        self._cases = cases
        self._by_steps = by_steps
        self._passed = 0
        self._last_took = 0.0
        self._last_at = 0.0

    def begin(self, done: float) -> None:
        """Training begins, or goes on, at this part of the run."""
        self._passed = _passed(done)

    def is_due(self, done: float, seconds: float) -> bool:
        """Whether to measure now, at this part of the run and second of training."""
        if not self._cases or _passed(done) <= self._passed:
            return False
        if done < 1.0 and not self._by_steps and seconds - self._last_at < self._last_took / SHARE:
            return False
        self._passed = _passed(done)
        return True

    def examine(self, member: nn.Module, plan: Plan, now: Progress, info: dict[str, object]) -> Validated:
        """Mean Dice per class over the cases that can be read, in network space.

        Raises
        ------
        MedSSLError
            When none can be read.
        """
        begin = time.monotonic()
        predictor = Predictor([member], plan)
        names = [str(n) for n in info["class_names"]]  # type: ignore[attr-defined]
        found: dict[str, list[float]] = {name: [] for name in names}
        by_case: dict[str, float] = {}
        measured = [(entry, files) for entry in self._cases if (files := self._cache.measurable(entry)) is not None]
        if not measured:
            raise MedSSLError(f"None of the {len(self._cases)} held-out scans can be read: {self._cache.why_not()}")
        for entry, (image, labels) in measured:
            here: list[float] = []
            table = finished(with_less(predictor, partial(_confusion, predictor, image, labels)))
            for index, name in enumerate(names, start=1):
                size = int(table[index].sum() + table[:, index].sum())
                if size:
                    here.append(2.0 * int(table[index, index]) / size)
                    found[name].append(here[-1])
            if here:
                by_case[entry.case] = float(np.mean(here))
        dice = {name: float(np.mean(values)) for name, values in found.items() if values}
        mean = float(np.mean(list(dice.values()))) if dice else 0.0
        best = now.best is None or mean >= now.best
        self._last_took, self._last_at = time.monotonic() - begin, now.seconds
        return Validated(step=now.step, dice=dice, mean=mean, cases=len(measured), best=best, by_case=by_case)


def _confusion(predictor: Predictor, image: NDArray[np.float16], labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Voxels by predicted class (rows) and true one, of those that were looked at; a part of the scan at a time.

    A network whose answer is no number finds nothing.
    """
    table = np.zeros((256, 256), np.int64)
    try:
        for where, (found,) in predictor.parts(image, [View()]):
            table += pair_counts(found.argmax(dim=0).numpy().astype(np.uint8), np.asarray(labels[where]))
    except NotFiniteError:
        table = np.zeros((256, 256), np.int64)
        table[0] = value_counts(np.asarray(labels))
    table[:, IGNORE] = 0
    return table


def _passed(done: float) -> int:
    """How many of the times to measure lie behind: the first at the end of the warm-up, the last at the end."""
    return max(0, math.floor((done - WARM_UP) / (1 - WARM_UP) * TIMES + 1e-9) + 1)
