"""Reading scans weighs nothing until a scan is read."""

from __future__ import annotations

import subprocess
import sys


def test_imaging_loads_nothing_heavy() -> None:
    program = (
        "import sys, napari_medssl.imaging; "
        "heavy = {'torch', 'napari', 'qtpy', 'PySide6', 'nibabel', 'skimage', 'scipy', 'PIL', 'tifffile', 'rich'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
