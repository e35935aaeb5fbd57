"""What each key does, in words: our own keys that are really bound, and napari's for drawing. No Qt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

WORDS: Mapping[str, Mapping[str, str]] = {
    "Going on": {
        "Alt-G": "next case",
        "Alt-M": "mark the case as complete: the rest is background",
        "Ctrl-Alt-M": "only what I drew: the rest stays not looked at",
        "Ctrl-Alt-Z": "undo complete: the case is a draft again, as before",
        "Alt-Z": "the Train page, ready to train",
    },
    "The proposal of a case": {
        "Alt-E": "correct the proposal: copy it into your labels",
        "Alt-A": "accept the case",
        "Alt-D": "accept the case, and open the next",
    },
    "Doubtful regions": {
        "Alt-N": "next region that is open",
        "Alt-B": "region before in the list",
        "Alt-Y": "accept the region",
        "Alt-R": "make the region background",
        "Alt-X": "redo the region: not looked at again",
    },
    "A border between two structures": {
        f"Ctrl-Alt-{digit}": f"make the region the structure that has key {digit}" for digit in "123456789"
    },
    "What lies over the scan": {
        "Alt-O": "proposal on and off",
        "Alt-Q": "proposal filled or as outlines",
        "Alt-U": "doubt on and off",
        "Alt-J": "overlays less opaque",
        "Alt-K": "overlays more opaque",
        "Alt-I": "difference: none, to your labels, to the proposal before",
    },
    "How the scan is looked at": {"Ctrl-Alt-X": "the other planes beside the canvas, on and off"},
    "Tools": {"Ctrl-Alt-A": "apply the tool that is chosen"},
    "Structures": {f"Alt-{digit}": f"draw the structure that has key {digit}" for digit in "123456789"},
}
# napari's own, by the names of its settings: a person may have changed the keys there
NAPARI: Mapping[str, str] = {
    "napari:activate_labels_paint_mode": "brush",
    "napari:activate_labels_erase_mode": "eraser",
    "napari:activate_labels_polygon_mode": "polygon",
    "napari:activate_labels_fill_mode": "fill",
    "napari:activate_labels_picker_mode": "take the structure under the pointer",
    "napari:activate_labels_pan_zoom_mode": "move and zoom",
    "napari:hold_for_pan_zoom": "held: move and zoom meanwhile",
    "napari:decrease_brush_size": "smaller brush",
    "napari:increase_brush_size": "larger brush",
    "napari:swap_selected_and_background_labels": "structure and background change places",
    "napari:toggle_preserve_labels": "draw only where nothing is drawn, on and off",
    "napari:complete_polygon": "close the polygon",
    "napari:reset_polygon": "give the polygon up",
    "napari:increment_dims_left": "slice before",
    "napari:increment_dims_right": "next slice",
    "napari:reset_view": "see the whole scan",
    "napari:toggle_ndisplay": "2-D and 3-D",
    "napari:toggle_selected_visibility": "chosen layer on and off",
}
UNDO = (("Ctrl+Z", "undo a stroke"), ("Ctrl+Shift+Z", "redo a stroke"))  # fixed in napari, not in its settings
DRAWING = "napari: drawing and looking"
TAKEN = " (taken by another plugin: use the button)"


@dataclass(frozen=True)
class Row:
    """A key such as "Alt+G", what it does, and under which heading it stands."""

    section: str
    key: str
    words: str


def described() -> set[str]:
    """Our keys that have words."""
    return {key for keys in WORDS.values() for key in keys}


def rows(wired: Collection[str], bound: Collection[str], shortcuts: Mapping[str, Sequence[object]]) -> tuple[Row, ...]:
    """The card.

    Parameters
    ----------
    wired : collection of str
        Our keys, such as "Alt-G".
    bound : collection of str
        Those of them that nobody else has.
    shortcuts : mapping
        napari's own: the name of what they do, and the keys.
    """
    ours = [
        Row(section, key.replace("-", "+"), words if key in bound else words + TAKEN)
        for section, keys in WORDS.items()
        for key, words in keys.items()
        if key in wired
    ]
    theirs = [
        Row(DRAWING, " or ".join(str(key) for key in shortcuts[name]), words)
        for name, words in NAPARI.items()
        if shortcuts.get(name)
    ]
    return (*ours, *theirs, *(Row(DRAWING, key, words) for key, words in UNDO))


def search(card: Sequence[Row], words: str) -> tuple[Row, ...]:
    """The rows in which each of some words occurs."""
    wanted = words.casefold().split()
    return tuple(
        row for row in card if all(word in f"{row.key} {row.words} {row.section}".casefold() for word in wanted)
    )


def as_text(card: Sequence[Row]) -> str:
    """The card as plain text, to be printed."""
    width = max((len(row.key) for row in card), default=0)
    lines: list[str] = []
    section = None
    for row in card:
        if row.section != section:
            section = row.section
            lines += ["", section, "-" * len(section)]
        lines.append(f"{row.key:<{width}}  {row.words}")
    return "\n".join(lines).lstrip() + "\n"
