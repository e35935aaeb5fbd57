"""Arrays that know where they are in the patient, and the files they come from. No torch, no Qt.

This is the way in: nobody else needs to know which module holds what.
"""

from .codes import NiftiCodes
from .connected import connected_pieces
from .counting import pair_counts, stretches, value_counts
from .formats.names import case_stem, ending, find_images, is_image_path, pair_of
from .grid import Grid
from .header import Header
from .orientation import Reorientation
from .pieces import Pieces, count_classes, in_pieces
from .placement import Placement, find_placement, way_out
from .reading import check_image, file_sha256, read_grid, read_image, read_labels, read_map, read_mask_values
from .volume import UNSEEN, Labels, Volume
from .writing import write_image, write_labels, write_map

__all__ = [
    "UNSEEN",
    "Grid",
    "Header",
    "Labels",
    "NiftiCodes",
    "Pieces",
    "Placement",
    "Reorientation",
    "Volume",
    "case_stem",
    "check_image",
    "connected_pieces",
    "count_classes",
    "ending",
    "file_sha256",
    "find_images",
    "find_placement",
    "in_pieces",
    "is_image_path",
    "pair_counts",
    "pair_of",
    "read_grid",
    "read_image",
    "read_labels",
    "read_map",
    "read_mask_values",
    "stretches",
    "value_counts",
    "way_out",
    "write_image",
    "write_labels",
    "write_map",
]
