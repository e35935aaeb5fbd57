"""Colours of labels and of doubt; none of them is told from another by red and green alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..imaging import UNSEEN
from .facts import ClassFacts

MAP_TITLES = {"entropy": "uncertainty", "disagreement": "student–teacher disagreement", "flips": "mirror variance"}
DIFFERENCE = ("#D55E00", "#0072B2", "#F0E442")  # only here, only there, other classes: vermilion, blue, yellow
CLEAR = np.zeros(4, np.float32)
NOTHING = 254  # of a change: voxels that stay
# On dark scans and on light ones, such as stained slides; each is seen on black, grey and white.
SHADES = {
    False: np.array([0.62, 0.62, 0.62, 0.55], np.float32),
    True: np.array([0.12, 0.12, 0.12, 0.6], np.float32),
}
TINTS = {
    False: np.array([0.35, 0.6, 1.0, 0.6], np.float32),
    True: np.array([0.1, 0.3, 0.75, 0.6], np.float32),
}


def label_colours(
    classes: Sequence[ClassFacts], shade: bool = False, *, tint: bool = False, light: bool = False
) -> Any:
    """The colormap of labels: the classes' colours, unknown values magenta.

    Parameters
    ----------
    classes : sequence of ClassFacts
    shade : bool
        Grey where nobody looked; clear otherwise.
    tint : bool
        Grey-blue where there is background; clear otherwise.
    light : bool
        Over a light scan.
    """
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, Any] = {
        None: "#ff00ff",
        0: TINTS[light] if tint else CLEAR,
        UNSEEN: SHADES[light] if shade else CLEAR,
    }
    colours.update({c.value: c.colour for c in classes})
    return DirectLabelColormap(color_dict=colours)


def doubt_colours() -> Any:
    """Clear where the model is sure, then violet, orange, yellow: told apart with every kind of colour vision."""
    from napari.utils.colormaps import Colormap

    ramp = [
        [0, 0, 0, 0],
        [0.34, 0.06, 0.43, 0.35],
        [0.73, 0.21, 0.33, 0.6],
        [0.98, 0.55, 0.04, 0.8],
        [0.99, 1, 0.64, 0.95],
    ]
    return Colormap(ramp, name="medssl doubt", display_name="doubt")


def difference_colours() -> Any:
    """The colormap of what differs between two masks."""
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, Any] = {None: CLEAR, 0: CLEAR}
    colours.update(enumerate(DIFFERENCE, 1))
    return DirectLabelColormap(color_dict=colours)


def mark_colours() -> Any:
    """The colormap of the frame round a place (1), and of its outline (2)."""
    from napari.utils.colormaps import DirectLabelColormap

    return DirectLabelColormap(color_dict={None: CLEAR, 0: CLEAR, 1: "#ffffff", 2: "#00e5ff"})


def change_colours(classes: Sequence[ClassFacts]) -> Any:
    """The colormap of what voxels would become."""
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, Any] = {None: CLEAR, NOTHING: CLEAR, 0: TINTS[False], UNSEEN: SHADES[False]}
    colours.update({c.value: c.colour for c in classes if c.value != NOTHING})
    return DirectLabelColormap(color_dict=colours)
