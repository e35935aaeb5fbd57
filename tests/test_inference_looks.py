"""Several looks at a scan: turns that undo each other, and a proposal that is their mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform
from torch import Tensor, nn

from napari_medssl.inference.looks import ANGLE, ZOOM, Turn, turned, turned_back, turns
from napari_medssl.inference.model import DeployedModel
from napari_medssl.inference.predictor import Predictor, View
from napari_medssl.inference.propose import Proposition, propose_case
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project import ClassInfo, Project
from napari_medssl.runs.spec import Plan

NET = NetSpec("unet", 3, 1, 2, (4, 8), ((1, 1, 1), (2, 2, 2)))
PLAN = Plan(net=NET, spacing=(2.0, 1.0, 1.5), patch=(16, 16, 16), batch=1, looks=3)


def smooth(shape: tuple[int, int, int]) -> Tensor:
    axes = [torch.linspace(-1, 1, n) for n in shape]
    d, h, w = torch.meshgrid(*axes, indexing="ij")
    return torch.exp(-1.5 * ((d - 0.2) ** 2 + (h + 0.1) ** 2 + 2 * w**2))[None]


def flat_plan() -> Plan:
    net = replace(NET, ndim=2, strides=((1, 1), (2, 2)))
    return replace(PLAN, net=net, patch=(16, 16), slice_axis=1, spacing=(1.0, 5.0, 1.0))


class TestTurns:
    def test_opposite_pairs_as_many_as_the_plan_asks_for(self) -> None:
        assert turns(replace(PLAN, looks=1)) == []
        assert turns(replace(PLAN, looks=2)) == [Turn(ANGLE, ZOOM)]
        assert turns(PLAN) == [Turn(ANGLE, ZOOM), Turn(-ANGLE, 1 / ZOOM)]

    @pytest.mark.parametrize("plan", [flat_plan(), replace(PLAN, spacing=(5.0, 1.0, 1.0))])
    def test_only_in_the_plane_of_slices_and_of_thick_voxels(self, plan: Plan) -> None:
        matrix = turns(plan)[0].matrix((5.0, 1.0, 1.0))
        assert np.allclose(matrix[0], (1, 0, 0))
        assert np.allclose(matrix[:, 0], (1, 0, 0))
        assert abs(matrix[1, 2]) > 0.1

    def test_lengths_in_millimetres_change_by_the_zoom_alone(self) -> None:
        size = np.array(PLAN.spacing)
        in_mm = Turn(ANGLE, ZOOM).matrix(PLAN.spacing) * size[:, None] / size
        assert np.allclose(in_mm @ in_mm.T, ZOOM**2 * np.eye(3))

    def test_as_scipy_turns(self) -> None:
        image, turn = smooth((20, 24, 22)), Turn(ANGLE, ZOOM)
        matrix = turn.matrix(PLAN.spacing)
        middle = (np.array(image.shape[1:]) - 1) / 2
        expected = affine_transform(image[0].numpy(), matrix, middle - matrix @ middle, order=1, mode="nearest")
        assert np.allclose(turned(image, turn, PLAN)[0].numpy(), expected, atol=1e-4)

    def test_back_is_where_it_was(self) -> None:
        image = smooth((24, 24, 24))
        there = turned(image, turns(PLAN)[0], PLAN)
        back = turned_back(there, turns(PLAN)[0], PLAN)
        inside = (slice(None), *(slice(6, 18),) * 3)
        assert (there - image)[inside].abs().max() > 0.05
        assert (back - image)[inside].abs().max() < 0.03  # interpolated twice


class Threshold(nn.Module):
    """Says of each voxel how far it is above a half: what it says moves with what it sees."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((0.5 - x, x - 0.5), dim=1) * 4


def test_a_turned_look_comes_back_on_the_grid_of_the_scan() -> None:
    image = smooth((24, 26, 22)).numpy().astype(np.float16)
    predictor = Predictor([Threshold()], replace(PLAN, window_step=None))
    views = [View(), *(View(turn=turn) for turn in turns(PLAN))]
    whole = [torch.cat(parts, dim=1) for parts in zip(*(f for _, f in predictor.parts(image, views)), strict=True)]
    inside = (slice(None), *(slice(6, 18),) * 3)
    for look in whole[1:]:
        assert look.shape == whole[0].shape
        assert 1e-4 < (look - whole[0])[inside].abs().max() < 0.03


def test_slices_are_turned_in_their_plane() -> None:
    plan = flat_plan()
    image = smooth((3, 26, 22)).numpy().astype(np.float16)
    image[0, 1] = 0
    ((_, (plain, again)),) = Predictor([Threshold()], plan).parts(image, [View(), View(turn=turns(plan)[0])])
    assert torch.allclose(plain[:, 1], again[:, 1], atol=1e-6)  # nothing of its neighbours came into it
    before = torch.from_numpy(image.astype(np.float32))
    after = turned(before, turns(plan)[0], plan)
    assert after[:, 1].abs().max() < 1e-6
    assert (after - before)[:, 0].abs().max() > 0.01


class Scripted:
    """A predictor that gives class 1 another probability in each kind of look."""

    count = 2

    def parts(self, image: Any, views: Sequence[View]) -> Iterator[tuple[Any, list[Tensor]]]:
        yield tuple(slice(0, n) for n in image.shape[1:]), [self.say(view, image.shape[1:]) for view in views]

    def say(self, view: View, shape: tuple[int, ...]) -> Tensor:
        sure = 0.9 if view.member == 1 else 0.8 if view.turn else 0.1 if view.flip is not None else 0.4
        return torch.stack((torch.full(shape, 1 - sure), torch.full(shape, sure)))


def proposed(tmp_path: Path, plan: Plan) -> Proposition:
    nib.save(nib.Nifti1Image(np.zeros((6, 6, 6), np.float32), np.diag([2.0, 1.0, 1.5, 1.0])), tmp_path / "scan.nii")
    project = Project.create(tmp_path / "project", classes=(ClassInfo(1, "structure"),))
    model = DeployedModel("made-001", [], plan, (0, 1), ("structure",), {})
    return propose_case(Scripted(), model, project.add_case(tmp_path / "scan.nii"))  # type: ignore[arg-type]


class TestProposals:
    def test_one_look_decides_alone(self, tmp_path: Path) -> None:
        assert not proposed(tmp_path, replace(PLAN, looks=1)).labels.any()  # 0.4

    def test_turned_looks_count_as_much_as_the_plain_one(self, tmp_path: Path) -> None:
        found = proposed(tmp_path, PLAN)  # (0.4 + 0.8 + 0.8) / 3
        assert found.labels.all()
        assert found.score == pytest.approx(1 - 2 * (2 / 3) / (2 / 3 + 1), abs=1e-3)

    def test_mirrored_ones_only_where_it_has_learnt_from_them(self, tmp_path: Path) -> None:
        learnt = proposed(tmp_path, replace(PLAN, mirror_axes=(1, 2)))  # (0.4 + 0.8 + 0.8 + 0.1 + 0.1) / 5
        assert not learnt.labels.any()
        assert learnt.maps["flips"].max() > 0

    def test_doubt_is_of_the_plain_look(self, tmp_path: Path) -> None:
        both = []
        for looks in (1, 3):
            folder = tmp_path / str(looks)
            folder.mkdir()
            both.append(proposed(folder, replace(PLAN, looks=looks)))
        for name, field in both[0].maps.items():
            np.testing.assert_array_equal(field, both[1].maps[name])
