"""Proposals: on the grid of the file, with maps and a score that mean what they say."""

from __future__ import annotations

from pathlib import Path

import cc3d
import nibabel as nib
import numpy as np
import pytest
import torch
from fixtures import CLASSES, balls, make_project, quick_spec, run_inline
from torch import nn

from napari_medssl.errors import RunError, SpecError
from napari_medssl.imaging import read_map
from napari_medssl.inference.model import MODEL, DeployedModel, check_classes, load_deployed
from napari_medssl.inference.predictor import Predictor
from napari_medssl.inference.propose import propose_case
from napari_medssl.inference.tensor_file import load_tensors, save_tensors
from napari_medssl.inference.uncertainty import disagreement, predictive_entropy
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project import Project
from napari_medssl.runs.spec import Plan, read_spec


class Threshold(nn.Module):
    """Says class 1 where the image is bright, class 2 where it is dark: a model that is right by construction."""

    def __init__(self, sharpness: float = 20.0) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(sharpness))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.sharpness * torch.cat((torch.full_like(x, 0.5), x, -x), dim=1)


def make_model(plan_spacing: tuple[float, ...], *members: nn.Module, single: tuple[int, ...] = ()) -> DeployedModel:
    net = NetSpec("unet", 3, 1, 3, (4, 8), ((1, 1, 1), (2, 2, 2)))
    plan = Plan(
        net, plan_spacing, (16, 16, 16), 2, normalisation="ct", clip=(-9, 9), mean=0.0, sd=3.0, single_piece=single
    )
    return DeployedModel("made-001", list(members), plan, (0, 1, 2), ("bright", "dark"), {})


class Sided(nn.Module):
    """Knows left from right, as networks of oriented scans do: what is bright is class 1 on one side, else 2."""

    def __init__(self) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(20.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        right = (torch.arange(x.shape[2]) >= x.shape[2] / 2).reshape(1, 1, -1, 1, 1)
        bright = self.sharpness * (x - 0.5)
        nothing = torch.full_like(x, -20.0)
        return torch.cat((-bright, torch.where(right, nothing, bright), torch.where(right, bright, nothing)), dim=1)


def test_left_and_right_are_no_doubt(tmp_path: Path) -> None:
    """Two mirrored structures that the network is sure of: no map lights up, for it never saw a mirrored scan."""
    image = np.zeros((16, 12, 12), np.float32)
    image[2:5, 4:8, 4:8] = image[11:14, 4:8, 4:8] = 3.0
    nib.save(nib.Nifti1Image(image, np.eye(4)), tmp_path / "scan.nii")
    project = Project.create(tmp_path / "project", classes=CLASSES)
    case = project.add_case(tmp_path / "scan.nii")
    model = make_model((1.0, 1.0, 1.0), Sided())
    found = propose_case(Predictor(model.members, model.plan), model, case)
    assert set(np.unique(found.labels[:8])) == {0, 1}
    assert set(np.unique(found.labels[8:])) == {0, 2}
    assert set(found.maps) == {"entropy", "disagreement"}
    assert max(float(field.max()) for field in found.maps.values()) < 0.05
    assert found.score < 0.05


@pytest.mark.parametrize("axes", [("L", "P", "I"), ("S", "R", "A"), ("A", "I", "L")])
def test_labels_and_maps_lie_on_the_axes_of_the_file(tmp_path: Path, axes: tuple[str, str, str]) -> None:
    """Whatever way a file runs, what is bright in it is class 1 there, and the doubt sits at its edge."""
    image, _ = balls((18, 14, 20), 3)
    affine = np.linalg.inv(nib.orientations.inv_ornt_aff(nib.orientations.axcodes2ornt(axes), image.shape[1:]))
    affine = affine @ np.diag([1.0, 1.0, 2.0, 1.0])
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(image[0], affine), path)
    assert nib.aff2axcodes(affine) == axes
    project = Project.create(tmp_path / "project", classes=CLASSES)
    case = project.add_case(path)
    model = make_model(case.grid.canonical().grid.spacing, Threshold(), Threshold(2.0))
    found = propose_case(Predictor(model.members, model.plan), model, case)
    expected = np.where(image[0] > 1.5, 1, np.where(image[0] < -1.5, 2, 0))
    np.testing.assert_array_equal(found.labels, expected)
    assert found.labels.dtype == np.uint8
    assert set(found.maps) == {"entropy", "disagreement"}, "mirrored scans were not learnt from"
    for field in found.maps.values():
        assert field.shape == expected.shape
        assert field.dtype == np.float16
        assert ((field >= 0) & (field <= 1)).all()
    with torch.no_grad():  # the same, straight from the file's voxels
        one, other = (m(torch.from_numpy(image[None]) / 3).softmax(dim=1)[0].numpy() for m in model.members)
    np.testing.assert_allclose(found.maps["entropy"], predictive_entropy((one + other) / 2), atol=0.02)
    np.testing.assert_allclose(found.maps["disagreement"], disagreement([one, other]), atol=0.02)
    assert set(found.expected_dice) == {"bright", "dark"}
    assert found.score == pytest.approx(1 - np.mean(list(found.expected_dice.values())), abs=1e-4)
    case.save_proposal("made-001", found.labels, found.maps, found.score, {})
    saved = case.latest_proposal()
    assert saved is not None
    np.testing.assert_array_equal(saved.read_labels().array, expected)
    np.testing.assert_allclose(read_map(saved.maps["entropy"]), found.maps["entropy"], atol=0.01)


def test_single_pieces_keep_their_largest(tmp_path: Path) -> None:
    image = np.zeros((16, 16, 16), np.float32)
    image[2:8, 2:8, 2:8] = 9
    image[12:14, 12:14, 12:14] = 9
    image[2:4, 12:14, 2:4] = -9
    image[12:15, 2:5, 2:5] = -9
    path = tmp_path / "scan.nii"
    nib.save(nib.Nifti1Image(image, np.eye(4)), path)
    case = Project.create(tmp_path / "project", classes=CLASSES).add_case(path)
    for single, pieces in (((), (2, 2)), ((1,), (1, 2)), ((1, 2), (1, 1))):
        model = make_model((1.0, 1.0, 1.0), Threshold(), single=single)
        labels = propose_case(Predictor(model.members, model.plan), model, case).labels
        assert tuple(cc3d.connected_components(labels == c).max() for c in (1, 2)) == pieces
        assert labels[5, 5, 5] == 1
        assert labels[13, 3, 3] == 2


def test_one_member_has_nobody_to_disagree_with(tmp_path: Path) -> None:
    project = make_project(tmp_path, "3d")
    model = make_model((1.0, 1.0, 1.5), Threshold())
    found = propose_case(Predictor(model.members, model.plan), model, project.case("case-2"))
    assert not found.maps["disagreement"].any()


class TestModelFiles:
    @pytest.fixture(scope="class")
    @staticmethod
    def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
        project = make_project(tmp_path_factory.mktemp("model"), "raster")
        run = quick_spec(project, "supervised", "raster", steps=2).run
        run_inline(project, run)
        return project, run

    def test_what_was_saved_is_what_is_loaded(self, trained: tuple[Project, str]) -> None:
        project, run = trained
        model = load_deployed(project.run_folder(run), "cpu", 1, "float32")
        tensors, _ = load_tensors(project.run_folder(run) / MODEL)
        assert len(model.members) == 2
        for index, member in enumerate(model.members):
            for name, value in member.state_dict().items():
                assert torch.equal(value, tensors[f"{index}/{name}"])
        assert model.name == run
        assert model.plan == read_spec(project.run_folder(run)).plan

    def test_a_run_without_a_model(self, trained: tuple[Project, str]) -> None:
        project, _ = trained
        run = quick_spec(project, "supervised", "raster").run
        with pytest.raises(RunError, match="never got to train"):
            load_deployed(project.run_folder(run), "cpu", 1, "float32")
        with pytest.raises(RunError, match="no model on disk"):
            load_tensors(project.run_folder(run) / MODEL)

    def test_classes_that_the_project_lacks_are_named(self, trained: tuple[Project, str]) -> None:
        project, run = trained
        model = load_deployed(project.run_folder(run), "cpu", 1, "float32")
        check_classes(model, {1, 2, 3})
        with pytest.raises(SpecError, match="does not have: 2 = dark"):
            check_classes(model, {1})

    def test_a_file_of_another_program(self, tmp_path: Path) -> None:
        from safetensors.torch import save_file

        save_file({"a": torch.zeros(2)}, tmp_path / "model.safetensors")
        with pytest.raises(RunError, match="not a file of this program"):
            load_tensors(tmp_path / "model.safetensors")

    def test_tensors_come_back_bit_for_bit(self, tmp_path: Path) -> None:
        tensors = {
            "f": torch.randn(3, 4).t(),
            "b": torch.randn(2, 3, 4, 4).to(torch.bfloat16).to(memory_format=torch.channels_last),
            "i": torch.tensor(7),
            "n": torch.tensor([float("nan"), float("inf")]),
        }
        save_tensors(tmp_path / "x.safetensors", tensors, '{"a": 1}')
        found, meta = load_tensors(tmp_path / "x.safetensors")
        assert meta == '{"a": 1}'
        for name, value in tensors.items():
            torch.testing.assert_close(found[name], value, rtol=0, atol=0, equal_nan=True)
        assert load_tensors(tmp_path / "x.safetensors", tensors=False)[0] == {}


def test_raster_proposals_are_images_of_the_same_size(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster")
    run = quick_spec(project, "supervised", "raster", steps=60, propose=("case-2",)).run
    run_inline(project, run)
    proposal = project.case("case-2").latest_proposal()
    assert proposal is not None
    truth = balls((24, 20), 2)[1]
    proposed = proposal.read_labels().array
    assert proposed.shape == truth.shape
    for value in (1, 2):
        both = ((proposed == value) & (truth == value)).sum()
        assert 2 * both / ((proposed == value).sum() + (truth == value).sum()) > 0.5
