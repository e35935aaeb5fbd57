"""Pictures and masks are turned as their tags say, in every format, and what was labelled before stays where it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from napari_medssl.imaging import check_image, read_grid, read_image, read_labels
from napari_medssl.project import ClassInfo, Project, import_labels
from napari_medssl.project.examining import check_files, check_project

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (20, 30, 3)).astype(np.uint8)
MASK = RANDOM.integers(0, 4, (20, 30)).astype(np.uint8)
KINDS = ["jpg", "png", "png by XMP", "tif", "tif by LZW", "tif in planes"]


def save(path: Path, pixels: NDArray[Any], tag: int, kind: str) -> Path:
    """A picture with an orientation tag, in the manner of a kind of file."""
    exif = Image.Exif()
    exif[274] = tag
    picture = Image.fromarray(pixels)
    if kind == "jpg":
        picture.save(path, exif=exif, quality=95)
    elif kind == "png":
        picture.save(path, exif=exif)
    elif kind == "png by XMP":
        from PIL.PngImagePlugin import PngInfo

        words = PngInfo()
        words.add_itxt("XML:com.adobe.xmp", f'<x:xmpmeta><rdf tiff:Orientation="{tag}"/></x:xmpmeta>')
        picture.save(path, pnginfo=words)
    elif kind == "tif by LZW":
        picture.save(path, compression="tiff_lzw", tiffinfo={274: 1})
        with tifffile.TiffFile(path) as file:
            at = file.pages[0].tags[274].valueoffset  # type: ignore[union-attr]
        data = bytearray(path.read_bytes())
        data[at] = tag
        path.write_bytes(data)
    elif kind == "tif in planes" and pixels.ndim == 3:
        planes = np.moveaxis(pixels, -1, 0)
        extra = [(274, "H", 1, tag, True)]
        tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate", extratags=extra)
    else:
        photometric = "rgb" if pixels.ndim == 3 else "minisblack"
        tifffile.imwrite(path, pixels, photometric=photometric, extratags=[(274, "H", 1, tag, True)])
    return path


def as_viewers_show(path: Path) -> NDArray[Any]:
    """Pixels by Pillow, turned by it."""
    with Image.open(path) as picture:
        picture.load()  # turns a TIFF and forgets its tag
        return np.asarray(ImageOps.exif_transpose(picture))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", range(1, 9))
def test_pictures_are_turned_as_viewers_do(tmp_path: Path, tag: int, kind: str) -> None:
    path = save(tmp_path / f"a.{kind[:3]}", COLOUR, tag, kind)
    expected = as_viewers_show(path)
    assert expected.shape[:2] == ((20, 30) if tag < 5 else (30, 20))
    np.testing.assert_array_equal(np.moveaxis(read_image(path).array, 0, -1), expected)
    assert read_grid(path).grid.shape == check_image(path).grid.shape == expected.shape[:2]
    stored = np.moveaxis(read_image(path, as_stored=True).array, 0, -1)
    if kind != "tif by LZW":  # Pillow turned those before, too
        assert stored.shape == COLOUR.shape


@pytest.mark.parametrize("kind", ["png", "png by XMP", "tif", "tif by LZW"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_masks_are_turned_by_the_same_rule(tmp_path: Path, tag: int, kind: str) -> None:
    path = save(tmp_path / f"a.{kind[:3]}", MASK, tag, kind)
    expected = as_viewers_show(save(tmp_path / "expected.png", MASK, tag, "png"))
    np.testing.assert_array_equal(read_labels(path).array, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", [0, 9])
def test_tags_that_say_nothing_turn_nothing(tmp_path: Path, tag: int, kind: str) -> None:
    path = save(tmp_path / f"a.{kind[:3]}", COLOUR, tag, kind)
    assert read_image(path).array.shape == (3, 20, 30)


def test_a_mask_drawn_on_what_viewers_show_lies_on_its_structure(tmp_path: Path) -> None:
    y, x = np.mgrid[:48, :64]
    mask = ((y - 18) ** 2 + (x - 40) ** 2 < 100).astype(np.uint8)
    picture = np.stack([60 + 100 * mask] * 3, -1).astype(np.uint8)
    project = Project.create(tmp_path / "p", classes=[ClassInfo(1, "a")], channels=["red", "green", "blue"])
    (tmp_path / "masks").mkdir()
    for tag, turns in ((1, 0), (3, 2), (6, 3), (8, 1)):
        for kind in ("jpg", "png", "tif"):
            project.add_case(save(tmp_path / f"{kind}{tag}.{kind}", picture, tag, kind))
            Image.fromarray(np.rot90(mask, turns)).save(tmp_path / "masks" / f"{kind}{tag}.png")
    report = import_labels(project, tmp_path / "masks")
    assert len(report.added) == 12
    for case in project.cases():
        labels, red = case.read_labels(), case.read_image().array[0].astype(float)
        assert labels is not None
        assert red[labels.array == 1].mean() > 150
        assert red[labels.array == 0].mean() < 70


def made_before(project: Project) -> Project:
    """The project as a version before wrote it: records that do not say how pictures are read."""
    for path in (project.root / "cases").glob("*/case.json"):
        values = json.loads(path.read_text())
        for image in values["images"]:
            assert image.pop("as_stored") is False
        values.pop("crc32", None)
        path.write_text(json.dumps(values))
    return Project.open(project.root)


@pytest.mark.parametrize("tag", [3, 6])
def test_what_was_labelled_before_does_not_shift(tmp_path: Path, tag: int) -> None:
    path = save(tmp_path / "a.png", COLOUR, tag, "png")
    project = Project.create(tmp_path / "p", classes=[ClassInfo(1, "a")], channels=["red", "green", "blue"])
    project.add_case(path)
    case_json = project.root / "cases" / "a" / "case.json"
    values = json.loads(case_json.read_text())
    values["grid"]["shape"] = [20, 30]  # as it was stored
    case_json.write_text(json.dumps(values))
    case = made_before(project).case("a")
    np.testing.assert_array_equal(case.read_image().array, np.moveaxis(COLOUR, -1, 0))
    Image.fromarray(MASK == 1).save(tmp_path / "a_mask.png")
    assert import_labels(Project.open(project.root), tmp_path / "a_mask.png").added == ("a",)
    report = check_project(Project.open(project.root))
    [finding] = [finding for finding in report.findings if finding.rule == "header"]
    assert finding.level == "warning"
    assert "added before that was followed" in finding.what
    assert finding.items == ("a",)


def test_a_project_made_before_with_upright_pictures_is_told_nothing(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", COLOUR, 1, "png")
    project = Project.create(tmp_path / "p", channels=["red", "green", "blue"])
    project.add_case(path)
    assert check_project(made_before(project)).findings == ()
    assert check_files([path]).findings == ()
