"""Arrays that know where they are in the patient, and the files they come from. No torch, no Qt."""

from napari_medssl.imaging.codes import NiftiCodes
from napari_medssl.imaging.formats import (
    case_stem,
    check_image,
    file_sha256,
    find_images,
    is_image_path,
    read_grid,
    read_image,
    read_labels,
    read_map,
    write_labels,
    write_map,
)
from napari_medssl.imaging.grid import Grid
from napari_medssl.imaging.header import Header
from napari_medssl.imaging.orientation import Reorientation
from napari_medssl.imaging.volume import UNSEEN, Labels, Volume

__all__ = [
    "UNSEEN",
    "Grid",
    "Header",
    "Labels",
    "NiftiCodes",
    "Reorientation",
    "Volume",
    "case_stem",
    "check_image",
    "file_sha256",
    "find_images",
    "is_image_path",
    "read_grid",
    "read_image",
    "read_labels",
    "read_map",
    "write_labels",
    "write_map",
]
