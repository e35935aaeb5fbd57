"""Labels and layers from elsewhere in a real window: `window_layers.py` imports masks, hands over a layer that
was drawn on by mistake, and makes a case of an image. `MEDSSL_PICTURES` names a folder to keep the pictures in.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from fixtures import make_project
from screen import picture_folder, run_script

SHAPE = (40, 44, 24)


@pytest.mark.timeout(300)
def test_labels_and_layers_from_elsewhere_come_in_by_mouse(display: str, tmp_path: Path) -> None:
    make_project(tmp_path, shape=SHAPE)
    masks = tmp_path / "masks"
    masks.mkdir()
    for name, value in {"case-0": 1, "case-2": 7, "stranger": 1}.items():
        array = np.zeros(SHAPE, np.uint8)
        array[10:20, 10:20, 8:14] = value
        nib.save(nib.Nifti1Image(array, np.diag([1.0, 1.0, 1.5, 1.0])), masks / f"{name}.nii.gz")
    pictures = picture_folder(tmp_path, "layers")
    told = run_script("window_layers.py", display, tmp_path / "project", pictures, str(masks), seconds=280)
    assert told["import"]["refused"] == "Labels for 1 case; 2 files are not taken."
    assert told["import"]["ready"] == "Labels for 2 cases; 1 file is not taken."
    assert told["import"]["chosen"] == ["case-0", "case-2"]
    assert told["import"]["message"].startswith("Labels of 2 cases imported. 1 file was not taken:")
    assert "is not the layer of case-3: what is drawn on it is not saved" in told["layer"]["hint"]
    assert told["layer"]["drawn"] == told["layer"]["taken"] > 0
    assert told["layer"]["hidden"], "the layer of the case is in hand again"
    assert told["case"]["hidden"]
    assert "1 scan added." in told["case"]["message"]
    assert told["cases"] == {
        "case-0": "labelled", "case-1": "labelled", "case-2": "labelled", "case-3": "draft", "made here": "new",
    }  # fmt: skip
