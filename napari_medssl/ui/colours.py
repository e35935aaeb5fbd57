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
SHADE = np.array([0.5, 0.5, 0.5, 0.35], np.float32)


def label_colours(classes: Sequence[ClassFacts], shade: bool = False) -> Any:
    """The colormap of labels: the classes' colours, background clear, unknown values magenta.

    Parameters
    ----------
    classes : sequence of ClassFacts
    shade : bool
        Grey where nobody looked; clear otherwise.
    """
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, Any] = {None: "#ff00ff", 0: CLEAR, UNSEEN: SHADE if shade else CLEAR}
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
    """The colormap of the frame round a place."""
    from napari.utils.colormaps import DirectLabelColormap

    return DirectLabelColormap(color_dict={None: CLEAR, 0: CLEAR, 1: "#ffffff"})
