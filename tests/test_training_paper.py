"""The paper presets as they are run: network, augmentation and windows together, on images and on slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixtures import finished, make_project, run_inline

from napari_medssl.methods.catalog import CATALOG
from napari_medssl.runs.events import PhaseStarted, Stepped
from napari_medssl.runs.request import make_spec
from napari_medssl.runs.spec import read_spec

SMALL: dict[str, Any] = {"batch": 2, "threads": 1, "patch": [32, 32]}
WIDTHS = {"supervised": [2, 4, 6, 8, 10], "bcp": [2, 4, 6, 8, 10], "cdma": [4, 16, 32, 64, 128]}


@pytest.mark.parametrize("kind", ["raster", "thick"])
@pytest.mark.parametrize("method", WIDTHS)
def test_paper_presets_run_in_2d(tmp_path: Path, method: str, kind: str, quick_machine: None) -> None:
    """From start to proposals, the published augmentation among it."""
    project = make_project(tmp_path, kind, shape=(40, 44) if kind == "raster" else (40, 44, 3))
    settings = {**SMALL, "widths": WIDTHS[method]}
    if kind == "thick" and method != "cdma":  # their recipes for 3-D scans are 3-D
        settings |= CATALOG[method].paper(2) | settings
    spec = make_spec(project, method, steps=4, preset="paper", device="cpu", settings=settings, propose=("case-2",))
    events = run_inline(project, spec.run)
    assert finished(events).reason == "completed", finished(events).message
    assert [e for e in events if isinstance(e, Stepped)][-1].step == 4
    proposal = project.case("case-2").latest_proposal()
    assert proposal is not None
    assert proposal.read_labels().array.shape == project.case("case-2").grid.shape
    plan = read_spec(project.run_folder(spec.run)).plan
    assert plan is not None
    assert plan.net.ndim == 2
    assert plan.window_step == ((24, 24) if method == "cdma" else None)


def test_cdma_starts_from_others_and_others_from_it(tmp_path: Path, quick_machine: None) -> None:
    """A chain of runs, each with the weights of the one before; the network keeps its size and changes its branches."""
    project = make_project(tmp_path, "raster")
    before, branches = None, []
    for method in ("supervised", "cdma", "bcp", "cdma"):
        spec = make_spec(
            project,
            method,
            steps=2,
            device="cpu",
            settings={"batch": 2, "threads": 1} | ({"widths": [4, 8], "patch": [16, 16]} if before is None else {}),
            start_from=before,
            propose=("case-3",),
        )
        events = run_inline(project, spec.run)
        assert finished(events).reason == "completed", finished(events).message
        plan = read_spec(project.run_folder(spec.run)).plan
        assert plan is not None
        assert plan.net.widths == (4, 8)
        branches.append(len(plan.net.branches))
        before = spec.run
    assert branches == [0, 3, 0, 3]


def test_what_was_taken_over_is_said(tmp_path: Path, quick_machine: None) -> None:
    project = make_project(tmp_path, "raster")
    settings = {"batch": 2, "threads": 1, "widths": [4, 8], "patch": [16, 16]}
    before = make_spec(project, "supervised", steps=2, device="cpu", settings=settings, propose=()).run
    run_inline(project, before)
    said = []
    for method in ("cdma", "bcp"):
        after = make_spec(
            project, method, steps=2, device="cpu", settings={"threads": 1}, start_from=before, propose=()
        ).run
        said.append([e.begins_with for e in run_inline(project, after) if isinstance(e, PhaseStarted)])
        before = after
    assert said[0][0] == (
        "Begins with what run supervised-001 learnt: the encoder and the decoders, 92 % of the network's "
        "weights. New: the attention."
    )
    assert said[1][0] == (
        "Begins with what run cdma-002 (CDMA) learnt: the encoder and the decoder, all of the network's weights. "
        "Not needed: the attention."
    )
    assert not any(later for phases in said for later in phases[1:])
