"""A little project that a run learns within a second, for attacks that work on many copies of it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

from napari_medssl import cli
from napari_medssl.errors import MedSSLError
from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.inventory import INVENTORY_NAME

NAMES = ("a", "b", "c", "d", "e")
SETTINGS = (
    "widths=[4,8]", "patch=[16,16]", "batch=2", "precision=float32", "threads=1", "augmentation=none",
)  # fmt: skip
TRAIN = ("--device", "cpu", "--steps", "4", "--set", *SETTINGS)
RUN = "bcp-001"
_copies = 0


def make_project(folder: Path, kind: str = "png", labelled: int = 2, names: Sequence[str] = NAMES) -> Path:
    """Small images and masks for all of them; the first ones are labelled, the last has a proposal.

    Parameters
    ----------
    folder : Path
        The project becomes `folder/project`, masks lie in `folder/masks`.
    kind : {"png", "nii"}
    labelled : int
    names : sequence of str

    Returns
    -------
    Path
        The project.
    """
    project = Project.create(folder / "project", classes=(ClassInfo(1, "bright"),))
    (folder / "masks").mkdir()
    for number, name in enumerate(names):
        image, labels = picture(number, kind)
        scan, mask = folder / f"{name}.{kind}", folder / "masks" / f"{name}.{kind}"
        for array, path in ((image, scan), (labels, mask)):
            if kind == "png":
                Image.fromarray(array).save(path)
            else:
                nib.save(nib.Nifti1Image(array, np.eye(4)), path)
        case = project.add_case(scan, name=name)
        if number < labelled:
            case.save_labels(labels.reshape(case.grid.shape), author="a", origin="drawn")
    project.run_folder(RUN, create=True)
    labels = np.zeros(case.grid.shape, np.uint8)
    case.save_proposal(RUN, labels, {"entropy": np.zeros(case.grid.shape, np.float32)}, 0.5, {})
    return project.root


def picture(seed: int, kind: str = "png") -> tuple[np.ndarray, np.ndarray]:
    """An image with a bright disk in noise, and its mask."""
    rng = np.random.default_rng(seed)
    shape = (20, 24) if kind == "png" else (20, 24, 3)
    where = np.indices(shape[:2])
    disk = sum((axis - center) ** 2 for axis, center in zip(where, rng.integers(8, 12, 2), strict=True)) < 25
    labels = np.zeros(shape, np.uint8)
    labels[disk] = 1
    image = np.clip(rng.normal(100, 20, shape) + 80 * (labels > 0), 0, 255).astype(np.uint8)
    return image, labels


@contextlib.contextmanager
def copy_of(folder: Path) -> Iterator[Path]:
    """The project in a copy of `make_project`'s folder, removed afterwards; none has the path of an earlier one.

    This process keeps what it knows of journals by their path.
    """
    global _copies
    _copies += 1
    to = folder.with_name(f"{folder.name}-{_copies}")
    shutil.copytree(folder, to)
    try:
        yield to / "project"
    finally:
        shutil.rmtree(to)


class Refused(Exception):
    """What a command said, and its exit code."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code, self.said = code, said


def command(*words: object) -> str:
    """Run a command; what it said on both streams.

    Raises
    ------
    Refused
        If its exit code is not 0.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main([str(word) for word in words])
    if code:
        raise Refused(code, err.getvalue() + out.getvalue())
    return out.getvalue() + err.getvalue()


def attempt(act: Callable[[], object]) -> tuple[str, str, str]:
    """Do something.

    Returns
    -------
    str
        What was said where it was refused; else empty.
    str
        What is wrong with how it ended; empty where nothing is.
    str
        What else was said.
    """
    try:
        noted = act()
    except MedSSLError as error:
        return str(error), "", ""
    except Refused as refused:
        lines = [line for line in refused.said.splitlines() if line.startswith("napari-medssl: ")]
        bad = refused.code != 2 or len(lines) != 1 or "Traceback" in refused.said
        return "".join(lines), f"exit code {refused.code}: {refused.said[-1500:]}" if bad else "", ""
    except BaseException:
        return "", f"a traceback: {traceback.format_exc()[-1500:]}", ""
    return "", "", str(noted)


def flip_bits(path: Path, *places: int) -> None:
    """Turn a bit in each of these bytes of a file."""
    data = bytearray(path.read_bytes())
    for place in places:
        data[place] ^= 4
    path.write_bytes(data)


def bytes_of(root: Path) -> dict[str, str]:
    """A checksum for every file of a folder but locks and the inventory, which grows by whatever is tried."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and path.name != INVENTORY_NAME
    }


def stray(root: Path) -> list[str]:
    """Temporary files."""
    return [path.relative_to(root).as_posix() for path in root.rglob(".*.tmp")]


def make_old(root: Path, seconds: float = 2 * 86_400) -> None:
    """Let all that lies there be some days old: what is young may still be being written."""
    then = time.time() - seconds
    for path in root.rglob("*"):
        os.utime(path, (then, then))


def whole(root: Path) -> list[str]:
    """What cannot be read of a project; its labels and proposals are read, and `check` is asked."""
    wrong = []
    try:
        project = Project.open(root)
        for case in project.cases():
            case.read_image()
            for revision in case.revisions():
                case.read_labels(revision)
            for proposal in case.proposals():
                proposal.read_labels()
        command("check", root)
        command("status", root)
    except Refused as refused:
        wrong.append(f"exit code {refused.code}: {refused.said[-800:]}")
    except Exception:
        wrong.append(traceback.format_exc()[-800:])
    return wrong
