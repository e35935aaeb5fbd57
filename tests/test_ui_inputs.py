"""What goes into the dock: the wheel chooses nothing, numbers are read in every locale, names are no HTML."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QLocale, QPoint, QPointF, Qt
from qtpy.QtGui import QTextDocument, QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QScrollBar,
    QTabBar,
    QWidget,
)
from test_ui_widget import Bench, choose

from napari_medssl.methods.catalog import CATALOG
from napari_medssl.project import Project
from napari_medssl.project.classes import ClassInfo
from napari_medssl.ui.numbers import may_become_number, number_text, read_number
from napari_medssl.ui.panels.class_table import ClassTable
from napari_medssl.ui.panels.number_box import NumberBox, WholeBox
from napari_medssl.ui.panels.parts import combo, plain, scrolling, slider, text
from napari_medssl.ui.panels.progress import ProgressPanel
from napari_medssl.ui.panels.train import TrainPage

UI = Path(__file__).resolve().parents[1] / "napari_medssl" / "ui"
CHOICES = (QComboBox, QAbstractSpinBox, QAbstractSlider, QTabBar)
LOCALES = ("de_DE", "fr_FR", "en_US", "C", "ar_EG")
EVIL = ("<b>bold</b>", '<img src="http://127.0.0.1/x.png">', "a<br>b & c&lt;")


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    from fixtures import make_project

    make_project(tmp_path)
    return Bench(qtbot, tmp_path / "project")


def turn_wheel(widget: QWidget | None, notches: int = -1) -> None:
    """Turn the wheel over the middle of a widget; what it ignores is its parent's, as Qt does with a real mouse."""
    while widget is not None:
        middle = widget.rect().center()
        event = QWheelEvent(
            QPointF(middle), QPointF(widget.mapToGlobal(middle)), QPoint(0, 0), QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)
        if event.isAccepted():
            return
        widget = widget.parentWidget()


def choices(root: QWidget) -> Iterator[QWidget]:
    """All controls of a widget that a wheel could change."""
    for child in root.findChildren(QWidget):
        if isinstance(child, CHOICES) and not isinstance(child, QScrollBar):
            yield child


def value_of(control: Any) -> Any:
    if isinstance(control, QComboBox | QTabBar):
        return control.currentIndex()
    return control.value()


def check_calm(root: QWidget) -> int:
    """No wheel changes anything in a widget; how many controls were tried."""
    count = 0
    for control in choices(root):
        for notches in (-1, 1):
            before = value_of(control)
            turn_wheel(control, notches)
            assert value_of(control) == before, (control, control.accessibleName())
        assert not control.focusPolicy() & Qt.FocusPolicy.WheelFocus & ~Qt.FocusPolicy.StrongFocus, control
        count += 1
    return count


# --- the wheel


@pytest.mark.parametrize("method", CATALOG)
def test_the_wheel_changes_nothing_in_the_dock(bench: Bench, method: str) -> None:
    bench.open("case-2")
    choose(bench.widget.train_page.method, method)
    bench.widget.train_page.more.setChecked(True)
    bench.widget.label_page.tools.fold.setChecked(True)
    tools = bench.widget.label_page.tools
    for row in range(tools.tools.count()):
        if tools.tools.itemData(row):
            tools.tools.setCurrentIndex(row)
            tools._draw_tool()
    for page in ("Label", "Train", "Review"):
        bench.widget.show_page(page)
        assert check_calm(bench.widget) > 40


def test_the_wheel_changes_nothing_beside_the_dock(bench: Bench, qtbot: Any) -> None:
    table = ClassTable(bench.widget.session.state.classes, drawn=True)
    panel = ProgressPanel()
    for made in (table, panel):
        qtbot.addWidget(made)
        made.show()
        assert check_calm(made)


def test_a_page_scrolls_where_the_wheel_passes_a_choice(qtbot: Any) -> None:
    from qtpy.QtWidgets import QVBoxLayout

    page = QWidget()
    layout = QVBoxLayout(page)
    box = combo("Part", "Which part.")
    box.addItems(["this region", "the whole case"])
    layout.addWidget(box)
    layout.addWidget(NumberBox("Number", "A number."))
    layout.addWidget(slider("Slider", "A slider.", 1, 10))
    filler = QWidget()
    filler.setMinimumHeight(2000)
    layout.addWidget(filler)
    area = scrolling(page)
    area.resize(200, 300)
    qtbot.addWidget(area)
    with qtbot.waitExposed(area):
        area.show()
    for control in list(choices(page)):
        area.verticalScrollBar().setValue(0)
        turn_wheel(control)
        assert area.verticalScrollBar().value() > 0, control
        assert box.currentIndex() == 0


def test_who_clicks_into_a_box_may_use_the_wheel_until_the_mouse_leaves(qtbot: Any) -> None:
    from qtpy.QtCore import QEvent

    box = NumberBox("Number", "A number.")
    box.setValue(5)
    qtbot.addWidget(box)
    box.show()
    with qtbot.waitActive(box):
        box.activateWindow()
    box.setFocus(Qt.FocusReason.TabFocusReason)
    turn_wheel(box)
    assert box.value() == 5, "the tab key is no click"
    box.clearFocus()
    box.setFocus(Qt.FocusReason.MouseFocusReason)
    turn_wheel(box, 1)
    assert box.value() > 5
    now = box.value()
    QApplication.sendEvent(box, QEvent(QEvent.Type.Leave))
    turn_wheel(box, 1)
    assert box.value() == now


def test_every_choice_is_made_where_the_wheel_is_kept_from_it() -> None:
    """A control that is made of Qt's class itself would change under the wheel."""
    names = {"QComboBox", "QSpinBox", "QDoubleSpinBox", "QSlider", "QTabWidget", "QTabBar", "QDial", "QLabel"}
    for path in sorted(UI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                assert path.name == "parts.py", f"{path.name}:{node.lineno} makes a {node.func.id}; use panels/parts.py"


# --- numbers


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("12.5", 12.5), ("12,5", 12.5), ("-100,5", -100.5), ("−3", -3.0), (",5", 0.5), (".5", 0.5), ("5,", 5.0),
        ("1e-4", 1e-4), ("1,5E3", 1500.0), ("1.234,5", 1234.5), ("1,234.5", 1234.5), ("1 234,5", 1234.5),
        ("1\u202f234,5", 1234.5), ("1'234.5", 1234.5), ("1.234.567", 1234567.0), ("1,234,567.25", 1234567.25),
        ("1.234", 1.234), ("1,234", 1.234), ("٣٫٥", 3.5), ("१२", 12.0), (" 7 ", 7.0), ("+2", 2.0), ("0,0031", 0.0031),
    ],
)  # fmt: skip
def test_a_comma_and_a_point_mean_the_same(words: str, value: float) -> None:
    assert read_number(words) == pytest.approx(value)
    assert may_become_number(words)


@pytest.mark.parametrize(
    "words", ["", "-", ".", "1e-", "1..2", "1.2,3.4", "12.34.5", "nan", "inf", "1e999", "abc", "1 23", "1,2,3", "²"]
)
def test_what_is_no_number_is_none(words: str) -> None:
    assert read_number(words) is None


@pytest.mark.parametrize("words", ["", "-", ".", "1e-", "1.234,", "٣"])
def test_what_may_become_one_can_be_typed(words: str) -> None:
    assert may_become_number(words)


@pytest.mark.parametrize("value", [0.25, 12.5, 0.0031, 0.0001234, -100.5, 1729.0, 1e6, 0.1, 0.0, 2.0 / 3, 123456.0])
def test_what_is_shown_reads_as_what_it_is(value: float) -> None:
    shown = number_text(value, 10)
    assert "e" not in shown
    assert read_number(shown) == pytest.approx(value, rel=1e-4)


@pytest.fixture(params=LOCALES)
def locale(request: pytest.FixtureRequest) -> Iterator[str]:
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def type_into(qtbot: Any, box: Any, words: str) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, words)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def numbers(root: QWidget) -> list[Any]:
    return [box for box in root.findChildren(QAbstractSpinBox) if box.isEnabled()]


def test_every_number_box_of_the_dock_reads_both_in_every_locale(qtbot: Any, tmp_path: Path, locale: str) -> None:
    from fixtures import make_project

    make_project(tmp_path)
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    choose(bench.widget.train_page.method, "bcp")
    bench.widget.train_page.more.setChecked(True)
    bench.widget.label_page.tools.fold.setChecked(True)
    tried = 0
    for page in ("Label", "Train", "Review"):
        bench.widget.show_page(page)
        for box in [one for one in numbers(bench.widget) if one.isVisible()]:
            assert isinstance(box, NumberBox | WholeBox), box.accessibleName()
            before = box.value()
            qtbot.keyClick(box, Qt.Key.Key_Return)
            assert box.value() == before, (box.accessibleName(), "confirmed as it was")
            low, high = box.minimum(), box.maximum()
            if isinstance(box, QDoubleSpinBox) and box.decimals():
                wanted = next(value for value in (2.5, 0.5, 0.05, 100.5) if low <= value <= high)
                for words in (str(wanted), str(wanted).replace(".", ",")):
                    type_into(qtbot, box, words)
                    assert box.value() == pytest.approx(wanted), (box.accessibleName(), words)
            else:
                wanted = next(value for value in (7, 3, 1000, high) if low <= value <= high)
                type_into(qtbot, box, str(wanted))
                assert box.value() == wanted, box.accessibleName()
            tried += 1
    assert tried > 10


def test_a_number_with_more_digits_than_are_shown_stays_when_it_is_confirmed(qtbot: Any, locale: str) -> None:
    for value in (0.1234567, 1234.5678, -987654.321):
        box = NumberBox("Number", "A number.")
        qtbot.addWidget(box)
        box.setValue(value)
        box.show()
        told: list[float] = []
        box.valueChanged.connect(told.append)
        box.setFocus()
        qtbot.keyClick(box, Qt.Key.Key_Return)
        assert (box.value(), told) == (value, [])


def test_a_number_out_of_range_becomes_the_nearest(qtbot: Any) -> None:
    box, whole = NumberBox("Number", "A number.", 0.1, 10), WholeBox("Whole", "A whole number.", 0, 9)
    for made in (box, whole):
        qtbot.addWidget(made)
        made.show()
    for words, value in (("0", 0.1), ("1e9", 10), ("-5", 0.1)):
        type_into(qtbot, box, words)
        assert box.value() == value
    type_into(qtbot, whole, "99999999999")
    assert whole.value() == 9
    type_into(qtbot, whole, "2,5")
    assert whole.value() == 9, "half a slice is no number of slices"


def test_minutes_typed_with_a_decimal_keep_it(bench: Bench, locale: str) -> None:
    page = bench.widget.train_page
    bench.widget.show_page("Train")
    for words, value in (("1.5", 1.5), ("1,5", 1.5), ("45", 45.0), ("0.25", 0.25)):
        type_into(bench.qtbot, page.minutes, words)
        assert page.minutes.value() == value
        assert bench.state.train.intent.minutes == value


def test_minutes_can_be_typed_over_those_of_the_paper(bench: Bench) -> None:
    page = bench.widget.train_page
    bench.widget.show_page("Train")
    choose(page.method, "bcp")
    choose(page.preset, "paper")
    assert page.minutes.text().startswith("As published")
    type_into(bench.qtbot, page.minutes, "1,5")
    assert bench.state.train.intent.minutes == 1.5
    type_into(bench.qtbot, page.minutes, "0")
    assert bench.state.train.intent.minutes is None
    assert page.minutes.text().startswith("As published")


def test_a_form_reads_a_comma_in_numbers_that_span_decades(qtbot: Any, locale: str) -> None:
    from napari_medssl.ui.forms import OptionsForm

    form = OptionsForm(CATALOG["supervised"].options)
    form._widgets["weight_decay"].native.setText("0,0002")
    assert form.value() == {"weight_decay": 0.0002}


# --- names


def shown_as_it_is(words: str, name: str) -> bool:
    """Whether Qt, which takes what looks like HTML for HTML, shows a name letter by letter, and loads nothing."""
    document = QTextDocument()
    if "<" in words or "&lt;" in words:
        document.setHtml(words)
    else:
        document.setPlainText(words)
    return name in document.toPlainText().replace("\u2028", "\n")


def test_no_name_is_rendered_as_html(qtbot: Any, tmp_path: Path) -> None:
    from fixtures import make_project

    project = make_project(tmp_path)
    bench = Bench(qtbot, None)
    rename(project, EVIL)
    bench.widget.open_folder(tmp_path / "project")
    bench.until(lambda: bench.state.has_project)
    bench.open("case-2")
    bench.widget.session.board.say("error", f"{EVIL[1]}: cannot be read.")
    bench.widget.session.list.comment("case-2", EVIL[2])
    bench.until(lambda: any(case.comment == EVIL[2] for case in bench.state.cases))
    seen = {name: 0 for name in EVIL}
    for child in (bench.widget, *bench.widget.findChildren(QWidget)):
        if isinstance(child, QLabel) and any(name in child.text() for name in EVIL):
            assert child.textFormat() == Qt.TextFormat.PlainText, child.text()
            for name in EVIL:
                seen[name] += name in child.text()
        tip = child.toolTip()
        for name in EVIL:
            if name in tip:  # a tooltip with the bare name in it would be HTML
                assert shown_as_it_is(tip, name), tip
    table = bench.widget.cases.table.model()
    for row in range(table.rowCount()):
        tip = table.index(row, 0).data(Qt.ItemDataRole.ToolTipRole)
        if "&amp; c" in tip:
            assert shown_as_it_is(tip, EVIL[2])
            seen[EVIL[2]] += 1
    assert all(seen.values()), seen


def rename(project: Project, names: tuple[str, ...]) -> None:
    """Give project and structures names that look like HTML."""
    from dataclasses import replace

    from napari_medssl.disk import read_json, write_json

    path = Path(project.root) / "project.json"
    values = read_json(path)
    assert values is not None
    values["name"] = names[0]
    write_json(path, values)
    again = Project.open(project.root)
    again.set_classes(tuple(replace(one, name=name) for one, name in zip(again.classes, names, strict=False)))
    assert isinstance(again.classes[0], ClassInfo)


@pytest.mark.parametrize("name", EVIL)
def test_labels_and_tooltips_show_what_looks_like_html(qtbot: Any, name: str) -> None:
    made = text(name)
    qtbot.addWidget(made)
    assert made.textFormat() == Qt.TextFormat.PlainText
    assert shown_as_it_is(plain(f"Lock {name}\nsecond line"), name)


def test_a_tooltip_without_tags_is_as_it_was() -> None:
    assert plain("Values > 100 & more") == "Values > 100 & more"


def test_every_tooltip_goes_through_the_one_helper() -> None:
    """What is not written in the code may hold a name."""
    for path in sorted(UI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr == "setToolTip":
                words = node.args[-1]
            elif node.func.attr in ("setItemData", "setData") and "ToolTipRole" in ast.unparse(node):
                words = node.args[1]
            else:
                continue
            calm = isinstance(words, ast.Constant) or ast.unparse(words).startswith("plain(")
            assert calm or path.name == "run_model.py", f"{path.name}:{node.lineno}: wrap it in plain(…)"


def test_the_train_page_stands_without_a_project(qtbot: Any) -> None:
    page = TrainPage()
    qtbot.addWidget(page)
    assert page.minutes.value() == 10
