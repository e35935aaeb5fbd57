"""Damaged pictures and volumes through all readers: each is read, or refused in one line; none crashes or takes long.

`python benchmarks/attacks/images.py --times 2000` makes so many files of NIfTI, PNG, TIFF and JPEG with changed,
missing or additional bytes.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np
import tifffile
from PIL import Image
from tally import Tally, main

from napari_medssl.errors import BadFileError
from napari_medssl.imaging import check_image, read_grid, read_image, read_labels

SECONDS = 5.0  # for one file and one reader
READERS = (read_grid, check_image, read_image, read_labels)


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Change the bytes of whole files at random, and read what comes of it."""
    rng = random.Random(seed)
    whole = _whole(folder)
    tried: Counter[str] = Counter()
    failures = []
    for number in range(times):
        source = rng.choice(whole)
        path = folder / f"changed-{source.name}"
        path.write_bytes(changed(source.read_bytes(), rng))
        for reader in READERS:
            begin = time.monotonic()
            try:
                reader(path)
                what = "read"
            except BadFileError as error:
                what = "refused"
                if "\n" in str(error):
                    failures.append(f"{number} {source.name}: several lines from {reader.__name__}")
            except Exception as error:
                what = "failed"
                failures.append(f"{number} {source.name}: {reader.__name__}: {type(error).__name__}: {error}")
            if time.monotonic() - begin > SECONDS:
                failures.append(f"{number} {source.name}: {reader.__name__} took over {SECONDS:g} s")
            tried[f"{source.name} {what}"] += 1
    return Tally(dict(sorted(tried.items())), tuple(failures))


def changed(data: bytes, rng: random.Random) -> bytes:
    """Some bytes other, more in the header than behind it; perhaps cut short, or longer."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        end = len(out) if rng.random() < 0.4 else min(len(out), 400)
        out[rng.randrange(end)] = rng.choice((0, 1, 2, 255, rng.randrange(256)))
    if rng.random() < 0.1:
        del out[rng.randrange(1, len(out)) :]
    if rng.random() < 0.1:
        at = rng.randrange(len(out))
        out[at:at] = rng.randbytes(rng.randrange(1, 50))
    return bytes(out)


def _whole(folder: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 4, (12, 10)).astype(np.uint8)
    colour = rng.integers(0, 256, (12, 10, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[274] = 6
    paths = [folder / name for name in ("a.nii", "a.nii.gz", "grey.png", "turned.png", "indexed.png", "turned.jpg")]
    for path in paths[:2]:
        nib.save(nib.Nifti1Image(rng.integers(0, 4, (6, 5, 4)).astype(np.int16), np.eye(4)), path)
    Image.fromarray(grey).save(paths[2])
    Image.fromarray(colour).save(paths[3], exif=exif)
    Image.fromarray(grey).convert("P").save(paths[4])
    Image.fromarray(colour).save(paths[5], exif=exif)
    kinds = {
        "plain.tif": {"photometric": "rgb", "compression": "zlib"},
        "turned.tif": {"photometric": "rgb", "extratags": [(274, "H", 1, 6, True)]},
        "tiled.tif": {"photometric": "rgb", "tile": (16, 16)},
    }
    for name, options in kinds.items():
        tifffile.imwrite(folder / name, colour, **options)
        paths.append(folder / name)
    tifffile.imwrite(folder / "white.tif", grey, photometric="miniswhite")
    Image.fromarray(colour).save(folder / "packed.tif", compression="tiff_lzw")
    return [*paths, folder / "white.tif", folder / "packed.tif"]


if __name__ == "__main__":
    main(attack)
