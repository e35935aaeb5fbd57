"""What a TIFF says of its samples is followed, or the file is refused; Pillow is the other reader."""

from __future__ import annotations

import struct
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_medssl.errors import BadFileError
from napari_medssl.imaging import check_image, read_grid, read_image, read_labels

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (20, 30)).astype(np.uint8)
DEEP = RANDOM.integers(0, 65536, (20, 30)).astype(np.uint16)
COLOUR = RANDOM.integers(0, 256, (20, 30, 3)).astype(np.uint8)
OPACITY = RANDOM.integers(0, 256, (20, 30)).astype(np.uint8)
MASK = RANDOM.integers(0, 4, (20, 30)).astype(np.uint8)
INKS = RANDOM.integers(0, 256, (20, 30, 4)).astype(np.uint8)


def by_pillow(path: Path, mode: str = "RGB") -> NDArray[Any]:
    with Image.open(path) as picture:
        array = np.asarray(picture.convert(mode))
    return np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None]


def patched(path: Path, code: int, *values: int) -> None:
    """Write other 16-bit values into a tag of a TIFF."""
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].tags[code].valueoffset  # type: ignore[union-attr]
    data = bytearray(path.read_bytes())
    struct.pack_into(f"<{len(values)}H", data, at, *values)
    path.write_bytes(data)


def read(path: Path) -> NDArray[Any]:
    """The channels, which the header must have announced."""
    volume, header = read_image(path), read_grid(path)
    assert (header.channels, header.dtype) == (len(volume.array), volume.array.dtype.name)
    assert check_image(path).grid.shape == volume.grid.shape
    assert volume.array.flags.writeable
    return volume.array


@pytest.mark.parametrize("compression", [None, "zlib", "tiff_lzw"])
def test_where_zero_is_white_grey_is_turned_round(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    if compression == "tiff_lzw":
        Image.fromarray(GREY).save(path, compression=compression)
        patched(path, 262, 0)
    else:
        tifffile.imwrite(path, GREY, photometric="miniswhite", compression=compression)
    np.testing.assert_array_equal(read(path)[0], 255 - GREY)
    np.testing.assert_array_equal(read(path), by_pillow(path, "L"))
    if compression != "tiff_lzw":  # Pillow turned those round before, too
        np.testing.assert_array_equal(read_image(path, as_stored=True).array[0], GREY)


def test_deep_grey_where_zero_is_white(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "a.tif")[0], 65535 - DEEP)
    for odd in (DEEP.astype(np.float32), DEEP.astype(np.int16)):
        tifffile.imwrite(tmp_path / "b.tif", odd, photometric="miniswhite")
        with pytest.raises(BadFileError, match="it says that 0 is white"):
            read_image(tmp_path / "b.tif")


def test_masks_where_zero_is_white(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "many.tif", MASK, photometric="miniswhite")
    with pytest.raises(BadFileError, match="either way round"):
        read_labels(tmp_path / "many.tif")
    bits = MASK == 1
    Image.fromarray(bits).save(tmp_path / "fax.tif", compression="group4")
    np.testing.assert_array_equal(read_labels(tmp_path / "fax.tif").array, bits)
    tifffile.imwrite(tmp_path / "bits.tif", bits, photometric="miniswhite")
    np.testing.assert_array_equal(read_labels(tmp_path / "bits.tif").array, by_pillow(tmp_path / "bits.tif", "1")[0])


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("word", ["unassalpha", "assocalpha", "unspecified"])
def test_what_an_extra_sample_is(tmp_path: Path, word: str, compression: str | None) -> None:
    pixels = np.dstack([COLOUR if word != "assocalpha" else np.minimum(COLOUR, OPACITY[..., None]), OPACITY])
    path = tmp_path / "a.tif"
    if compression is None:
        tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=[word])
    else:
        value = {"unspecified": 0, "assocalpha": 1, "unassalpha": 2}[word]
        Image.fromarray(pixels).save(path, compression="tiff_lzw")
        patched(path, 338, value)
    if word == "unspecified":  # nothing says that it is opacity: a channel of its own
        np.testing.assert_array_equal(read(path), np.moveaxis(pixels, -1, 0))
    else:
        np.testing.assert_array_equal(read(path), by_pillow(path, "RGBA")[:3])


def test_grey_with_opacity_and_with_more_channels(tmp_path: Path) -> None:
    for word, channels in (("unassalpha", 1), ("unspecified", 2)):
        path = tmp_path / f"{word}.tif"
        tifffile.imwrite(path, np.dstack([GREY, OPACITY]), photometric="minisblack", extrasamples=[word],
                         planarconfig="contig")  # fmt: skip
        np.testing.assert_array_equal(read(path), np.stack([GREY, OPACITY])[:channels])
    five = RANDOM.integers(0, 60000, (5, 20, 30)).astype(np.uint16)
    for planes in ("separate", "contig"):
        pixels = five if planes == "separate" else np.moveaxis(five, 0, -1)
        tifffile.imwrite(tmp_path / "five.tif", pixels, photometric="minisblack", planarconfig=planes)
        np.testing.assert_array_equal(read(tmp_path / "five.tif"), five)
    with pytest.raises(BadFileError):
        read_labels(tmp_path / "five.tif")


def test_a_mask_with_opacity(tmp_path: Path) -> None:
    for word, opacity in (("unassalpha", OPACITY), ("assocalpha", np.full_like(OPACITY, 255))):
        tifffile.imwrite(tmp_path / "a.tif", np.dstack([MASK, opacity]), photometric="minisblack",
                         extrasamples=[word], planarconfig="contig")  # fmt: skip
        np.testing.assert_array_equal(read_labels(tmp_path / "a.tif").array, MASK)
    tifffile.imwrite(tmp_path / "b.tif", np.dstack([MASK, OPACITY]), photometric="minisblack",
                     extrasamples=["assocalpha"], planarconfig="contig")  # fmt: skip
    with pytest.raises(BadFileError, match="mixed with an opacity"):
        read_labels(tmp_path / "b.tif")


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_of_a_palette_a_picture_has_the_colours_and_a_mask_the_indices(tmp_path: Path, compression: str) -> None:
    indexed = Image.frombytes("P", (30, 20), MASK.tobytes())
    indexed.putpalette([int(n) for n in RANDOM.integers(0, 256, 768)])
    indexed.save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), by_pillow(tmp_path / "a.tif"))
    assert read_image(tmp_path / "a.tif").channels == ("red", "green", "blue")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif").array, MASK)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
def test_inks_become_colours(tmp_path: Path, compression: str) -> None:
    Image.frombytes("CMYK", (30, 20), INKS.tobytes()).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), by_pillow(tmp_path / "a.tif"))
    with pytest.raises(BadFileError, match="colour picture"):
        read_labels(tmp_path / "a.tif")


def test_luminance_and_chrominance_become_colours(tmp_path: Path) -> None:
    stored = Image.fromarray(COLOUR).convert("YCbCr")
    tifffile.imwrite(tmp_path / "a.tif", np.asarray(stored), photometric="ycbcr",
                     extratags=[(530, "H", 2, (1, 1), True)])  # fmt: skip
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), by_pillow(tmp_path / "a.tif"))
    Image.fromarray(COLOUR).save(tmp_path / "b.tif", compression="jpeg", quality=95)
    np.testing.assert_array_equal(read(tmp_path / "b.tif"), by_pillow(tmp_path / "b.tif"))


@pytest.mark.parametrize("photometric", [4, 8, 9, 10, 32803, 32844, 32845, 34892, 999])
def test_other_kinds_of_colour_are_refused(tmp_path: Path, photometric: int) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, COLOUR, photometric="rgb")
    patched(path, 262, photometric)
    for reader in (read_image, read_grid, check_image, read_labels):
        with pytest.raises(BadFileError, match=r"are of a kind that is not read|is not a readable TIFF"):
            reader(path)


def test_no_bits_are_lost_for_want_of_a_codec(tmp_path: Path) -> None:
    """Pillow keeps 8 of 16 bits of colours that tifffile alone cannot unpack."""
    deep = np.dstack([DEEP] * 3)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", compression="zlib")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), np.moveaxis(deep, -1, 0))
    path = tmp_path / "b.tif"
    Image.fromarray(COLOUR).save(path, compression="tiff_lzw")
    patched(path, 258, 16, 16, 16)
    patched(path, 256, 15)  # as many bytes a row
    if find_spec("imagecodecs") is None:
        with pytest.raises(BadFileError, match="its pixels cannot be read"):
            read_image(path)
    else:
        assert read_image(path).array.max() > 255


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_pngs_of_few_bits_hold_their_values_as_classes(tmp_path: Path, depth: int) -> None:
    mask = MASK % 2**depth
    bits = ((mask[..., None] >> np.arange(depth - 1, -1, -1)) & 1).reshape(20, -1)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in bits)

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 30, 20, depth, 0, 0, 0, 0)
    parts = part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png").array, mask)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array, by_pillow(tmp_path / "a.png", "L"))
