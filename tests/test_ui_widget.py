"""The dock as a person meets it, offscreen, on a viewer model: real project, real threads, scripted runs."""

from __future__ import annotations

import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from napari.components import ViewerModel
from qtpy.QtCore import QMimeData, QPoint, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit
from test_ui_session import Driver

from napari_medssl.errors import MedSSLError, SpecError
from napari_medssl.methods.catalog import CATALOG
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project import Project
from napari_medssl.runs.events import PhaseStarted, Proposed, RunFinished, RunStarted, Stepped
from napari_medssl.runs.outlook import GROUPS
from napari_medssl.runs.recommend import RECOMMENDED
from napari_medssl.runs.request import make_predict_spec, make_spec, write_spec
from napari_medssl.runs.spec import Plan, read_spec
from napari_medssl.ui import casework
from napari_medssl.ui.curvedock import CurveDock
from napari_medssl.ui.plugin import MedSSLWidget


def choose(box: QComboBox, value: object) -> None:
    """Choose an entry of a drop-down by what it stands for."""
    row = box.findData(value)
    assert row >= 0, value
    box.setCurrentIndex(row)


class Bench:
    """A widget on a viewer model."""

    def __init__(self, qtbot: Any, root: Path | None, driver: Any = None) -> None:
        self.qtbot, self.viewer, self.driver = qtbot, ViewerModel(), driver or Driver()
        self.widget = MedSSLWidget(self.viewer, driver=self.driver)
        qtbot.addWidget(self.widget, before_close_func=lambda w: w.shut())
        self.asked: list[Any] = []  # questions, which are answered at once: nobody is here to answer a dialog
        self.answers: list[str] = []
        self.widget.ask = self._answer
        self.widget.resize(340, 900)
        self.widget.show()
        if root is not None:
            self.widget.open_folder(root)
            self.until(lambda: self.state.has_project)

    @property
    def state(self) -> Any:
        return self.widget.session.state

    def _answer(self, question: Any) -> str:
        self.asked.append(question)
        assert self.answers, f"nobody expects to be asked: {question.words}"
        answer = self.answers.pop(0)
        assert answer in [one.reply for one in question.answers], question
        return answer

    def until(self, condition: Any) -> None:
        self.qtbot.waitUntil(condition, timeout=30_000)

    def open(self, name: str) -> None:
        self.widget.cases.opened.emit(name)
        self.until(lambda: self.state.actions.can_label and self.state.current == name)

    def click(self, button: QAbstractButton) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    make_project(tmp_path)
    return Bench(qtbot, tmp_path / "project")


def test_every_control_has_a_name_and_a_tooltip(bench: Bench) -> None:
    bench.widget.train_page.more.setChecked(True)
    for page in ("Label", "Train", "Review"):
        bench.widget.show_page(page)
    controls = [
        child
        for kind in (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit)
        for child in bench.widget.findChildren(kind)
        if not isinstance(child.parent(), QAbstractSpinBox | QComboBox | QLineEdit)
        and not child.objectName().startswith("qt_")
        and child.metaObject().className() not in ("QTableCornerButton",)
    ]
    assert len(controls) > 30
    for control in controls:
        assert control.accessibleName() or getattr(control, "text", str)(), control
        assert control.toolTip(), f"{control} {control.accessibleName()}"


@pytest.mark.parametrize("method", CATALOG)
def test_it_fits_a_narrow_dock(bench: Bench, method: str) -> None:
    page = bench.widget.train_page
    choose(page.method, method)
    page.more.setChecked(True)
    assert page._choices.minimumSizeHint().width() <= 300  # beside a scroll bar
    assert bench.widget.minimumSizeHint().width() <= bench.widget.minimumWidth() <= 340


def test_a_double_click_opens_a_case(bench: Bench) -> None:
    table = bench.widget.cases.table
    where = table.visualRect(table.model().index(2, 0)).center()
    bench.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    bench.qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    bench.until(lambda: bench.state.actions.title == "case-2")
    assert [layer.name for layer in bench.viewer.layers] == ["case-2 · image", "case-2 · labels"]


def test_the_list_filters_and_sorts(bench: Bench) -> None:
    cases = bench.widget.cases
    assert cases.names() == ["case-0", "case-1", "case-2", "case-3"]
    bench.qtbot.keyClicks(cases.filter, "SE-2")
    assert cases.names() == ["case-2"]
    cases.filter.clear()
    cases.status.setCurrentIndex(cases.status.findData("new"))
    assert cases.names() == ["case-2", "case-3"]
    model = cases.table.model()
    assert model.index(0, 1).data() == "not labelled"
    assert not model.index(0, 1).data(Qt.ItemDataRole.DecorationRole).isNull()


def test_drawing_saves_itself_and_complete_counts(bench: Bench) -> None:
    bench.open("case-2")
    layer = bench.viewer.layers["case-2 · labels"]
    layer.paint((5, 5, 5), 1)
    assert bench.state.actions.save_text == "Changes not saved yet"
    bench.until(lambda: bench.state.actions.save_text == "Draft saved")
    project = Project.open(bench.widget.session.board.facts.project.root)
    assert not project.case("case-2").latest().complete
    bench.answers = ["without"]  # of the other structure nothing is drawn
    bench.click(bench.widget.label_page.done)
    bench.until(lambda: bench.state.progress == (3, 4))
    saved = project.case("case-2").read_labels().array
    assert (saved == 1).sum() == (layer.data == 1).sum() > 0
    assert not (saved == 255).any()


def test_only_what_was_drawn_counts_too(bench: Bench) -> None:
    bench.open("case-2")
    bench.viewer.layers["case-2 · labels"].paint((5, 5, 5), 1)
    page = bench.widget.label_page
    assert page.done.width() >= page.done.sizeHint().width(), "its words are not cut"
    assert page.partly.width() >= page.partly.sizeHint().width(), "its words are not cut"
    bench.click(page.partly)
    bench.until(lambda: bench.state.progress == (3, 4))
    case = Project.open(bench.widget.session.board.facts.project.root).case("case-2")
    assert case.latest().complete
    assert (case.read_labels().array == 255).any()


def test_classes_are_chosen_by_button_and_key(bench: Bench) -> None:
    bench.open("case-2")
    layer = bench.viewer.layers["case-2 · labels"]
    layer.mode = "pan_zoom"
    buttons = {b.text(): b for b in bench.widget.label_page._classes.buttons()}
    bench.click(buttons["dark"])
    assert layer.selected_label == 2
    assert layer.mode == "paint", "who chooses a structure wants to draw it"
    layer.mode = "fill"
    press(bench.viewer, "Alt-1")
    assert layer.selected_label == 1
    assert buttons["bright"].isChecked()
    press(bench.viewer, "Alt-9")
    assert layer.selected_label == 1
    assert layer.mode == "fill", "another tool stays in hand"


def test_a_message_moves_nothing_under_the_mouse(bench: Bench) -> None:
    bench.open("case-2")
    bench.widget.session.dismiss()
    label = bench.widget.label_page
    watched = (*bench.widget.header.verbs.values(), bench.widget.cases.table, label.done, label._classes.button(1))

    bench.click(label._classes.button(1))

    def places() -> list[QPoint]:
        return [widget.mapTo(bench.widget, QPoint(0, 0)) for widget in watched]

    bench.until(lambda: not bench.widget.header.message.isVisible())
    before = places()
    bench.widget.header._title.setText("The project of the department that has a long name")
    bench.widget.session.board.say("info", "Some words that are so long that they take more than one line. " * 3)
    bench.until(lambda: bench.widget.header.message.isVisible())
    bench.widget.layout().activate()
    bench.click(label._classes.button(0))
    bench.viewer.layers["case-2 · labels"].paint((5, 5, 5), 1)
    bench.until(lambda: label._save.text() == "Changes not saved yet")
    bench.widget.layout().activate()
    assert places() == before


def test_what_goes_on_cannot_be_dismissed(bench: Bench) -> None:
    header = bench.widget.header
    header.draw(replace(bench.state, busy="Opening …"))
    assert not header._close.isVisible()
    header.draw(replace(bench.state, busy="", message=("info", "Done.")))
    assert header._close.isVisible()


def press(viewer: ViewerModel, key: str) -> None:
    """What napari does when a key is pressed on the canvas."""
    from napari.utils.key_bindings import coerce_keybinding

    viewer.keymap[coerce_keybinding(key)](viewer)


def test_a_round_of_train_review_accept(bench: Bench) -> None:
    bench.open("case-2")
    train = bench.widget.train_page
    bench.click(bench.widget.header.verbs["Train"])
    train.method.setCurrentIndex(train.method.findData("supervised"))
    train.minutes.setValue(0.5)
    bench.click(train.start)
    bench.until(lambda: bool(bench.driver.runs))
    (name, run), *_ = bench.driver.runs.items()
    bench.until(lambda: bench.state.run.under_way and not bench.state.run.title.startswith("Starting"))
    run.said = [
        RunStarted(run=name, task="train", method="supervised", at=0.0),
        PhaseStarted(phase="p", title="Learning", index=0, begins_with="Begins with what run desd-001 learnt."),
        Stepped(step=1, phase="p", losses={"total": 0.7}, progress=0.4, eta_seconds=30.0, at=1.0),
    ]
    bench.until(lambda: train.card.bar.value() == 400)
    assert "30 s left" in train.card.bar.format()
    assert train.card.begins_with.text() == "Begins with what run desd-001 learnt."
    assert train.card.keep.isVisible()
    project = Project.open(bench.widget.session.board.facts.project.root)
    case = project.case("case-2")
    labels = np.zeros(case.grid.shape, np.uint8)
    labels[4:9, 4:9, 4:9] = 2
    case.save_proposal(name, labels, {"entropy": np.full(case.grid.shape, 0.5)}, 0.4, {})
    layer = bench.viewer.layers["case-2 · labels"]
    bench.click(train.card.keep)
    bench.until(lambda: run.stops == ["keep"])
    assert not train.card.keep.isEnabled()
    run.said = [*run.said, Proposed(case="case-2", score=0.4, index=1, total=1), RunFinished(reason="stopped", step=1)]
    bench.until(lambda: bench.state.actions.can_accept)
    assert bench.viewer.layers["case-2 · labels"] is layer
    bench.click(bench.widget.header.verbs["Review"])
    review = bench.widget.review_page
    assert review.overlays.proposal.isChecked()
    press(bench.viewer, "Alt-U")
    assert review.overlays.map.isChecked()
    assert bench.viewer.layers["case-2 · uncertainty"].visible
    press(bench.viewer, "Alt-O")
    assert not review.overlays.proposal.isChecked()
    press(bench.viewer, "Alt-E")
    assert (layer.data == 2).sum() == 125
    layer.paint((2, 2, 2), 1)
    press(bench.viewer, "Alt-A")
    bench.until(lambda: bench.state.progress == (3, 4))
    revision = Project.open(project.root).case("case-2").latest()
    assert revision.origin == "corrected"
    assert revision.run == name
    assert 0 < revision.dice_to_proposal < 1


def test_a_dropped_folder_opens(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    bench = Bench(qtbot, None)
    assert bench.widget._home.currentWidget() is bench.widget.welcome
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "project"))])
    event = QDropEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    bench.widget.dropEvent(event)
    bench.until(lambda: bench.state.has_project)
    assert bench.widget._home.currentWidget() is not bench.widget.welcome


def test_keys_work_while_a_drop_down_has_the_keyboard(bench: Bench) -> None:
    bench.open("case-2")
    box = bench.widget.label_page.plane
    bench.widget.activateWindow()
    box.setFocus()
    bench.until(box.hasFocus)
    plane = box.currentText()
    bench.qtbot.keyClick(box, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert bench.viewer.layers["case-2 · labels"].selected_label == 2
    assert box.currentText() == plane, "the letter was not taken for a choice"


def test_a_folder_of_scans_becomes_a_project(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(tmp_path / "made")
    bench = Bench(qtbot, None)
    asked: list[Any] = []

    def answer(dialog: Any) -> Any:
        asked.append(dialog)
        dialog.folder.setText(str(tmp_path / "new"))
        bench.until(lambda: dialog.ok.isEnabled())
        return dialog.DialogCode.Accepted

    monkeypatch.setattr("napari_medssl.ui.wiring.header.NewProjectDialog.exec_", answer, raising=False)
    bench.widget.open_folder(tmp_path / "made" / "scans")
    bench.until(lambda: bench.state.has_project)
    assert len(bench.state.cases) == 4
    assert [c.name for c in bench.state.classes] == ["structure 1"]
    assert asked


def test_a_folder_without_scans_is_one_clear_line(qtbot: Any, tmp_path: Path) -> None:
    bench = Bench(qtbot, None)
    bench.widget.open_folder(tmp_path)
    bench.until(lambda: bench.state.message is not None)
    level, words = bench.state.message
    assert level == "error"
    assert "there are no scans in this folder" in words
    bench.widget.header.dismissed.emit()
    assert bench.state.message is None


def test_ten_thousand_cases_do_not_hold_up_the_list(bench: Bench) -> None:
    from time import process_time

    from napari_medssl.ui.casefacts import CaseFacts

    many = tuple(CaseFacts(f"scan-{n:05d}", "new") for n in range(10_000))
    begin = process_time()
    bench.widget.cases.draw(replace(bench.state, cases=many))
    bench.widget.cases.draw(replace(bench.state, cases=(*many[:-1], CaseFacts("scan-09999", "labelled"))))
    assert process_time() - begin < 2.0  # of the processor: other work on the machine does not count
    assert len(bench.widget.cases.names()) == 10_000


def test_closing_lets_go_of_everything(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    bench.viewer.layers["case-2 · labels"].paint((5, 5, 5), 1)
    layer = bench.viewer.layers["case-2 · labels"]
    viewer, session = bench.viewer, weakref.ref(bench.widget.session)
    bound = len(viewer.keymap)
    bench.widget.close()
    assert len(viewer.keymap) < bound
    case = Project.open(tmp_path / "project").case("case-2")
    assert case.latest() is not None, "what was drawn is saved"
    assert not list(case.strokes_folder.glob("*")), "no stroke is left to be drawn again"
    assert not session()._jobs._lanes
    assert not viewer.layers, "nobody paints into nothing"
    del bench
    qtbot.wait(10)
    layer.paint((1, 1, 1), 1)  # nobody listens any more


def test_a_dock_goes_on_where_the_one_before_it_in_that_window_was_closed(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    bench.viewer.layers["case-2 · labels"].paint((5, 5, 5), 1)
    bench.widget.show_page("Review")
    bench.widget.close()
    again = MedSSLWidget(bench.viewer)
    qtbot.addWidget(again, before_close_func=lambda w: w.shut())
    qtbot.waitUntil(lambda: again.layers.has_case, timeout=20_000)
    assert again.session.state.current == "case-2"
    assert again.pages.currentIndex() == 2
    assert bench.viewer.layers["case-2 · labels"].data[5, 5, 5] == 1
    elsewhere = MedSSLWidget(ViewerModel())
    qtbot.addWidget(elsewhere, before_close_func=lambda w: w.shut())
    qtbot.wait(100)
    assert not elsewhere.session.state.has_project, "another window begins afresh"


def test_what_cannot_be_saved_when_the_dock_is_closed_stays_and_is_locked(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path)
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    layer = bench.viewer.layers["case-2 · labels"]
    said: list[str] = []
    monkeypatch.setattr(bench.widget, "_announce", lambda level, words: said.append(words))
    monkeypatch.setattr(casework, "save_draft", lambda *_, **__: (_ for _ in ()).throw(MedSSLError("the disk is full")))
    layer.paint((5, 5, 5), 1)
    bench.widget.close()
    assert layer in bench.viewer.layers
    assert not layer.editable
    (words,) = said
    assert words.startswith("the disk is full")
    assert "locked" in words


@pytest.mark.parametrize("there", [True, False])
def test_plots_are_taken_out_of_a_window_only_while_there_is_one(there: bool) -> None:
    taken: list[object] = []
    window = SimpleNamespace(remove_dock_widget=taken.append, **({"_qt_window": None} if there else {}))
    dock = CurveDock(SimpleNamespace(window=window))
    dock._dock = "dock"
    dock.close()
    assert taken == (["dock"] if there else []), "napari's window is let go of before the program ends"


def test_napari_never_imports_torch() -> None:
    code = (
        "import sys\n"
        "from qtpy.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "from napari.components import ViewerModel\n"
        "from napari_medssl.ui.plugin import MedSSLWidget\n"
        "from napari_medssl.ui import readers, samples\n"
        "from napari_medssl.ui.panels.curves import CurvePanel\n"
        "widget = MedSSLWidget(ViewerModel())\n"
        "widget.show(); widget.train_page.more.setChecked(True); CurvePanel()\n"
        "samples.sample_scan()\n"
        "app.processEvents(); widget.close()\n"
        "sys.exit('torch is here' if 'torch' in sys.modules else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr


def test_the_card_says_what_the_method_would_do(bench: Bench) -> None:
    bench.click(bench.widget.header.verbs["Train"])
    page = bench.widget.train_page
    choose(page.method, "bcp")
    words = page.outlook.words()
    assert words["Uses"].startswith("2 labelled, 2 unlabelled scans.")
    assert words["Time"].startswith("10 min of training, then 2 proposals")
    assert words["Not when"] == bench.state.train.outlook.not_when
    page.minutes.setValue(3)
    assert page.outlook.words()["Time"].startswith("3 min of training")
    choose(page.method, "desd")
    assert page.outlook.words()["Uses"].startswith("4 scans; labels are not used")
    assert page.outlook.words()["Time"] == "3 min of training."


def test_methods_are_grouped_and_headings_cannot_be_chosen(bench: Bench) -> None:
    box = bench.widget.train_page.method
    headings = [box.itemText(row) for row in range(box.count()) if box.itemData(row) is None]
    assert headings == list(GROUPS.values())
    assert not any(box.model().item(row).isEnabled() for row in range(box.count()) if box.itemData(row) is None)
    assert {box.itemData(row) for row in range(box.count())} == {None, RECOMMENDED, *CATALOG}


def test_without_labels_or_structures_scans_can_still_be_looked_at(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path, "raster", labelled=0, unlabelled=3, classes=0)
    bench = Bench(qtbot, tmp_path / "project")
    page = bench.widget.train_page
    choose(page.method, "bcp")
    assert not page.start.isEnabled()
    assert (
        "Label 2 more scans" in page.outlook.words()["Cannot run"]
        or "label 2 more" in page.outlook.words()["Cannot run"]
    )
    choose(page.method, "pcrlv2")
    assert page.start.isEnabled()
    assert "Cannot run" not in page.outlook.words()
    bench.click(page.start)
    bench.until(lambda: bool(bench.driver.runs))
    (run,) = bench.driver.runs
    spec = read_spec(tmp_path / "project" / "runs" / run)
    assert (spec.method, len(spec.unlabelled), spec.start_from) == ("pcrlv2", 3, None)


@pytest.mark.parametrize("method", CATALOG)
def test_every_method_starts_as_it_was_asked_for(bench: Bench, method: str) -> None:
    page = bench.widget.train_page
    choose(page.method, method)
    page.minutes.setValue(0.5)
    page.more.setChecked(True)
    name = "sub_encoders" if method == "desd" else "learning_rate"
    page._form._widgets[name].value = wanted = 2 if method == "desd" else 0.02
    choose(page.device, "cpu")
    assert page.more.text().endswith("(1 changed)")
    bench.click(page.start)
    bench.until(lambda: bool(bench.driver.runs))
    (run,) = bench.driver.runs
    spec = read_spec(bench.widget.session.board.facts.project.root / "runs" / run)
    assert (spec.method, spec.preset, spec.device) == (method, "auto", "cpu")
    assert spec.budget.minutes == 0.5
    assert spec.settings == {name: wanted}


def test_the_published_recipe_has_its_own_length_and_values(bench: Bench) -> None:
    page = bench.widget.train_page
    choose(page.method, "bcp")
    page.minutes.setValue(4)
    page.more.setChecked(True)
    choose(page.preset, "paper")
    assert page.wishes()[-1].minutes is None
    assert "17,000 steps" in page.minutes.text()
    assert page._form._widgets["learning_rate"].value == CATALOG["bcp"].paper(3)["learning_rate"]
    assert page._form.value() == {}
    page.minutes.setValue(7)
    assert page.wishes()[-1].minutes == 7
    choose(page.preset, "auto")
    assert page.wishes()[-1].minutes == 7
    choose(page.preset, "paper")
    choose(page.preset, "auto")
    assert page.wishes()[-1].minutes == 7


def test_what_was_learnt_before_labelling_is_a_beginning_and_proposes_nothing(bench: Bench) -> None:
    root = bench.widget.session.board.facts.project.root
    project = Project.open(root)
    spec = make_spec(project, "desd", steps=1)
    folder = project.run_folder(spec.run)
    net = NetSpec("unet", 3, 1, 3, (4, 8), ((1, 1, 1), (2, 2, 2)))
    write_spec(folder, replace(spec, plan=Plan(net, (1.0, 1.0, 1.0), (16, 16, 16), 2)))
    (folder / "model.safetensors").touch()
    bench.widget.session.refresh()
    page = bench.widget.train_page
    bench.until(lambda: page.start_from.findData(spec.run) >= 0)
    choose(page.method, "bcp")
    assert page.start_from.currentData() == spec.run
    assert page.start_from.currentText() == f"{spec.run} (before labelling)"
    assert page.wishes()[-1].start_from == spec.run
    choose(page.method, "desd")
    assert page.wishes()[-1].start_from is None
    with pytest.raises(SpecError, match="learnt to look at scans, not to segment"):
        make_predict_spec(project, spec.run)
    choose(page.method, "bcp")
    choose(page.preset, "paper")  # another network: only where a person says so
    assert page.wishes()[-1].start_from is None
    choose(page.start_from, spec.run)
    assert page.wishes()[-1].start_from == spec.run
    assert page.outlook.words()["Recipe"].startswith("As published but for the network")
    page.more.setChecked(True)
    assert page._form is not None
    page._form._widgets["network"].value = "cdma"
    row = page.start_from.findData(spec.run)
    assert not page.start_from.model().item(row).isEnabled()
    assert "network cannot change" in page.start_from.itemData(row, Qt.ItemDataRole.ToolTipRole)
    assert page.wishes()[-1].start_from is None


def test_the_title_of_the_window_names_case_and_project(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    bench = Bench(qtbot, None)
    before = bench.viewer.title
    bench.widget.open_folder(tmp_path / "project")
    bench.until(lambda: bench.state.has_project)
    assert bench.viewer.title == f"project – {before}"
    bench.open("case-0")
    assert bench.viewer.title == f"case-0 – project – {before}"
    bench.widget.shut()
    assert bench.viewer.title == before
