"""Tools on grids that lie askew in the patient, against distances between the places of voxels in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from tools_scenes import blobs

from napari_medssl.imaging import Grid
from napari_medssl.tools.catalog import BY_NAME
from napari_medssl.tools.scene import Scene
from napari_medssl.ui.display import PLANES, Display
from napari_medssl.ui.toolwork import upright

Mask = NDArray[np.bool_]
Labels = NDArray[np.uint8]
SHAPE, SPACING = (22, 18, 11), (0.8, 1.1, 2.6)
#: How the file's axes are turned in the patient; the second and third also exchange and turn round its axes.
TURNS = {"a little": (20, -15, 10), "exchanged": (70, 10, 35), "turned round": (170, 25, -80)}
SHEAR = np.array([[1.0, 0, 0], [0, 1.0, 0.4], [0, 0, 1.0]])  # slices moved sideways, as by a tilted gantry
EPS = 1e-6


@pytest.fixture(params=TURNS)
def grid(request: pytest.FixtureRequest) -> Grid:
    """An oblique grid with voxels of three different sides."""
    return _grid(TURNS[request.param])


def _grid(turn: tuple[int, int, int], shear: NDArray[np.float64] | None = None) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() @ np.diag(SPACING)
    if shear is not None:
        affine[:3, :3] = shear @ affine[:3, :3]
    affine[:3, 3] = (12.0, -40.0, 7.0)
    return Grid(SHAPE, affine)


def _use(grid: Grid, labels: Labels, name: str, plane: str = "axial", at: int = 5, **more: Any) -> Labels:
    """A tool on the labels of a file as the screen shows them; the labels of the file afterwards."""
    display = Display(grid)
    image = more.pop("image", None)
    tool = BY_NAME[name]
    shown = display.show(labels)
    scene = Scene(
        shown,
        display.scale,
        1,
        plane=(PLANES[plane][0], at),
        image=None if image is None else display.show(image),
        box=tuple(slice(0, size) for size in shown.shape) if "box" in tool.needs else None,
        upright=upright(grid.directions),
    )
    change = tool.run(scene, tool.options(**more))
    shown.reshape(-1)[change.places] = change.values
    return display.back(shown)


def _world(grid: Grid, where: NDArray[Any]) -> NDArray[np.float64]:
    """Places of voxels (n, 3) in the patient, in mm."""
    return np.asarray(where @ grid.affine[:3, :3].T + grid.affine[:3, 3])


def _away(grid: Grid, of: Mask) -> NDArray[np.float64]:
    """Millimetres from each voxel to the nearest one of a mask."""
    where = _world(grid, np.argwhere(np.ones(of.shape, bool)))
    return np.asarray(cKDTree(_world(grid, np.argwhere(of))).query(where)[0]).reshape(of.shape)


@pytest.mark.parametrize("mm", [1.3, 3.0])
def test_growing_and_shrinking(grid: Grid, mm: float) -> None:
    labels = blobs(SHAPE, values=(1,), seed=2)
    near = _away(grid, labels == 1) <= mm * (1 + EPS)
    np.testing.assert_array_equal(_use(grid, labels, "grow", mm=mm) == 1, near)
    deep = _away(grid, labels != 1) > mm * (1 + EPS)
    shrunk = _use(grid, labels, "shrink", mm=mm)
    np.testing.assert_array_equal(shrunk == 1, (labels == 1) & deep)
    assert near.sum() > (labels == 1).sum() > (shrunk == 1).sum()


@pytest.mark.parametrize("how", ["cut thin parts", "close narrow gaps"])
def test_rolling_a_ball(grid: Grid, how: str) -> None:
    mm = 2.0
    labels = blobs(SHAPE, values=(1,), seed=5)
    speck = np.random.default_rng(0).random(SHAPE)
    labels[speck < 0.03] = 1
    labels[speck > 0.97] = 0
    mask = labels == 1
    if how == "cut thin parts":
        core = mask & (_away(grid, ~mask) > mm * (1 + EPS))
        expected = _away(grid, core) <= mm * (1 + EPS)
    else:
        full = _away(grid, mask) <= mm * (1 + EPS)
        expected = full & (_away(grid, ~full) > mm * (1 + EPS))  # the border of the scan is no outside
    np.testing.assert_array_equal(_use(grid, labels, "smooth", mm=mm, how=how) == 1, expected)
    assert (expected != mask).any()


def test_evening_out(grid: Grid) -> None:
    """Each voxel is weighed with those round it by a Gaussian of their distance in the patient."""
    mm = 1.6
    labels = np.zeros(SHAPE, np.uint8)
    labels[6:16, 5:13, 3:8] = np.random.default_rng(1).random((10, 8, 5)) < 0.7
    places = _world(grid, np.argwhere(np.ones(SHAPE, bool)))
    mine = labels.reshape(-1) == 1
    pairs = cKDTree(places).sparse_distance_matrix(cKDTree(places[mine]), 5 * mm, output_type="coo_matrix")
    sums = np.bincount(pairs.row, np.exp(-((pairs.data / mm) ** 2) / 2), len(places))
    around = np.argwhere(np.ones((31, 31, 31), bool)) - 15
    far = np.linalg.norm(around @ grid.affine[:3, :3].T, axis=1)
    share = (sums / np.exp(-((far / mm) ** 2) / 2).sum()).reshape(SHAPE)
    sure = abs(share - 0.5) > 0.02  # what is very far away does not count in the tool
    after = _use(grid, labels, "smooth", mm=mm) == 1
    assert sure.mean() > 0.9
    np.testing.assert_array_equal(after[sure], share[sure] > 0.5)
    assert (after != (labels == 1)).any()


@pytest.mark.parametrize("plane", PLANES)
def test_filling_between_slices(grid: Grid, plane: str) -> None:
    display = Display(grid)
    axis = PLANES[plane][0]
    shown = np.full(display.shape, 255, np.uint8)
    stack = np.moveaxis(shown, axis, 0)
    first, last = 1, 5
    rows, columns = stack.shape[1:]
    stack[first, 1 : rows // 2, 1 : columns // 2] = 1
    stack[first, rows - 3 : rows - 1, columns - 3 : columns - 1] = 1  # a second piece: shapes are not moved along
    stack[last, 2 : rows // 2 + 2, 2 : columns // 2 + 1] = 1
    labels = display.back(shown)
    after = _use(grid, labels, "fill_between", plane)

    (along,) = np.flatnonzero(
        [not np.isin(1, labels.take(0, other)) and _planes(labels, other) == 2 for other in range(3)]
    )
    drawn = np.flatnonzero((labels == 1).any(axis=tuple(other for other in range(3) if other != along)))
    one, two = (_signed(grid, labels, along, int(index)) for index in drawn)
    for index in range(drawn[0] + 1, drawn[1]):
        share = (index - drawn[0]) / (drawn[1] - drawn[0])
        blend = (1 - share) * one + share * two
        got, sure = after.take(index, along) == 1, abs(blend) > 1e-4
        assert got.any()
        np.testing.assert_array_equal(got[sure], blend[sure] > 0)
    np.testing.assert_array_equal(after.take(drawn, along), labels.take(drawn, along))


def _planes(labels: Labels, axis: int) -> int:
    return int((labels == 1).any(axis=tuple(other for other in range(3) if other != axis)).sum())


def _signed(grid: Grid, labels: Labels, axis: int, index: int) -> NDArray[np.float64]:
    """Of one slice of the file: mm to the nearest voxel of the other kind, positive inside; round it is outside."""
    slice_ = np.moveaxis(labels, axis, 0)[index] == 1
    mask = np.moveaxis(np.pad(slice_, 1)[None], 0, axis)
    signed = np.where(mask, _away(grid, ~mask), -_away(grid, mask))
    return np.moveaxis(signed, axis, 0)[0, 1:-1, 1:-1]


@pytest.mark.parametrize("smallest", [8.0, 60.0])
def test_islands_by_volume(grid: Grid, smallest: float) -> None:
    labels = (np.random.default_rng(3).random(SHAPE) < 0.12).astype(np.uint8)
    labels[3:8, 3:8, 3:6] = 1
    pieces, count = label(labels == 1, np.ones((3, 3, 3)))
    sizes = np.bincount(pieces.reshape(-1), minlength=count + 1) * abs(np.linalg.det(grid.affine[:3, :3]))
    small = np.flatnonzero(sizes < smallest)
    assert 0 < small.size < count
    after = _use(grid, labels, "remove_islands", smallest=smallest)
    np.testing.assert_array_equal(after == 1, (labels == 1) & ~np.isin(pieces, small))


@pytest.mark.parametrize("reach", [2.0, 3.5])
def test_snapping_moves_the_border_by_no_more_than_that(grid: Grid, reach: float) -> None:
    where = _world(grid, np.argwhere(np.ones(SHAPE, bool))).reshape(*SHAPE, 3)
    middle = _world(grid, (np.array(SHAPE) - 1) / 2)
    far = np.linalg.norm(where - middle, axis=-1)
    truth = far < 6.0
    image = np.random.default_rng(4).normal(0, 0.1, SHAPE) + truth
    labels = (far < 4.6).astype(np.uint8)
    after = _use(grid, labels, "snap", image=image.astype(np.float32), reach=reach)
    changed = after != labels
    away = np.where(labels == 1, _away(grid, labels != 1), _away(grid, labels == 1))
    assert away[changed].max() <= reach * (1 + EPS)
    assert ((after == 1) != truth).sum() < 0.6 * ((labels == 1) != truth).sum()


def test_growing_from_seeds_goes_so_far_along_each_axis(grid: Grid) -> None:
    labels = np.full(SHAPE, 255, np.uint8)
    labels[10:12, 8:10, 5] = 1
    image = np.random.default_rng(0).normal(0, 1, SHAPE).astype(np.float32)
    after = _use(grid, labels, "grow_from_seeds", image=image, reach=4.0, spread=20.0)
    ways = _world(grid, np.argwhere(after == 1)) - _world(grid, np.array((10.5, 8.5, 5)))
    along = np.abs(ways @ grid.directions) - np.array(SPACING) * (0.5, 0.5, 0.0)
    assert (along.max(axis=0) >= 4.0 - EPS).all()
    assert (along.max(axis=0) < 4.0 + np.array(SPACING)).all()


def test_axes_that_are_not_at_right_angles() -> None:
    """Volumes are true; distances are those along the axes, which the person is told."""
    grid = _grid((20, -15, 10), SHEAR)
    true = abs(np.linalg.det(grid.affine[:3, :3]))
    assert true < 0.98 * np.prod(grid.spacing)
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:8, 4:8, 4:6] = 1
    count = int((labels == 1).sum())
    for smallest, left in ((count * true * 0.999, count), (count * true * 1.001, 0)):
        assert (_use(grid, labels, "remove_islands", smallest=smallest) == 1).sum() == left
    near = distance_transform_edt(labels != 1, sampling=grid.spacing) <= 3.0 * (1 + EPS)
    np.testing.assert_array_equal(_use(grid, labels, "grow", mm=3.0) == 1, near)
    assert (near != (_away(grid, labels == 1) <= 3.0)).any(), "this is what is not exact"
