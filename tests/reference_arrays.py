"""Reference arrays: where they are, and how a test makes sure that it has looked at all of a file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = (Path(__file__).parents[1] / os.environ.get("MEDSSL_GOLDEN", "tests/golden")).resolve()


class Golden:
    """The arrays of a file, remembering which were looked at."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as file:
            self._arrays = {name: file[name] for name in file.files}
        self._left = set(self._arrays)

    def __getitem__(self, name: str) -> np.ndarray:
        self._left.discard(name)
        return self._arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(np.array(self[name]))

    def labels(self, name: str) -> Tensor:
        return self.tensor(name).long()

    def matching(self, pattern: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Names that match as a whole, with their groups."""
        for name in self._arrays:
            found = re.fullmatch(pattern, name)
            if found:
                yield name, found.groups()

    def names(self) -> list[str]:
        return sorted(self._arrays)

    def not_looked_at(self) -> set[str]:
        return self._left


def files(method: str) -> list[Path]:
    """The files of a method."""
    return sorted(FOLDER.glob(f"{method}_*.npz"))


def close(actual: Any, wanted: Any, tolerance: dict[str, float]) -> None:
    """Equal up to `rtol` and `atol`."""
    actual = actual.detach().numpy() if isinstance(actual, Tensor) else actual
    np.testing.assert_allclose(actual, wanted, **tolerance)


def rounded(tolerance: dict[str, float], ours: Any, exact: Any) -> dict[str, float]:
    """A tolerance that leaves room for rounding, measured: `exact` is what `ours` is in double precision.

    Batch statistics of few values, and steps one after another, magnify the last bits, in which kernels of different
    processors differ. The reference, computed in single precision on one of them, is no closer to the exact numbers
    than ours are. A fault of ours is in both of our numbers and stays visible.
    """
    apart = np.abs(np.asarray(ours, np.float64) - np.asarray(exact, np.float64))
    return {**tolerance, "atol": tolerance["atol"] + 8.0 * float(apart.max())}


def check_file(path: Path, checks: tuple[tuple[set[str], Callable[[Golden], None]], ...]) -> None:
    """Run the one check whose keys the file has; it must look at all that the file holds."""
    golden = Golden(path)
    fitting = [check for keys, check in checks if all(key in golden for key in keys)]
    assert len(fitting) == 1, f"{path.name}: its keys say nothing that this test understands: {golden.names()}"
    fitting[0](golden)
    assert not golden.not_looked_at(), f"{path.name}: nothing looked at {sorted(golden.not_looked_at())}"
