"""Means over a stretch of steps, so that events come at a pace people can follow."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch

SECONDS = 0.5
POINTS = 200  # of a curve, at least, when steps are counted


class Reporter:
    """Collects what steps say until it is time to report.

    Parameters
    ----------
    steps : int or None
        Length of the phase, if known.
    """

    def __init__(self, steps: int | None) -> None:
        self._every = None if steps is None else max(1, steps // POINTS)
        self._steps = steps
        self._clear()

    def _clear(self) -> None:
        self._terms: dict[str, list[torch.Tensor]] = {}
        self._waited = self._lasted = 0.0
        self._count = 0
        self._since = time.monotonic()

    def add(self, terms: Mapping[str, torch.Tensor], waited: float, lasted: float) -> None:
        """One more step: its losses, seconds waited for data, seconds in all."""
        for name, value in terms.items():
            self._terms.setdefault(name, []).append(value)
        self._waited += waited
        self._lasted += lasted
        self._count += 1

    def is_due(self, phase_step: int) -> bool:
        """Whether it is time: after half a second, or at the points of a counted phase, its end among them."""
        if time.monotonic() - self._since >= SECONDS:
            return True
        if self._every is None:
            return phase_step == 1
        return phase_step % self._every == 0 or phase_step == self._steps

    def take(self) -> tuple[dict[str, float], float, float]:
        """Mean losses, seconds per step and share of waiting since the last call."""
        losses = {name: float(torch.stack(values).float().mean()) for name, values in self._terms.items()}
        seconds, share = self._lasted / max(1, self._count), self._waited / max(self._lasted, 1e-9)
        self._clear()
        return losses, seconds, share
