"""Open napari with the MedSSL dock on a project: `python -m napari_medssl.ui.launch PROJECT`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any


def show_project(root: Path) -> tuple[Any, Any]:
    """A viewer with the dock open on a project, and its doubtful case in front; returns viewer and dock widget."""
    import napari

    viewer = napari.Viewer(title="napari · MedSSL")
    _, widget = viewer.window.add_plugin_dock_widget("napari-medssl", "MedSSL")
    session = widget.session
    session.open_project(root, then=partial(_begin, widget))
    return viewer, widget


def _begin(widget: Any) -> None:
    """With what there is to do: proposals to look at, or else scans to label."""
    if any(case.status == "proposed" for case in widget.session.state.cases):
        widget.show_page("Review")
    widget.session.open_next()


def main(arguments: list[str]) -> int:
    """Show the project and wait until the window is closed."""
    import napari

    show_project(Path(arguments[0]))
    napari.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
