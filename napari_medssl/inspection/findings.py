"""What was found inside a model, for one case: arrays on the case's grid, with words. On disk, too. No torch.

A folder holds one `.npy` per picture and `inspection.json`, written last: without it there is nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..disk import make_folder, names_in, read_json_or_none, replacing, write_json
from ..errors import RunError

if TYPE_CHECKING:
    from ..project import Project

FINDINGS_NAME = "inspection.json"
Group = Literal["features", "restoration", "attention", "predictions"]
Kind = Literal["colours", "grey", "heat", "labels"]
GROUPS: tuple[Group, ...] = ("features", "restoration", "attention", "predictions")


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of a case.

    Attributes
    ----------
    name : str
        Of its file: letters, digits and dashes.
    title, caption : str
        What it is, and a number or two that go with it.
    array : ndarray
        "colours": (*shape, 3) uint8. "grey", "heat": (*shape) float16. "labels": (*shape) uint8 label values.
    limits : (float, float)
        Values to show as darkest and brightest.
    """

    name: str
    group: Group
    kind: Kind
    title: str
    array: NDArray[Any]
    limits: tuple[float, float] = (0.0, 1.0)
    caption: str = ""


@dataclass(frozen=True)
class Bars:
    """Numbers from 0 to 1, one per channel of a network, highest first."""

    name: str
    title: str
    values: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Inspection:
    """All that was found.

    Attributes
    ----------
    run, case : str
        Whose model, and of what.
    stage, stages : int
        Which stage of the encoder the features are of, 1 being the finest; how many it has.
    missing : tuple of str
        What this run does not have, and why.
    facts : mapping
        Numbers as JSON values, by group.
    """

    run: str
    case: str
    stage: int
    stages: int
    pictures: tuple[Picture, ...] = ()
    bars: tuple[Bars, ...] = ()
    missing: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def findings_folder(project: Project, run: str, case: str) -> Path:
    """Where the pictures of a case are kept for the screen: in the cache, since they can be made again."""
    return Path(project.root) / "cache" / "inspection" / run / case


def write_findings(folder: Path, found: Inspection) -> None:
    """Write all of it; what an earlier look left goes first, so that no reader meets a mixture.

    Raises
    ------
    BadFileError
        When it cannot be written.
    """
    make_folder(folder)
    sums = {}
    for name in (FINDINGS_NAME, *names_in(folder, ".npy")):
        (folder / name).unlink(missing_ok=True)
    for picture in found.pictures:
        with replacing(folder / f"{picture.name}.npy") as temporary, temporary.open("xb") as file:
            np.save(file, picture.array, allow_pickle=False)
        sums[picture.name] = _sum(picture.array)
    write_json(folder / FINDINGS_NAME, found_json(found) | {"sums": sums})


def read_findings(folder: Path) -> Inspection:
    """The other way round.

    Raises
    ------
    RunError
        When there is nothing (whole) in the folder.
    """
    told = read_json_or_none(folder / FINDINGS_NAME)
    try:
        assert told is not None
        found = Inspection(
            run=told["run"],
            case=told["case"],
            stage=told["stage"],
            stages=told["stages"],
            pictures=tuple(
                Picture(
                    **{**one, "limits": tuple(one["limits"])},
                    array=np.load(folder / f"{one['name']}.npy", allow_pickle=False),
                )
                for one in told["pictures"]
            ),
            bars=tuple(Bars(**{**one, "values": tuple(one["values"])}) for one in told["bars"]),
            missing=tuple(told["missing"]),
            facts=told["facts"],
        )
        sums = told.get("sums", {})
        if any(sums.get(one.name, _sum(one.array)) != _sum(one.array) for one in found.pictures):
            raise ValueError("a picture has changed")
        return found
    except (AssertionError, KeyError, TypeError, ValueError, OSError) as error:
        raise RunError(f"{folder}: there are no whole pictures here. Look inside the model again.") from error


def _sum(array: NDArray[Any]) -> str:
    return (
        f"{zlib.crc32(np.ascontiguousarray(array).data, zlib.crc32(repr((array.dtype.str, array.shape)).encode())):08x}"
    )


def found_json(found: Inspection) -> dict[str, Any]:
    """All but the arrays, as JSON values."""
    return {
        "run": found.run,
        "case": found.case,
        "stage": found.stage,
        "stages": found.stages,
        "pictures": [
            {
                "name": one.name,
                "group": one.group,
                "kind": one.kind,
                "title": one.title,
                "caption": one.caption,
                "limits": list(one.limits),
            }
            for one in found.pictures
        ],
        "bars": [{"name": one.name, "title": one.title, "values": list(one.values)} for one in found.bars],
        "missing": list(found.missing),
        "facts": dict(found.facts),
    }
