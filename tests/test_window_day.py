"""A whole day in a real window: new project, label, train, review region by region, train again, close, find it again.

`MEDSSL_PICTURES` names a folder to keep the pictures of each step in; `MEDSSL_DAY_MINUTES` is the length of each
training (0.5; two minutes show more).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest import _folder
from screen import check_pictures, picture_folder, run_script

from napari_medssl.runs.drivers import ProcessDriver, find_running

CASES = 8
STEPS = (
    "welcome", "choose-folder", "new-project", "project", "labelled-by-hand", "labelled-by-hand", "training", "trained",
    "region", "corrected", "accepted-and-next", "training-again", "morning", "still-there", "stopped-and-kept",
)  # fmt: skip


def make_scans(folder: Path) -> tuple[Path, Path]:
    """Some real scans and their labels, where there are any; else generated ones."""
    data = _folder("MEDSSL_DATA", "../shared/data") / "hippocampus"
    if not data.is_dir():
        from napari_medssl.demo.cohort import make_cohort

        cohort = make_cohort(folder / "made", CASES)
        images, labels = list(cohort.images), list(cohort.labels)
    else:
        images = sorted((data / "images").glob("*.nii.gz"))[:CASES]
        labels = [data / "labels" / image.name for image in images]
    for place, files in (("scans", images), ("labels", labels)):
        (folder / place).mkdir(parents=True)
        for image, file in zip(images, files, strict=True):
            shutil.copy(file, folder / place / image.name)
    return folder / "scans", folder / "labels"


@pytest.mark.timeout(1500)
def test_a_day_in_a_real_window(display: str, tmp_path: Path) -> None:
    scans, labels = make_scans(tmp_path / "data")
    pictures = picture_folder(tmp_path, "day")
    folder = tmp_path / "day"
    folder.mkdir()
    minutes = os.environ.get("MEDSSL_DAY_MINUTES", "0.5")
    root = scans.parent / "scans-medssl"
    try:
        told = run_script(
            "window_day.py", display, folder, pictures, str(scans), str(labels), minutes, seconds=1000
        )  # fmt: skip
        assert Path(told["root"]) == root
        assert find_running(root) == [told["second"]], "the run goes on without napari"
        for one in told["hand"]:
            assert (one["origin"], one["complete"]) == ("drawn", True)
            assert 255 in one["values"], "what nobody looked at stays so"
            assert 0 in one["values"]
            assert one["strokes"] > 10
        assert told["draft"]["complete"] is False, "drawn while a run trained"
        assert (told["reviewed"]["origin"], told["reviewed"]["run"]) == ("corrected", told["first"])
        assert 0 <= told["reviewed"]["dice"] < 1
        assert told["decisions"] >= 1, "what was decided of regions is kept"
        assert told["torch"] is False, "napari's process never imports torch"
        again = run_script("window_day.py", display, folder, pictures, "again", told["second"], seconds=400)
        assert again["title"].startswith("Stopped")
        assert find_running(root) == []
    finally:
        for name in find_running(root) if root.is_dir() else []:  # whatever happens, no run is left behind
            ProcessDriver().attach(root, name).stop("discard")
    check_pictures(pictures, STEPS)
