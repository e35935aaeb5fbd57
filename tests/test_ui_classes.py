"""Structures on the Label page and in their dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from test_ui_widget import Bench, press

from napari_medssl.project import Project


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    make_project(tmp_path)
    return Bench(qtbot, tmp_path / "project")


def swatches(bench: Bench) -> dict[str, Any]:
    return {b.accessibleName(): b for b in bench.widget.label_page._classes.buttons()}


def test_background_and_not_looked_at_are_drawn_on_purpose(bench: Bench) -> None:
    bench.open("case-2")
    layer = bench.viewer.layers["case-2 · labels"]
    bench.click(swatches(bench)["Draw background"])
    layer.paint((5, 5, 5), layer.selected_label)
    assert set(np.unique(layer.data)) == {0, 255}
    bench.click(swatches(bench)["Draw not looked at"])
    assert bench.state.message is None, "both are known"
    layer.paint((5, 5, 5), layer.selected_label)
    assert (layer.data == 255).all()


def test_a_lock_holds_at_once_is_shown_and_is_kept(bench: Bench) -> None:
    bench.open("case-2")
    layer, page = bench.viewer.layers["case-2 · labels"], bench.widget.label_page
    layer.paint((5, 5, 5), 1)
    drawn = np.array(layer.data)
    assert page.lock.text() == "Lock bright"
    page.lock.click()
    assert swatches(bench)["Draw bright"].text() == "bright · locked"
    layer.paint((5, 5, 5), 2)
    np.testing.assert_array_equal(layer.data, drawn)
    root = bench.widget.session.board.facts.project.root
    bench.until(lambda: Project.open(root).classes[0].locked)
    bench.open("case-3")
    bench.open("case-2")
    again = bench.viewer.layers["case-2 · labels"]
    again.paint((5, 5, 5), 2)
    np.testing.assert_array_equal(again.data, drawn)
    page.lock.click()
    again.paint((5, 5, 5), 2)
    assert (again.data == 2).any()


def test_a_case_is_ended_by_a_key(bench: Bench) -> None:
    press(bench.viewer, "Alt-M")  # no case: nothing happens
    bench.open("case-2")
    bench.viewer.layers["case-2 · labels"].paint((5, 5, 5), 1)
    press(bench.viewer, "Alt-M")
    bench.until(lambda: bench.state.actions.save_text == "Saved")


def test_strokes_are_counted_in_what_is_saved(bench: Bench) -> None:
    bench.open("case-2")
    layer = bench.viewer.layers["case-2 · labels"]
    layer.paint((5, 5, 5), 1)
    with layer.block_history():
        layer.paint((5, 2, 2), 1)
        layer.paint((5, 2, 3), 1)
    bench.until(lambda: bench.state.actions.save_text == "Draft saved")
    case = Project.open(bench.widget.session.board.facts.project.root).case("case-2")
    assert sum(one.strokes or 0 for one in case.revisions()) == 2
