"""Help: the card of keys, the diagnostics without names, faults as notifications, the pages of the documentation."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QSlider,
    QWidget,
)
from test_ui_session import DirectJobs
from test_ui_session import World as Session
from test_ui_widget import Bench

from napari_medssl.errors import ProjectError
from napari_medssl.ui import diagnostics, faults, keycard, projects, wiring
from napari_medssl.ui.board import Board
from napari_medssl.ui.casesdesk import AuditPlan
from napari_medssl.ui.checkwork import CheckDesk
from napari_medssl.ui.facts import ClassFacts
from napari_medssl.ui.helpwork import HelpDesk
from napari_medssl.ui.historyview import History, HistoryLine
from napari_medssl.ui.mailbox import Mailbox
from napari_medssl.ui.panels.case_dialogs import AuditDialog, CommentDialog
from napari_medssl.ui.panels.check_view import CheckDialog
from napari_medssl.ui.panels.class_dialog import ClassDialog
from napari_medssl.ui.panels.dialogs import NewProjectDialog
from napari_medssl.ui.panels.history_dialog import HistoryDialog
from napari_medssl.ui.panels.import_dialog import ImportLabelsDialog
from napari_medssl.ui.panels.keys_card import KeysCard
from napari_medssl.ui.panels.layer_dialog import LayerDialog
from napari_medssl.ui.panels.reader import Reader


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    make_project(tmp_path)
    return Bench(qtbot, tmp_path / "project")


def test_every_key_has_words_and_no_other(bench: Bench) -> None:
    assert keycard.described() == set(wiring.keys(bench.widget))


def test_the_card_has_our_keys_and_naparis_and_finds_by_words(bench: Bench) -> None:
    card = wiring.help.show_keys(bench.widget)
    shown = dict(card.shown())
    assert shown["Alt+G"] == "next case"
    assert shown["2 or P"] == "brush"
    assert shown["Ctrl+Z"] == "undo a stroke"
    bench.qtbot.keyClicks(card.search, "accept REGION")
    assert card.shown() == [("Alt+Y", "accept the region")]
    assert card.words() == "Doubtful regions\n----------------\nAlt+Y  accept the region\n"
    card.search.setText("xylophone")
    assert card.shown() == []
    assert card._none.isVisible()
    for kind in (QAbstractButton, QLineEdit):
        for control in card.findChildren(kind):
            assert control.toolTip() or control.parent() is card.search, control


def test_a_key_of_another_plugin_is_said_to_be_taken() -> None:
    taken, free = keycard.rows(("Alt-A", "Alt-D"), ("Alt-D",), {})[:2]
    assert taken.words.endswith(keycard.TAKEN)
    assert not free.words.endswith(keycard.TAKEN)


def test_keys_follow_naparis_settings() -> None:
    card = keycard.rows((), (), {"napari:activate_labels_paint_mode": ["F9"], "napari:unknown": ["Q"]})
    assert [(row.key, row.words) for row in card][:1] == [("F9", "brush")]
    assert not any(row.key == "Q" for row in card)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    make_project(tmp_path)
    monkeypatch.setattr(diagnostics, "_doctor", lambda root: f"ok    Writing: {root} is writable")
    return Session(tmp_path / "project")


def test_diagnostics_hold_what_helps_and_no_names(world: Session, tmp_path: Path) -> None:
    folder = tmp_path / "project" / "runs" / "bcp-001"
    folder.mkdir(parents=True)
    lines = [f"step {n}" for n in range(100)] + [f"cannot read {tmp_path}/scans of Ann/case-2.nii.gz"]
    (folder / "log.txt").write_text("\n".join(lines))
    board = world.session.board
    board.set(run="bcp-001")
    board.failed(KeyError("case-3"))
    texts: list[str] = []
    HelpDesk(board, DirectJobs()).diagnose(texts.append)
    (text,) = texts
    assert "napari " in text
    assert "KeyError" in text
    assert "step 99" in text
    assert "step 10\n" not in text, "the tail of the log"
    assert "<project> is writable" in text
    for secret in (str(tmp_path), str(Path.home()) + "/", "anna", "Ann/"):
        assert secret not in text, secret
    assert "scans of" not in text


def test_the_doctor_is_asked_in_a_process_of_its_own(tmp_path: Path) -> None:
    said = diagnostics._doctor(tmp_path)
    assert "ok    Python: " in said
    assert "torch: " in said
    assert "Training: " not in said, "it is the quick one"


def test_names_are_hidden_in_every_form() -> None:
    words = {"Mueller_Hans": "case-1", "7": "case-2", "/home/ward": "~", "1234567": "patient-1"}
    hidden = diagnostics.hide(
        'mueller_hans_seg.nii.gz, /data/My Scans/Other One.nii.gz, case 7 of 17, Dice 0.7, "C:\\scans\\A B\\x.dcm", '
        'File "/home/ward/venv/lib/python3.11/site-packages/napari_medssl/ui/board.py", line 7x, '
        "/home/ward/notes, ID 1234567.",
        words,
    )
    for secret in ("mueller", "My Scans", "Other One", "A B", "ward", "1234567"):
        assert secret.casefold() not in hidden.casefold(), secret
    assert "case case-2 of 17" in hidden
    assert "Dice 0.7" in hidden
    assert "napari_medssl/ui/board.py" in hidden, "where a fault came up is no secret"


def test_the_menu_copies_diagnostics(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_doctor", lambda root: "ok    Memory: plenty")
    (action,) = [a for a in bench.widget.header.help.actions() if a.text() == "Copy diagnostics"]
    QApplication.clipboard().clear()
    action.trigger()
    bench.until(lambda: "Memory: plenty" in QApplication.clipboard().text())
    assert bench.state.message[1].startswith("Diagnostics are on the clipboard")


def test_a_fault_is_a_notification_with_what_to_do_and_a_button(bench: Bench) -> None:
    from napari.utils.notifications import notification_manager

    before = len(notification_manager.records)
    jobs = bench.widget.session._jobs
    jobs.submit("look", lambda: {}["nothing"], lambda _: None, bench.widget.session.board.failed)
    bench.until(lambda: len(notification_manager.records) > before)
    note = notification_manager.records[-1]
    assert note.message == faults.WHAT_TO_DO
    assert [name for name, _ in note.actions] == ["Copy diagnostics"]
    assert "Traceback" not in note.message
    assert "KeyError" in bench.widget.session.board.fault
    bench.widget.session.board.failed(ProjectError("A thing that people can mend."))
    assert notification_manager.records[-1] is note, "what people can mend is told in the dock only"


def test_faults_of_our_own_code_are_caught_and_others_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari.utils.notifications import notification_manager

    monkeypatch.setattr(sys, "excepthook", notification_manager.receive_error)
    left: list[BaseException] = []
    monkeypatch.setattr(notification_manager, "dispatch", left.append)
    caught: list[Exception] = []
    end = faults.catch(caught.append)
    for work in (lambda: keycard.search(None, ""), lambda: 1 / 0):  # type: ignore[arg-type]
        try:
            work()
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
    assert [type(error) for error in caught] == [TypeError]
    assert len(left) == 1
    end()
    assert sys.excepthook.__self__ is notification_manager  # type: ignore[attr-defined]


def test_another_hook_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(*_: object) -> None:
        """A debugger's."""

    monkeypatch.setattr(sys, "excepthook", mine)
    faults.catch(lambda error: None)()
    assert sys.excepthook is mine


def test_pages_are_read_here_and_links_lead_on(qtbot: Any, repository: Path) -> None:
    assert wiring.help.docs_folder() == repository / "docs"
    reader = Reader(repository / "docs")
    qtbot.addWidget(reader)
    reader.open("in-napari.md")
    assert "one dock on the right" in reader.page.toPlainText()
    reader.page.anchorClicked.emit(reader.page.source().resolved(type(reader.page.source())("uncertainty.md")))
    assert reader.page.source().fileName() == "uncertainty.md"
    assert len(reader.page.toPlainText()) > 500
    reader.back.click()
    assert reader.page.source().fileName() == "in-napari.md"
    reader.show()
    reader.open("tutorial.md")
    assert reader.page.horizontalScrollBar().maximum() == 0, "pictures are no wider than the page"


def test_an_error_of_the_disk_says_what_to_do() -> None:
    board = Board()
    board.failed(PermissionError(errno.EACCES, "Permission denied", "/data/x.nii"))
    assert board.state.message is not None
    assert board.state.message[1].startswith("/data/x.nii: Permission denied. What to do: ")
    assert not board.fault


def test_a_message_that_fails_does_not_take_others_with_it() -> None:
    mailbox, came = Mailbox(), []
    mailbox.post(lambda: came.append("first"))
    mailbox.post(lambda: {}["nothing"])
    mailbox.post(lambda: came.append("saved"))
    mailbox.post(lambda: came.append("old"), "status")
    with pytest.raises(KeyError):
        mailbox.drain()
    mailbox.post(lambda: came.append("new"), "status")
    mailbox.drain()
    assert came == ["first", "saved", "new"]


def test_the_state_without_a_project_can_be_told() -> None:
    from napari_medssl.ui.state import Facts

    told = diagnostics.gather(replace(Facts(), message=("error", "odd")), "")
    assert (told.root, told.run, told.message) == (None, None, "odd")


def controls_of(widget: QWidget) -> list[QWidget]:
    """What a person can press, write into or choose from; not what Qt puts into its own widgets."""
    kinds = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QPlainTextEdit, QSlider, QAbstractItemView)
    own = QAbstractSpinBox | QComboBox | QLineEdit | QHeaderView | QAbstractItemView | QComboBox
    return [
        child
        for kind in kinds
        for child in widget.findChildren(kind)
        if not isinstance(child, QHeaderView)
        and not child.objectName().startswith("qt_")
        and child.metaObject().className()
        not in ("QTableCornerButton", "QComboBoxListView", "QComboBoxPrivateContainer")
        and not any(isinstance(above, own) for above in _above(child, widget))
    ]


def _above(child: QWidget, top: QWidget) -> Iterator[QWidget]:
    while (child := child.parentWidget()) is not None and child is not top:
        yield child


def checking(root: Path) -> Any:
    """A check of scans that a dialog starts."""
    checks = CheckDesk(DirectJobs())
    return lambda then, failed: checks.files([], (), then, failed)


DIALOGS: dict[str, Callable[[Path], QDialog]] = {
    "comment": lambda root: CommentDialog("case-1", ""),
    "audit": lambda root: AuditDialog(AuditPlan(("Ann",), ("case-1",), left=3)),
    "structures": lambda root: ClassDialog((ClassFacts(1, "liver", "#ff0000"),), lambda *_: None),
    "new project": lambda root: NewProjectDialog(projects.look_into(root / "scans"), checking(root)),
    "check": lambda root: CheckDialog(checking(root)),
    "import labels": lambda root: ImportLabelsDialog((), lambda *_: None, (ClassFacts(1, "liver", "#ff0000"),)),
    "layer": lambda root: LayerDialog("case-1", "mask", {1: 9, 4: 2}, {1: 1}, (ClassFacts(1, "liver", "#ff0000"),)),
    "history": lambda root: HistoryDialog(
        History("case-1", (HistoryLine("1", ("2026-01-01", "ann", "draft", "drawn", "", ""), True),), "1")
    ),
    "keys": lambda root: KeysCard(keycard.rows(("Alt-A",), ("Alt-A",), {})),
    "pages": lambda root: Reader(root),
}


def test_all_dialogs_are_looked_at(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    made = {name: make(tmp_path) for name, make in DIALOGS.items()}
    for dialog in made.values():
        qtbot.addWidget(dialog)
    ours = {kind for kind in QDialog.__subclasses__() if kind.__module__.startswith("napari_medssl.")}
    assert ours == {type(dialog) for dialog in made.values()}


@pytest.mark.parametrize("name", DIALOGS)
def test_every_control_of_a_dialog_has_a_name_and_a_tooltip(qtbot: Any, tmp_path: Path, name: str) -> None:
    make_project(tmp_path)
    dialog = DIALOGS[name](tmp_path)
    qtbot.addWidget(dialog)
    found = controls_of(dialog)
    assert found
    for control in found:
        assert control.accessibleName() or getattr(control, "text", str)(), control
        assert control.toolTip(), f"{control} {control.text() if hasattr(control, 'text') else ''}"


def test_every_control_of_the_dock_and_its_menus_has_a_name_and_a_tooltip(bench: Bench) -> None:
    bench.open("case-2")
    bench.widget.train_page.more.setChecked(True)
    wiring.progress.show(bench.widget)
    for control in controls_of(bench.widget):
        assert control.accessibleName() or getattr(control, "text", str)(), control
        assert control.toolTip(), f"{control} {control.accessibleName()}"
    for menu in bench.widget.header.findChildren(QMenu):
        for action in menu.actions():
            if not action.isSeparator() and action.menu() is None:
                assert action.toolTip() != action.text().replace(" …", ""), action.text()
