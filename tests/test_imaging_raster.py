"""2-D images: PNG, TIFF and JPEG, grey or colour, 8 or 16 bits."""

from __future__ import annotations

import struct
import zlib
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_medssl.errors import BadFileError
from napari_medssl.imaging import (
    Grid,
    Labels,
    check_image,
    read_grid,
    read_image,
    read_labels,
    read_map,
    write_labels,
    write_map,
)

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (20, 30)).astype(np.uint8)
DEEP = RANDOM.integers(0, 65536, (20, 30)).astype(np.uint16)
COLOUR = RANDOM.integers(0, 256, (20, 30, 3)).astype(np.uint8)
OPAQUE = np.dstack([COLOUR, np.full((20, 30), 128, np.uint8)])
MASK = RANDOM.choice(np.array([0, 1, 2, 255], np.uint8), (20, 30))


def png(path: Path, pixels: Any, mode: str | None = None) -> Path:
    Image.fromarray(pixels).convert(mode).save(path) if mode else Image.fromarray(pixels).save(path)
    return path


def refused(path: Path) -> str:
    with pytest.raises(BadFileError) as caught:
        read_image(path)
    with pytest.raises(BadFileError):
        check_image(path)
    with pytest.raises(BadFileError):
        read_labels(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value.rule


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
@pytest.mark.parametrize("pixels", [GREY, DEEP, COLOUR, OPAQUE], ids=["grey", "deep", "colour", "opaque"])
def test_pixels_are_read_exactly(tmp_path: Path, suffix: str, pixels: Any) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".png":
        png(path, pixels)
    else:
        tifffile.imwrite(path, pixels, photometric="minisblack" if pixels.ndim == 2 else "rgb")
    volume = read_image(path)
    expected = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels[..., :3], -1, 0)
    np.testing.assert_array_equal(volume.array, expected)
    assert volume.array.dtype == pixels.dtype
    assert volume.array.flags.writeable
    assert (volume.grid.shape, volume.grid.unit) == ((20, 30), "pixel")
    assert volume.channels == (("image",) if pixels.ndim == 2 else ("red", "green", "blue"))
    header = check_image(path)
    assert (header.grid.shape, header.channels, header.dtype) == ((20, 30), len(expected), pixels.dtype.name)
    assert read_grid(path).channels == header.channels


def test_jpeg_is_an_image_but_never_a_mask(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(COLOUR).save(tmp_path / "b.jpeg")
    assert read_image(tmp_path / "a.jpg").array.shape == (1, 20, 30)
    assert read_image(tmp_path / "b.jpeg").array.shape == (3, 20, 30)
    assert read_grid(tmp_path / "b.jpeg").channels == 3
    with pytest.raises(BadFileError, match="JPEG changes pixel values"):
        read_labels(tmp_path / "a.jpg")


def test_the_family_is_told_by_content(tmp_path: Path) -> None:
    png(tmp_path / "a.png", GREY).rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").array[0], GREY)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.jpg").array, GREY)
    tifffile.imwrite(tmp_path / "b.tif", GREY)
    (tmp_path / "b.tif").rename(tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(tmp_path / "b.png").array[0], GREY)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"tile": (16, 16)},
        {"planarconfig": "separate"},
        {"rowsperstrip": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_kinds_of_tiff(tmp_path: Path, options: dict[str, Any], dtype: Any) -> None:
    pixels = COLOUR.astype(dtype) * (100 if dtype == np.uint16 else 1)
    if options.get("predictor") and dtype == np.float32:
        pytest.skip("needs a codec of its own")
    if options.get("planarconfig"):
        tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(pixels, -1, 0), photometric="rgb", **options)
    else:
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", **options)
    array = read_image(tmp_path / "a.tif").array
    np.testing.assert_array_equal(array, np.moveaxis(pixels, -1, 0))
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "jpeg", "group4"])
def test_tiff_of_other_programs(tmp_path: Path, compression: str) -> None:
    pixels = Image.fromarray(MASK == 1) if compression == "group4" else Image.fromarray(COLOUR)
    pixels.save(tmp_path / "a.tif", compression=compression)
    array = read_image(tmp_path / "a.tif").array
    assert array.shape == ((1 if compression == "group4" else 3), 20, 30)
    if compression in ("tiff_lzw", "packbits"):
        np.testing.assert_array_equal(array, np.moveaxis(COLOUR, -1, 0))
    if compression == "group4":
        np.testing.assert_array_equal(array[0] > 0, MASK == 1)


def test_stacks_are_refused_with_a_way_out(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RANDOM.integers(0, 9, (5, 20, 30)).astype(np.uint8), photometric="minisblack")
    assert "5 pages" in refused(tmp_path / "a.tif")
    frames = [Image.fromarray(GREY), Image.fromarray(GREY[::-1])]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert "animation of 2 frames" in refused(tmp_path / "a.png")


def test_deep_colour_png_is_refused_not_halved(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in np.dstack([DEEP] * 3).astype(">u2"))
    (tmp_path / "a.png").write_bytes(png_bytes(30, 20, 16, 2, zlib.compress(rows)))
    assert "16-bit PNG is read only in grey" in refused(tmp_path / "a.png")


def png_bytes(width: int, height: int, depth: int, colours: int, data: bytes) -> bytes:
    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", data) + part(b"IEND", b"")


def test_bombs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(9000, 9000, 8, 0, zlib.compress(bytes(100))))
    assert "claims 9000 × 9000 pixels" in refused(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(png_bytes(900000, 900000, 8, 0, zlib.compress(bytes(100))))
    assert "too many pixels" in refused(tmp_path / "b.png")
    tifffile.imwrite(tmp_path / "c.tif", GREY)
    data = (tmp_path / "c.tif").read_bytes()
    for old in (struct.pack("<HHII", 256, 4, 1, 30), struct.pack("<HHII", 256, 3, 1, 30)):
        data = data.replace(old, struct.pack("<HHII", 256, 4, 1, 3_000_000))
    (tmp_path / "c.tif").write_bytes(data)
    assert "its data cannot fill" in refused(tmp_path / "c.tif")


def test_headers_alone_show_a_cut_tiff_and_a_wrong_png_checksum(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, COLOUR, photometric="rgb")  # puts the pixels last
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(BadFileError, match="too short: pixels its header speaks of are missing"):
        read_grid(path)
    data = bytearray(png(tmp_path / "a.png", GREY).read_bytes())
    data[-13] ^= 1  # the last byte of the pixels' checksum; the pixels themselves are whole
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(BadFileError, match="not a readable PNG"):
        read_grid(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.floats(0, 0.98))
def test_cut_files_are_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"whole{suffix}"
    Image.fromarray(COLOUR).save(path)
    data = path.read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: int(kept * len(data))])
    refused(tmp_path / f"cut{suffix}")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1), value=st.integers(0, 255))
@example(where=0.47265625, value=1)  # the planar configuration of a TIFF
def test_changed_bytes_never_crash(tmp_path: Path, suffix: str, where: float, value: int) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, COLOUR[:4, :4], photometric="rgb", compression="zlib")
    else:
        Image.fromarray(COLOUR[:4, :4]).save(path)
    data = bytearray(path.read_bytes())
    data[min(int(where * len(data)), len(data) - 1)] = value
    changed = bytes(data) != path.read_bytes()
    path.write_bytes(data)
    array = None
    with suppress(BadFileError) if changed else nullcontext():
        array = read_image(path).array
    if array is not None and suffix == ".png":
        np.testing.assert_array_equal(array, np.moveaxis(COLOUR[:4, :4], -1, 0))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF", "a.nii.gz", "a.nii"])
def test_masks_come_back_exactly(tmp_path: Path, name: str) -> None:
    grid = Grid.raster(MASK.shape)
    write_labels(tmp_path / name, Labels(MASK, grid))
    back = read_labels(tmp_path / name)
    np.testing.assert_array_equal(back.array, MASK)
    assert grid.mismatch(back.grid) is None
    assert read_grid(tmp_path / name).grid.mismatch(grid) is None
    np.testing.assert_array_equal(read_image(tmp_path / name).array[0], MASK)


def test_maps_of_raster_images(tmp_path: Path) -> None:
    values = RANDOM.uniform(0, 1, (20, 30)).astype(np.float32)
    write_map(tmp_path / "map.nii.gz", values, Grid.raster(values.shape))
    back = read_map(tmp_path / "map.nii.gz")
    assert back.shape == (20, 30)
    np.testing.assert_allclose(back, values, atol=0.51 / 255)


def test_masks_of_other_programs(tmp_path: Path) -> None:
    indexed = Image.frombytes("P", (30, 20), MASK.tobytes())
    indexed.putpalette(list(RANDOM.integers(0, 256, 768)))
    indexed.save(tmp_path / "indexed.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "indexed.png").array, MASK)
    assert read_image(tmp_path / "indexed.png").array.shape == (3, 20, 30)
    png(tmp_path / "bits.png", MASK == 1)
    np.testing.assert_array_equal(read_labels(tmp_path / "bits.png").array, MASK == 1)
    png(tmp_path / "greyrgb.png", np.dstack([MASK] * 3))
    np.testing.assert_array_equal(read_labels(tmp_path / "greyrgb.png").array, MASK)
    png(tmp_path / "deep.png", MASK.astype(np.uint16))
    np.testing.assert_array_equal(read_labels(tmp_path / "deep.png").array, MASK)
    with pytest.raises(BadFileError, match="colour picture"):
        read_labels(png(tmp_path / "colour.png", COLOUR))
    with pytest.raises(BadFileError, match="outside 0 to 255"):
        read_labels(png(tmp_path / "beyond.png", DEEP))
    indexed.save(tmp_path / "indexed.tif")
    np.testing.assert_array_equal(read_labels(tmp_path / "indexed.tif").array, MASK)
    np.testing.assert_array_equal(
        read_image(tmp_path / "indexed.tif").array, read_image(tmp_path / "indexed.png").array
    )


def test_real_slides(data_root: Path) -> None:
    images = sorted((data_root / "pathology" / "images").glob("*.png"))[:3]
    if not images:
        pytest.skip(f"no slides in {data_root}")
    for path in images:
        volume, labels = read_image(path), read_labels(path.parents[1] / "masks" / path.name)
        assert volume.channels == ("red", "green", "blue")
        assert volume.grid.mismatch(labels.grid) is None
        assert set(labels.values) <= {0, 1}
