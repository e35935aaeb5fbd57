"""What the manifest promises: every command is there, scans open, labels are written on their scan's own grid."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from npe2 import PluginManifest

from napari_medssl.errors import MedSSLError
from napari_medssl.imaging import read_labels
from napari_medssl.ui.readers import get_reader, read_scans, write_labels_layer
from napari_medssl.ui.samples import sample_scan

AFFINE = np.array([[0, 0, 3.0, -10], [-1.5, 0, 0, 20], [0, 2.0, 0, 5], [0, 0, 0, 1]])  # axes run P, S, R


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "knee_image.nii.gz"
    nib.save(nib.Nifti1Image(np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6), AFFINE), path)
    return path


def test_every_command_of_the_manifest_is_there(repository: Path) -> None:
    manifest = PluginManifest.from_file(repository / "napari_medssl" / "napari.yaml")
    assert manifest.contributions.commands
    for command in manifest.contributions.commands:
        module, name = str(command.python_name).split(":")
        assert callable(getattr(import_module(module), name)), command.id
    assert len(manifest.contributions.sample_data) == 2


def test_a_scan_opens_the_right_way_round(scan: Path) -> None:
    reader = get_reader(str(scan))
    assert reader is not None
    ((data, kwargs, kind),) = reader(str(scan))
    assert kind == "image"
    assert kwargs["name"] == "knee"
    assert kwargs["scale"] == (2.0, 1.5, 3.0)
    assert kwargs["axis_labels"] == ("S→I", "A→P", "R→L")
    assert data.shape == (5, 4, 6)


@pytest.mark.parametrize("path", ["notes.txt", "scan.dcm.bak", []])
def test_what_is_not_ours_is_left_to_others(path: str | list[str]) -> None:
    assert get_reader(path) is None


def test_labels_drawn_on_it_are_written_on_its_own_grid(scan: Path, tmp_path: Path) -> None:
    ((data, kwargs, _),) = read_scans(str(scan))
    drawn = np.zeros(data.shape, np.uint8)
    drawn[data == data[1, 2, 3]] = 4
    path = tmp_path / "drawn.nii.gz"
    assert write_labels_layer(str(path), drawn, {"metadata": kwargs["metadata"]}) == [str(path)]
    labels = read_labels(path)
    image = np.asarray(nib.load(scan).dataobj)
    np.testing.assert_array_equal(labels.array == 4, image == data[1, 2, 3])
    np.testing.assert_allclose(labels.grid.affine, AFFINE, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "value", "known", "words"),
    [
        ((5, 4, 6), 1, False, "does not know the grid"),
        ((5, 4, 7), 1, True, "its scan"),
        ((5, 4, 6), 300, True, "0 to 255"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    scan: Path, tmp_path: Path, shape: tuple[int, ...], value: int, known: bool, words: str
) -> None:
    ((_, kwargs, _),) = read_scans(str(scan))
    metadata = kwargs["metadata"] if known else {}
    with pytest.raises(MedSSLError, match=words):
        write_labels_layer(str(tmp_path / "x.nii.gz"), np.full(shape, value, np.int32), {"metadata": metadata})
    assert not (tmp_path / "x.nii.gz").exists()


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("h14", "h14.nii.gz"),
        ("h14.nii", "h14.nii"),
        ("h14.NII.GZ", "h14.NII.GZ"),
        ("h14.v2", "h14.v2.nii.gz"),
        ("h14.png", "h14.png.nii.gz"),
        ("case 1 · labels", "case 1 · labels.nii.gz"),
        ("h14.", "h14.nii.gz"),
        ("ж.tif", "ж.tif.nii.gz"),
    ],
)
def test_labels_are_saved_under_any_name(scan: Path, tmp_path: Path, typed: str, written: str) -> None:
    ((data, kwargs, _),) = read_scans(str(scan))
    drawn = np.zeros(data.shape, np.uint8)
    drawn[0] = 3
    assert write_labels_layer(str(tmp_path / typed), drawn, {"metadata": kwargs["metadata"]}) == [
        str(tmp_path / written)
    ]
    assert (read_labels(tmp_path / written).array == 3).sum() == (drawn == 3).sum()


def test_labels_of_an_image_are_saved_as_an_image(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(tmp_path / "slide.png")
    ((data, kwargs, _),) = read_scans(str(tmp_path / "slide.png"))
    drawn = np.ones(data.shape[:2], np.uint8)
    for typed, written in (("mask", "mask.png"), ("mask.tif", "mask.tif"), ("m.nii.gz", "m.nii.gz")):
        path = tmp_path / typed
        assert write_labels_layer(str(path), drawn, {"metadata": kwargs["metadata"]}) == [str(tmp_path / written)]
        assert (read_labels(tmp_path / written).array == 1).all()


def test_a_name_that_gets_its_ending_from_us_replaces_nothing(scan: Path, tmp_path: Path) -> None:
    ((data, kwargs, _),) = read_scans(str(scan))
    (tmp_path / "h14.nii.gz").write_text("mine")
    with pytest.raises(MedSSLError, match="already"):
        write_labels_layer(str(tmp_path / "h14"), np.zeros(data.shape, np.uint8), {"metadata": kwargs["metadata"]})
    assert (tmp_path / "h14.nii.gz").read_text() == "mine"


def test_it_is_told_that_a_draft_holds_voxels_that_nobody_looked_at(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import napari.utils.notifications as said

    told: list[str] = []
    monkeypatch.setattr(said, "show_warning", told.append)
    monkeypatch.setattr(said, "show_info", told.append)
    ((data, kwargs, _),) = read_scans(str(scan))
    drawn = np.full(data.shape, 255, np.uint8)
    drawn[0] = 1
    write_labels_layer(str(tmp_path / "draft"), drawn, {"metadata": kwargs["metadata"]})
    assert "80 % of it was not looked at" in told[0]
    assert "255" in told[0]
    write_labels_layer(str(tmp_path / "whole"), np.zeros_like(drawn), {"metadata": kwargs["metadata"]})
    assert told[1].endswith("whole.nii.gz is written.")


def test_the_sample_scan_lies_under_its_labels() -> None:
    (image, image_space, kind), (labels, labels_space, _) = sample_scan()
    assert kind == "image"
    assert image.shape == labels.shape
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert image_space["scale"] == labels_space["scale"]
    assert image_space["units"] == ("mm",) * 3
