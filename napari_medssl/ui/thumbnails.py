"""Small pictures of scans for the case list: made off the event loop, for the lines in sight only, kept as PNG files.

The files lie in `<project>/cache/thumbnails` under a name that follows from the scan, its newest labels and the
colours, so that an old one is never taken for a new one. They may be deleted at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..disk import make_folder, replacing
from ..errors import MedSSLError
from ..imaging import UNSEEN
from .display import PLANES, Display
from .jobs import Jobs
from .loading import shown_channel

if TYPE_CHECKING:
    from ..project import Case, Project

SIZE = 48  # pixels
Pixels = NDArray[np.uint8]
#: the name of a case, and what its picture depends on
Wish = tuple[str, object]


class ThumbnailDesk:
    """One picture at a time, newest wishes first: scrolling leaves no backlog.

    Parameters
    ----------
    jobs : Jobs
    trouble : callable
        Called when a scan could not be read.
    """

    def __init__(self, jobs: Jobs, trouble: Callable[[], None]) -> None:
        self._jobs, self._trouble = jobs, trouble
        self._show: Callable[[str, Pixels], None] = lambda name, pixels: None
        self._root: Path | None = None
        self._project: Project | None = None  # used in its lane only
        self._wanted: list[Wish] = []
        self._made: dict[str, object] = {}
        self._busy = False

    def listen(self, show: Callable[[str, Pixels], None]) -> None:
        """Who is given the pictures, uint8 (rows, columns, 3)."""
        self._show = show

    def take(self, root: Path) -> None:
        """Of this project from now on."""
        self._root, self._project, self._wanted, self._made = root, None, [], {}

    def want(self, wishes: Sequence[Wish], forgotten: Callable[[str], bool] = lambda name: False) -> None:
        """These cases are in sight; those of before no longer matter.

        Parameters
        ----------
        forgotten : callable
            Whether the screen has let go of a picture that was made.
        """
        self._wanted = [wish for wish in wishes if self._made.get(wish[0]) != wish[1] or forgotten(wish[0])]
        if not self._busy:
            self._go_on()

    def _go_on(self) -> None:
        root = self._root
        if root is None or not self._wanted:
            return
        name, stamp = self._wanted.pop(0)
        self._busy = True

        def work() -> Pixels:
            return thumbnail(self._in_lane(root), name)

        def over() -> None:
            self._busy = False
            if self._root == root:
                self._made[name] = stamp
            self._go_on()

        def done(pixels: Pixels) -> None:
            if self._root == root:
                self._show(name, pixels)
            over()

        def failed(error: Exception) -> None:
            if self._root == root:
                self._trouble()
            over()

        self._jobs.submit("thumbnails", work, done, failed)

    def _in_lane(self, root: Path) -> Project:
        """The lane's own project: one is for one thread."""
        from ..project import Project

        project = self._project
        if project is None or project.root != root:
            project = self._project = Project.open(root)
        return project


def thumbnail(project: Project, name: str) -> Pixels:
    """The picture of a case, (rows, columns, 3); made anew where the kept one is gone, damaged or old.

    Raises
    ------
    MedSSLError
        When the scan cannot be read.
    """
    case = project.case(name)
    path = _place(project, case)
    with suppress(OSError, ValueError, SyntaxError):  # what Pillow says of a damaged PNG
        return _read(path)
    pixels = draw_thumbnail(case, {one.value: one.colour for one in project.classes})
    with suppress(OSError, MedSSLError):  # a picture that cannot be kept can still be shown
        _keep(path, pixels)
    return pixels


def draw_thumbnail(case: Case, colours: dict[int, str]) -> Pixels:
    """The middle slice in the plane that the case opens in, with outlines of its newest labels."""
    from PIL import Image

    volume = case.read_image()
    display = Display(volume.grid)
    rgb = volume.grid.ndim == 2 and len(volume.channels) == 3 and volume.array.dtype == np.uint8
    if rgb:
        pixels = np.stack([_middle(display, channel) for channel in volume.array[:3]], axis=-1)
    else:
        channel = shown_channel("", display.show(volume.array[0]))
        low, high = channel.limits
        plane = np.nan_to_num(_slice(display, channel.array).astype(np.float32), nan=low)
        grey = (np.clip((plane - low) / (high - low), 0, 1) * 255).astype(np.uint8)
        pixels = np.repeat(grey[..., None], 3, axis=-1)
    size = _fitting(display, pixels.shape[:2])
    small = np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    with suppress(MedSSLError):  # the scan is worth a picture without its labels, too
        labels = case.read_labels()
        if labels is not None:
            drawn = Image.fromarray(_middle(display, labels.array)).resize(size, Image.Resampling.NEAREST)
            _outline(small, np.array(drawn), colours)
    return small


def _middle(display: Display, array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _slice(display, display.show(array))


def _slice(display: Display, shown: np.ndarray) -> np.ndarray:
    if shown.ndim == 2:
        return shown
    axis = PLANES[display.plane][0]
    middle: np.ndarray = np.take(shown, shown.shape[axis] // 2, axis=axis)
    return middle


def _fitting(display: Display, shape: tuple[int, ...]) -> tuple[int, int]:
    """Width and height in pixels of a slice whose voxels need not be square."""
    scale = display.scale if len(display.shape) == 2 else [display.scale[axis] for axis in PLANES[display.plane][1:]]
    height, width = (count * step for count, step in zip(shape, scale, strict=True))
    longest = max(height, width)
    return max(1, round(SIZE * width / longest)), max(1, round(SIZE * height / longest))


def _outline(pixels: Pixels, labels: NDArray[np.uint8], colours: dict[int, str]) -> None:
    padded = np.pad(labels, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    edge = np.zeros(labels.shape, bool)
    for other in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        edge |= other != middle
    for value, colour in colours.items():
        if value != UNSEEN:
            pixels[edge & (labels == value)] = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _place(project: Project, case: Case) -> Path:
    """Where the picture is kept: the scan's part of the name, then that of all that is drawn over it."""
    latest = case.latest()
    over = [None if latest is None else latest.id, [(one.value, one.colour) for one in project.classes], SIZE]
    scan = _short("".join(ref.sha256 for ref in case.image_refs))
    return project.cache_folder / "thumbnails" / f"{scan}-{_short(str(over))}.png"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(path: Path) -> Pixels:
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def _keep(path: Path, pixels: Pixels) -> None:
    from PIL import Image

    make_folder(path.parent)
    with replacing(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")
    for old in path.parent.glob(f"{path.name.split('-')[0]}-*.png"):
        if old != path:
            old.unlink(missing_ok=True)
