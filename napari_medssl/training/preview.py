"""Showing how the proposal of one case grows while a run trains.

Between steps, now and then, the case that a person looks at (`runs/look.py`) is predicted with the weights that would
be deployed now: one look, and no maps of doubt. Training is none the wiser: nothing is drawn at random, and what
predicts is a copy.
"""

from __future__ import annotations

import itertools
import math
import shutil
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..disk import make_folder
from ..errors import MedSSLError
from ..imaging import Labels, write_labels
from ..inference.case_space import slabs, to_case_space
from ..inference.memory import is_out_of_memory
from ..inference.pieces import smaller_pieces
from ..inference.predictor import Predictor, View, finished, with_less
from ..inference.preprocess import network_shape
from ..project import Project
from ..project.proposals import label_ending
from ..runs.events import Previewed, Warned
from ..runs.look import PREVIEWS, looked_at
from ..runs.spec import Plan
from ..runs.stop import StopToken
from .cache import Cache
from .checkpoint import Progress

SHARE = 0.03  # of the time, at most
FIRST_SHARE = 0.1  # of the time until then, for the first one, which should come soon
FIRST = 5.0  # seconds of training before it
PAUSE = 3.0  # seconds between two of them, or two looks at what is asked for
FORWARD = 1 / 3  # part of a step that is prediction


class Previewer:
    """Decides when to predict the case that is looked at, and does.

    Parameters
    ----------
    project : Project
    cache : Cache
        Where its scans lie preprocessed.
    folder : Path
        Of the run.
    """

    def __init__(self, project: Project, cache: Cache, folder: Path) -> None:
        self._project, self._cache, self._folder = project, cache, folder
        self._values = np.array(cache.values, np.uint8)
        self._since = self._next = 0.0  # seconds of training: the last look (or the beginning), and the next question
        self._pace: float | None = None  # seconds per voxel, once it is known
        self._cannot: set[str] = set()

    def begin(self, seconds: float) -> None:
        """Training begins, or goes on, at this second of it."""
        if self._pace is None:
            self._since = seconds
        self._next = seconds + FIRST

    def is_due(self, plan: Plan, seconds: float, steps_per_second: float) -> str | None:
        """The case to predict now, at this second of training; None while it is none's turn."""
        if seconds < self._next:
            return None
        self._next = seconds + PAUSE
        case = looked_at(self._folder)
        if case is None or case in self._cannot:
            return None
        share = FIRST_SHARE if self._pace is None else SHARE
        if seconds - self._since < self._expected(plan, case, steps_per_second) / share:
            return None
        return case

    def preview(
        self, member: nn.Module, plan: Plan, case: str, now: Progress, stop: StopToken
    ) -> Previewed | Warned | None:
        """Predict a case and leave its labels in the run's folder; None when asked to stop meanwhile.

        A case that cannot be predicted is warned of once, and training goes on.
        """
        begin = time.monotonic()
        try:
            labels = self._predict(member, plan, case, stop)
            path = None if labels is None else self._write(case, labels)
        except (MedSSLError, OSError, MemoryError, RuntimeError) as error:
            if not isinstance(error, MedSSLError | OSError) and not is_out_of_memory(error):
                raise
            self._cannot.add(case)
            why = error if isinstance(error, MedSSLError) else "There is not enough memory or disk space for it."
            return Warned(message=f"How the proposal of {case} grows cannot be shown. {why}", case=case)
        took = time.monotonic() - begin
        self._since = now.seconds + took
        self._next = self._since + PAUSE
        self._pace = took / self._voxels(plan, case)
        return None if path is None else Previewed(case=case, step=now.step, path=path, seconds=took)

    def _expected(self, plan: Plan, case: str, steps_per_second: float) -> float:
        """How many seconds a prediction takes: as the last one, or about as a part of a step before the first."""
        if self._pace is not None:
            return self._pace * self._voxels(plan, case)
        steps = FORWARD * self._voxels(plan, case) / (plan.batch * math.prod(plan.patch))
        return steps / max(steps_per_second, 1e-9)

    def _voxels(self, plan: Plan, case: str) -> int:
        """Of a case as the network sees it; 1 of one that is not there, which is told in words when it is tried."""
        try:
            return math.prod(network_shape(self._project.case(case).grid, plan))
        except MedSSLError:
            return 1

    def _predict(self, member: nn.Module, plan: Plan, case: str, stop: StopToken) -> NDArray[np.uint8] | None:
        predictor = Predictor([member], plan)
        work = with_less(predictor, lambda: self._predict_with(predictor, plan, case, stop), elsewhere=False)
        return finished(work)

    def _predict_with(self, predictor: Predictor, plan: Plan, case: str, stop: StopToken) -> NDArray[np.uint8] | None:
        grid, image = self._project.case(case).grid, self._cache.image(case)
        classes = np.empty(grid.shape, np.uint8)
        turned = grid.canonical().apply(classes)
        found = itertools.takewhile(lambda _: not stop(), predictor.parts(image, [View()]))
        parts = ((where, looks[0]) for where, looks in found)
        for window, probabilities in to_case_space(slabs(parts, network_shape(grid, plan)), grid, plan):
            turned[window] = probabilities.argmax(dim=0).numpy()
        if stop():
            return None  # and only a part of it was predicted
        for index in plan.single_piece:
            classes[smaller_pieces(classes == index)] = 0
        return self._values[classes]

    def _write(self, case: str, labels: NDArray[np.uint8]) -> str:
        grid = self._project.case(case).grid
        make_folder(self._folder / PREVIEWS)
        path = f"{PREVIEWS}/{case}{label_ending(grid)}"
        write_labels(self._folder / path, Labels(labels, grid))
        return path


def clear_previews(folder: Path) -> None:
    """Remove the previews of a run: there are proposals now, or no model."""
    shutil.rmtree(folder / PREVIEWS, ignore_errors=True)
