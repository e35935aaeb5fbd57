"""A project's preprocessed volumes, memory-mapped: the whole set is never in memory.

`cache/<key>/<case>.npy` holds an image (C, D, H, W) float16, `<case>@<revision>.npy` a label map (D, H, W) uint8 and
`<case>@<revision>.points.npy` where its classes are. `key` names what the plan asks for; each file says what scan and
labels it was made of and carries a checksum (see `kept`). A cache may be deleted at any time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..disk import remedy, sweep
from ..errors import BadFileError, MedSSLError, ProjectError
from ..imaging import UNSEEN, Grid, value_counts
from ..inference.preprocess import labels_to_network_space, to_network_space
from ..project import Project
from ..project.names import safe_name
from ..runs.spec import LabelledCase, Plan
from .kept import read_kept, source_of, write_kept

CACHE_VERSION = 2
POINTS_PER_CLASS = 4096


class Cache:
    """Preprocessed cases of one project under one plan.

    Parameters
    ----------
    project : Project
    plan : Plan
    """

    def __init__(self, project: Project, plan: Plan) -> None:
        self._project = project
        self._plan = plan
        self._bad: dict[str, str] = {}  # scans that cannot be read, and why
        self._told: set[str] = set()
        self._sources: dict[str, str] = {}
        self.values = (0, *(c.value for c in project.classes))
        asked = {
            f.name: getattr(plan, f.name)
            for f in dataclasses.fields(plan)
            if f.name in ("spacing", "slice_axis", "normalisation", "clip", "mean", "sd")
        }
        key = json.dumps([CACHE_VERSION, self.values, asked], sort_keys=True)
        self.folder = project.cache_folder / hashlib.sha256(key.encode()).hexdigest()[:16]
        sweep(self.folder)

    def image(self, case: str) -> NDArray[np.float16]:
        """The image of a case, (C, D, H, W), memory-mapped; made when it is not there yet."""
        path = self.folder / f"{safe_name(case)}.npy"
        source = self._source(case)
        return self._load(path, source, lambda: to_network_space(self._project.case(case).read_image(), self._plan))

    def grid(self, case: str) -> Grid:
        """The grid of a case's own file."""
        return self._project.case(case).grid

    def first_readable(self, cases: Sequence[str], begin: int) -> tuple[str, NDArray[np.float16]]:
        """`cases[begin]` and its image; where its file is bad, the next one in the round that can be read.

        Which one it is follows from the files alone, so that a resumed run sees the same.

        Raises
        ------
        MedSSLError
            When none of them can be read.
        """
        for place in range(begin, begin + len(cases)):
            case = cases[place % len(cases)]
            if case not in self._bad:
                try:
                    return case, self.image(case)
                except BadFileError as error:
                    self._bad[case] = str(error)
        raise MedSSLError(f"None of the {len(cases)} scans without labels can be read: {self.why_not()}")

    def measurable(self, entry: LabelledCase) -> tuple[NDArray[np.float16], NDArray[np.uint8]] | None:
        """Image and label map of a case to measure on; None where its files are bad."""
        if entry.case in self._bad:
            return None
        try:
            return self.image(entry.case), self.labels(entry)
        except BadFileError as error:
            self._bad[entry.case] = str(error)
            return None

    def why_not(self) -> str:
        """Why one of the bad scans cannot be read, as an example."""
        return next(iter(self._bad.values()), "")

    def left_out(self) -> list[tuple[str, str]]:
        """Scans that were found to be bad since this was last asked, each with why."""
        news = [(case, why) for case, why in list(self._bad.items()) if case not in self._told]
        self._told.update(case for case, _ in news)
        return news

    def labels(self, entry: LabelledCase) -> NDArray[np.uint8]:
        """The label map of a revision, (D, H, W), class indices and 255."""
        path = self.folder / f"{safe_name(entry.case)}@{entry.revision}.npy"
        return self._load(path, self._source(entry.case, entry.revision), lambda: self._make_labels(entry))

    def points(self, entry: LabelledCase) -> NDArray[np.int32]:
        """(N, 4): class index and position of voxels spread over each class that occurs, background included."""
        path = self.folder / f"{safe_name(entry.case)}@{entry.revision}.points.npy"
        source = self._source(entry.case, entry.revision)
        return self._load(path, source, lambda: _spread_points(np.asarray(self.labels(entry))))

    def _source(self, name: str, revision: str = "") -> str:
        """What an array is made of: the bytes of the scan's files, and of the labels."""
        key = f"{name}@{revision}"
        if key not in self._sources:
            case = self._project.case(name)
            labels = case.revision(revision).sha256 if revision else ""
            scan = [(ref.sha256, ref.volume) for ref in case.image_refs]
            self._sources[key] = source_of(scan, case.grid.to_json(), labels)
        return self._sources[key]

    def _make_labels(self, entry: LabelledCase) -> NDArray[np.uint8]:
        case = self._project.case(entry.case)
        labels = case.read_labels(entry.revision)
        if labels is None:
            raise ProjectError(f"Case {entry.case}: label revision {entry.revision} is gone. Label the case again.")
        return labels_to_network_space(labels.array, labels.grid, self.values, self._plan)

    def _load(self, path: Path, source: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        array = read_kept(path, source)
        if array is None:  # not there yet, of another scan, or damaged
            made = make()
            _write(path, made, source)
            array = read_kept(path, source)
        return made if array is None else array  # deleted at once: it is used from memory


def _write(path: Path, array: NDArray[np.generic], source: str) -> None:
    """Write through a temporary name, so that two processes may fill one cache, and the folder may vanish meanwhile."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            write_kept(file, array, source)
        os.replace(temporary, path)
    except FileNotFoundError:
        return  # the cache was deleted while it was filled: the next reader makes it again
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        advice = remedy(error)
        raise MedSSLError(
            f"{path.parent}: the cache of preprocessed scans cannot be written ({error.strerror or error}). "
            f"{advice[:1].upper()}{advice[1:]}; nothing of yours was changed."
        ) from error


def _spread_points(labels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Up to `POINTS_PER_CLASS` voxels of each class, evenly spread in raster order."""
    found = []
    for index in np.flatnonzero(counts := value_counts(labels)):
        if index == UNSEEN:
            continue
        flat = _every(labels, int(index), max(1, int(counts[index]) // POINTS_PER_CLASS))
        position = np.stack(np.unravel_index(flat, labels.shape), axis=1)
        found.append(np.column_stack([np.full(len(flat), index), position]))
    return np.concatenate(found).astype(np.int32) if found else np.zeros((0, 4), np.int32)


def _every(labels: NDArray[np.uint8], index: int, step: int) -> NDArray[np.intp]:
    """Every so many voxels of a class in raster order, `POINTS_PER_CLASS` at most: places in the flat array."""
    flat, found, passed, stretch = labels.reshape(-1), [], 0, 1 << 20
    for start in range(0, flat.size, stretch):
        here = np.flatnonzero(flat[start : start + stretch] == index)
        found.append(here[-passed % step :: step] + start)
        passed += here.size
    return np.concatenate(found)[:POINTS_PER_CLASS]
