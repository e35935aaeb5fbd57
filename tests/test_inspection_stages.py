"""Features of a stage lie where they are of: in tiles and whole, on the grid of any case."""

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
import torch
from fixtures import plan_for

from napari_medssl.imaging import Grid, Volume
from napari_medssl.inference import tiling
from napari_medssl.inference.preprocess import network_shape, to_network_space
from napari_medssl.inspection.stages import (
    COVERING,
    covered,
    on_case,
    pieces,
    sample,
    stage_part,
    stage_shape,
    strides_of,
    usual_stage,
)
from napari_medssl.nets.build import build_net
from napari_medssl.nets.mtnet import STRIDES
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan

NETS = {
    "unet-3d": NetSpec("unet", 3, 1, 2, (2, 3, 4), ((1, 1, 1), (1, 2, 2), (2, 2, 2))),
    "unet-folded": NetSpec("unet", 3, 1, 2, (3, 4), ((1, 2, 2), (2, 2, 2))),
    "unet-2d": NetSpec("unet", 2, 1, 2, (2, 3, 4), ((1, 1), (2, 2), (2, 2))),
    "vnet": NetSpec("vnet", 3, 1, 2, (2, 2, 2, 2, 2), ((1, 1, 1), *((2, 2, 2),) * 4)),
    "bcp-unet2d": NetSpec("bcp-unet2d", 2, 1, 2, (2, 2, 2, 2, 2), ((1, 1), *((2, 2),) * 4)),
    "desd-resnet": NetSpec("desd-resnet", 2, 1, 2, (2, 8, 16, 32, 64), ((2, 2),) * 5),
    "mtnet": NetSpec("mtnet", 2, 1, 2, (2, 8, 16, 32, 64), STRIDES, branches=("csa", "sa", "ca")),
    "pcrl-unet3d": NetSpec("pcrl-unet3d", 3, 1, 2, (2, 3, 4), ((1, 1, 1), (2, 2, 2), (2, 2, 2))),
    "pcrl-resnet18": NetSpec("pcrl-resnet18", 2, 1, 2, (2, 2, 4, 8, 16), ((2, 2),) * 5),
}


def plan_of(net: NetSpec, **more: object) -> Plan:
    """A plan at 1 mm for a network."""
    return Plan(net=net, spacing=(1.0,) * 3, patch=(16,) * net.ndim, batch=1, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NETS)
def test_a_value_is_said_to_lie_in_the_middle_of_what_it_looks_at(name: str) -> None:
    """The middle of the voxels that change it, measured. Weights are all alike, and means are taken instead of maxima,
    so that none pulls to one side."""
    net, stage = NETS[name], 2
    encoder = build_net(net).encoder.eval()
    for module in list(encoder.modules()):
        for child_name, child in module.named_children():
            if isinstance(child, torch.nn.MaxPool2d | torch.nn.MaxPool3d):
                pool = torch.nn.AvgPool2d if net.ndim == 2 else torch.nn.AvgPool3d
                setattr(module, child_name, pool(child.kernel_size, child.stride, child.padding))
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.fill_(0.01)
    side = 96 if net.ndim == 2 else 40
    image = torch.ones(1, 1, *(side,) * net.ndim, requires_grad=True)
    features = encoder(image)[stage - 1]
    stride = strides_of(net)[stage - 1][-1]
    at = tuple(n // 2 for n in features.shape[2:])
    (gradient,) = torch.autograd.grad(features[(0, 0, *at)], image)
    strength = gradient[0, 0].abs().sum(dim=tuple(range(net.ndim - 1)))
    middle = float((strength * torch.arange(side)).sum() / strength.sum())
    expected = (covered(stride, net, -1) - 1) / 2
    assert stride > 1
    assert middle - at[-1] * stride == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", ["unet-3d", "unet-folded", "unet-2d", "vnet"])
def test_tiles_give_the_features_of_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = NETS[name]
    encoder = build_net(net).encoder.eval()
    shape = (23, 25, 119) if net.ndim == 3 else (5, 95, 91)
    image = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float16)
    for stage, strides in enumerate(strides_of(net)[:3]):
        wholes = []
        for memory in (tiling.BYTES_PER_TILE, {2: 50, 3: 40}[net.ndim] ** net.ndim * tiling.bytes_per_voxel(net)):
            monkeypatch.setattr(tiling, "BYTES_PER_TILE", memory)
            whole = torch.full((net.widths[stage], *stage_shape(shape, strides)), torch.nan)
            count = 0
            for piece in pieces(image, plan_of(net)):
                with torch.no_grad():
                    where, part = stage_part(piece, encoder(piece.batch)[stage], strides)
                whole[(slice(None), *where)] = part
                count += 1
            wholes.append((count, whole))
        monkeypatch.undo()
        assert wholes[0][0] == 1
        if name != "vnet":  # too far-seeing to be cut so small
            assert wholes[1][0] > 1
        torch.testing.assert_close(wholes[1][1], wholes[0][1], atol=1e-4, rtol=1e-4)


def grids() -> dict[str, Grid]:
    """Straight, flipped and swapped, oblique, anisotropic."""
    turn = nib.eulerangles.euler2mat(0.2, -0.15, 0.1)
    oblique = np.eye(4)
    oblique[:3, :3] = turn @ np.diag([1.0, 1.25, 2.5])
    swapped = np.zeros((4, 4))
    swapped[0, 2], swapped[1, 0], swapped[2, 1], swapped[3, 3] = -1.2, 1.0, -2.0, 1.0
    return {
        "straight": Grid((32, 36, 34), np.diag([1.0, 1.0, 1.0, 1.0])),
        "anisotropic": Grid((30, 28, 9), np.diag([0.8, 0.8, 5.0, 1.0])),
        "swapped": Grid((20, 18, 24), swapped),
        "oblique": Grid((22, 20, 16), oblique),
    }


@pytest.mark.parametrize(("name", "axis"), [*itertools.product(grids(), (None, 0, 1, 2))])
def test_maps_come_back_to_their_place_on_any_grid(name: str, axis: int | None) -> None:
    """Network space and its stages hold the coordinates of the voxels; so must the case, all but the outermost."""
    grid = grids()[name]
    net = NETS["unet-3d" if axis is None else "unet-2d"]
    plan = Plan(net=net, spacing=(1.0, 1.0, 1.5), patch=(16,) * net.ndim, batch=1, slice_axis=axis, normalisation="ct",
                clip=(-999.0, 999.0), mean=0.0, sd=1.0)  # fmt: skip
    turned = nib.orientations.io_orientation(grid.affine)  # ours is not asked
    for world in range(3):
        own = int(np.flatnonzero(turned[:, 0] == world)[0])
        ramp = np.arange(grid.shape[own], dtype=np.float32)
        ramp = ramp[::-1] if turned[own, 1] < 0 else ramp
        array = np.broadcast_to(ramp.reshape([-1 if a == own else 1 for a in range(3)]), grid.shape)
        image = to_network_space(Volume(array[None].copy(), grid), plan)
        for strides in strides_of(net):
            coarse = torch.from_numpy(sample(image, strides, net).astype(np.float32))
            assert tuple(coarse.shape[1:]) == stage_shape(network_shape(grid, plan), strides)
            found = on_case(coarse, strides, grid, plan)
            assert found.shape == (1, *grid.shape)
            inner = tuple(slice(n // 4, n - n // 4) for n in grid.shape)
            np.testing.assert_allclose(found[0][inner], array[inner], atol=0.3, rtol=5e-3)


def test_maps_of_an_image_come_back_to_its_pixels() -> None:
    net = NETS["unet-2d"]
    grid = Grid.raster((40, 52))
    plan = Plan(net=net, spacing=(2.0, 2.0), patch=(16, 16), batch=1, normalisation="ct", clip=(-99, 99), sd=1.0)
    array = np.add.outer(np.arange(40.0), np.arange(52.0) / 4).astype(np.float32)
    image = to_network_space(Volume(array[None], grid), plan)
    for strides in strides_of(net):
        found = on_case(torch.from_numpy(sample(image, strides, net).astype(np.float32)), strides, grid, plan)
        assert found.shape == (1, 40, 52)
        np.testing.assert_allclose(found[0][8:-16, 8:-16], array[8:-16, 8:-16], atol=0.3)


def test_a_covering_network_is_shown_where_its_pooling_puts_it() -> None:
    net, other = NETS["vnet"], NETS["unet-3d"]
    assert "vnet" in COVERING
    line = torch.arange(8.0).reshape(1, 8, 1, 1)
    grid = Grid((16, 1, 1), np.eye(4))
    covering = on_case(line, (2, 1, 1), grid, plan_of(net))[0, :, 0, 0]
    first = on_case(line, (2, 1, 1), grid, plan_of(other))[0, :, 0, 0]
    np.testing.assert_allclose(covering[1:-1], np.arange(1, 15) / 2 - 0.25, atol=1e-3)
    np.testing.assert_allclose(first[:-1], np.arange(15) / 2, atol=1e-3)


def test_slabs_are_only_about_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_medssl.inspection import stages

    grid, plan = grids()["oblique"], plan_of(NETS["unet-3d"])
    strides = strides_of(plan.net)[2]
    shape = (2, *stage_shape(network_shape(grid, plan), strides))
    coarse = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    whole = on_case(coarse, strides, grid, plan)
    monkeypatch.setattr(stages, "BYTES_PER_SLAB", 1)
    np.testing.assert_allclose(on_case(coarse, strides, grid, plan), whole, atol=2e-3)


def test_networks_that_see_their_whole_input_get_windows_of_its_size() -> None:
    net = NETS["mtnet"]
    image = np.arange(2 * 40 * 70, dtype=np.float32).reshape(1, 2, 40, 70)
    plan = Plan(net=net, spacing=(1.0, 1.0), patch=(32, 32), batch=1)
    filled = np.zeros(image.shape[1:], int)
    for piece in pieces(image, plan):
        assert tuple(piece.batch.shape[2:]) == (32, 32)
        filled[piece.inner] += 1
        kept = piece.batch[:, 0][piece.keep[0]][:, piece.keep[1], piece.keep[2]]
        np.testing.assert_array_equal(kept, image[0][piece.inner])
        assert all(part.start % 16 == 0 for part in piece.inner[1:])
    assert (filled > 0).all()


@pytest.mark.parametrize(
    ("space", "stage"), [((35, 51, 35), 2), ((80, 90, 70), 3), ((10, 12, 9), 2), ((200, 220, 180), 3)]
)
def test_the_usual_stage_is_the_deepest_that_can_be_recognised(space: tuple[int, int, int], stage: int) -> None:
    net = NetSpec("unet", 3, 1, 2, (2,) * 3, ((1, 1, 1), (2, 2, 2), (2, 2, 2)))
    assert usual_stage(space, net) == stage
    assert usual_stage(space, plan_for(1, (16, 16, 16)).net) == 2
