"""Where memory runs out over one file, that file is told of in one line and the others go on."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from fixtures import make_project

from napari_medssl import cli
from napari_medssl.errors import TooLargeError
from napari_medssl.imaging import read_image, read_labels
from napari_medssl.imaging.formats import nifti
from napari_medssl.project import Project, import_labels
from napari_medssl.project.examining import check_files


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, "3d")


def masks(project: Project, folder: Path) -> list[Path]:
    """A mask for each case, in a folder."""
    folder.mkdir()
    for case in project.cases():
        array = np.zeros(case.grid.shape, np.uint8)
        array[2:5, 2:5, 2:5] = 1
        nib.save(nib.Nifti1Image(array, case.grid.affine), folder / f"{case.name}.nii")
    return sorted(folder.iterdir())


def short_of(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """No memory for the voxels of files of this name."""
    read = nifti.read_voxels

    def reading(header: nifti.NiftiHeader, data: Path, volume: int = 0) -> object:
        if name in data.name:
            raise MemoryError
        return read(header, data, volume)

    monkeypatch.setattr(nifti, "read_voxels", reading)


def test_a_file_says_that_it_needs_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.nii"
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)), path)
    short_of(monkeypatch, "huge")
    for read in (read_image, read_labels):
        with pytest.raises(TooLargeError, match=r"huge\.nii: its voxels need more memory than there is\. Close"):
            read(path)


def test_a_scan_that_needs_more_is_not_noted_as_bad(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    case = project.cases()[0]
    with monkeypatch.context() as now:
        short_of(now, case.images[0].name)
        with pytest.raises(TooLargeError):
            case.read_image()
    assert case.trouble is None


def test_labels_that_need_more_are_named_and_the_others_come_in(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = masks(project, tmp_path / "masks")
    with monkeypatch.context() as now:
        short_of(now, paths[0].name)
        report = import_labels(project, paths)
    assert [path for path, _ in report.refused] == [paths[0]]
    assert "memory" in report.refused[0][1]
    assert len(report.added) + len(report.skipped) == len(paths) - 1


def test_damaged_earlier_labels_of_one_case_do_not_stop_the_import(project: Project, tmp_path: Path) -> None:
    paths = masks(project, tmp_path / "masks")
    import_labels(project, paths)
    first = project.cases()[0]
    latest = first.latest()
    assert latest is not None
    latest.path.write_bytes(b"no mask")
    for path in paths[1:]:
        array = np.asarray(nib.load(path).dataobj).copy()
        array[3, 3, 3] = 2
        nib.save(nib.Nifti1Image(array, nib.load(path).affine), path)
    report = import_labels(Project.open(project.root), paths)
    assert len(report.added) == len(paths) - 1


def test_a_check_goes_on_past_what_needs_more(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = masks(project, tmp_path / "masks")
    short_of(monkeypatch, paths[0].name)
    report = check_files([case.images[0] for case in project.cases()], paths)
    (finding,) = [one for one in report.findings if one.rule == "label-unreadable"]
    assert finding.items == (paths[0].name,)
    assert report.whole


def test_no_memory_at_all_is_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_memory(*_: object) -> object:
        raise MemoryError

    monkeypatch.setattr(Project, "open", no_memory)
    assert cli.main(["status", str(project.root)]) == cli.BAD_INPUT
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "not enough free memory" in told
