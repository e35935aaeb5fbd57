"""Structures on the Label page and in their dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from qtpy.QtCore import Qt
from test_ui_widget import Bench, press

from napari_medssl.project import ClassInfo, Project, migration
from napari_medssl.ui.panels.class_dialog import ClassDialog
from napari_medssl.ui.panels.class_table import KEY, LABEL, LOCK, NAME


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
    bench.until(lambda: "locked: bright" in (bench.state.message or ("", ""))[1])
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
    bench.answers = ["without"]
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


def test_a_new_project_takes_names_colours_and_locks(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path / "made")
    bench = Bench(qtbot, None)

    def answer(dialog: Any) -> Any:
        dialog.folder.setText(str(tmp_path / "new"))
        table = dialog.classes
        table.add_row()
        table.set_colour("#CC79A7")
        table.table.item(1, NAME).setText("structure 1")
        bench.until(lambda: dialog.check.over)
        assert not dialog.ok.isEnabled(), "two of one name"
        table.table.item(1, NAME).setText("tumour")
        table.table.item(1, LOCK).setCheckState(Qt.CheckState.Checked)
        bench.until(dialog.ok.isEnabled)
        return dialog.DialogCode.Accepted

    monkeypatch.setattr("napari_medssl.ui.wiring.header.NewProjectDialog.exec_", answer, raising=False)
    bench.widget.open_folder(tmp_path / "made" / "scans")
    bench.until(lambda: bench.state.has_project)
    found = [(c.value, c.name, c.colour, c.locked) for c in Project.open(tmp_path / "new").classes]
    assert found[1] == (2, "tumour", "#CC79A7", True)


# --- the dialog


def dialog(bench: Bench) -> ClassDialog:
    made = ClassDialog(bench.state.classes, bench.widget.session.classes.plan, bench.widget)
    bench.qtbot.addWidget(made)
    made.show()
    return made


def test_the_dialog_edits_names_keys_colours_locks_and_order(bench: Bench) -> None:
    made = dialog(bench)
    table = made.table.table
    table.item(0, NAME).setText("light")
    table.item(0, KEY).setText("5")
    table.item(1, LOCK).setCheckState(Qt.CheckState.Checked)
    table.setCurrentCell(0, NAME)
    made.table.set_colour("#CC79A7")
    bench.click(made.table.down)
    bench.click(made.save)
    assert made.change is not None
    assert made.change.values == {}
    first, second = made.change.classes
    assert (first.name, first.key, first.colour, first.place) == ("light", "5", "#CC79A7", 1)
    assert (second.name, second.locked, second.place) == ("dark", True, 0)
    bench.widget.session.classes.save(made.change.classes)
    bench.until(lambda: [c.name for c in bench.state.classes] == ["dark", "light"])
    bench.open("case-2")
    press(bench.viewer, "Alt-5")
    assert bench.viewer.layers["case-2 · labels"].selected_label == 1


def test_a_clash_cannot_be_saved(bench: Bench) -> None:
    made = dialog(bench)
    made.table.table.item(1, NAME).setText("bright")
    assert not made.save.isEnabled()
    assert "Two classes" in made.table._words.text()
    made.table.table.item(1, NAME).setText("dark")
    assert made.save.isEnabled()
    made.table.table.item(1, LABEL).setText("nonsense")
    assert made.table.table.item(1, LABEL).text() == "2"


def test_what_is_drawn_changes_after_the_plan_was_seen(bench: Bench) -> None:
    bench.open("case-2")
    bench.viewer.layers["case-2 · labels"].paint((5, 5, 5), 2)
    made = dialog(bench)
    made.table.set_fate(1, str(made.table.rows[0].id))
    assert made.save.text() == "What would change …"
    bench.click(made.save)
    bench.until(made.save.isEnabled)
    assert "dark → bright" in made.plan.text()
    bench.click(made.back)
    assert made.change is None
    bench.click(made.save)
    bench.until(made.save.isEnabled)
    bench.click(made.save)
    assert made.change is not None
    bench.widget.session.classes.change(made.change)
    bench.until(lambda: [c.name for c in bench.state.classes] == ["bright"])
    bench.until(lambda: bench.state.actions.title == "case-2")
    layer = bench.viewer.layers["case-2 · labels"]
    assert (layer.data == 1).any(), "what was drawn a moment before was saved first, and changed with the rest"
    assert not (layer.data == 2).any()
    project = Project.open(bench.widget.session.board.facts.project.root)
    for case in project.cases():
        labels = case.read_labels()
        assert labels is None or not (labels.array == 2).any()


def test_an_interrupted_change_is_finished_when_the_project_is_opened(qtbot: Any, tmp_path: Path) -> None:
    project = make_project(tmp_path)
    path = project.root / migration.PENDING_NAME
    merged = migration.ClassChange((ClassInfo(1, "all"),), {2: 1})

    def die(done: int, all: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migration.apply_change(project, merged, author="anna", told=die)
    assert path.exists()
    bench = Bench(qtbot, project.root)
    assert [c.name for c in bench.state.classes] == ["all"]
    assert "dark → all" in bench.state.message[1]
    assert not path.exists()


def test_a_tenth_structure_is_added_saved_and_drawn(bench: Bench) -> None:
    bench.open("case-2")
    session = bench.widget.session
    dialog = ClassDialog(bench.state.classes, lambda change, then: None)
    while len(dialog.table.rows) < 12:
        dialog.table.add_row()
    assert dialog.save.isEnabled()
    dialog.go_on()
    assert dialog.change is not None
    session.classes.change(dialog.change)
    bench.until(lambda: len(bench.state.classes) == 12)
    layer = bench.viewer.layers["case-2 · labels"]
    bench.click(swatches(bench)["Draw structure 12"])
    assert layer.selected_label == 12
    layer.paint((5, 5, 5), layer.selected_label)
    bench.until(lambda: bench.state.actions.save_text == "Draft saved")
    saved = Project.open(session.board.facts.project.root).case("case-2").read_labels()
    assert saved is not None
    assert 12 in saved.array
