"""The case list: what it says, what it finds, what can be decided in it; and its pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import balls, made_run, make_project, write_scan
from PIL import Image
from qtpy.QtCore import Qt
from test_project_bad_files import damage
from test_ui_session import DirectJobs, World, propose
from test_ui_widget import Bench

from napari_medssl.project import Project, import_images, read_audit, read_refused
from napari_medssl.ui.casefacts import CaseFacts, last_of
from napari_medssl.ui.caselist import COLUMNS, Line, cell, continue_with, lines, matches, possible, sort_key
from napari_medssl.ui.casesdesk import AuditPlan, plan_audit
from napari_medssl.ui.panels.case_dialogs import AuditDialog
from napari_medssl.ui.state import STATUS_TEXT
from napari_medssl.ui.thumbnails import SIZE, ThumbnailDesk, thumbnail


def line(name: str = "a", status: str = "new", **more: Any) -> Line:
    return Line(name, CaseFacts(name, status, **more))


# --- pure


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_sorts_and_says_something(column: Any) -> None:
    full = line("b", "labelled", score=0.4, patient="P2", run="bcp-001", seen=0.5, minutes=12.0, flagged=True)
    empty = line("a", "new")
    assert cell(full.case, column, STATUS_TEXT.__getitem__)
    assert sorted([full, empty], key=sort_key(column)) in ([full, empty], [empty, full])


def test_shares_are_not_rounded_to_all_or_nothing() -> None:
    said = [cell(CaseFacts("a", "draft", seen=share), "seen", str) for share in (0.0, 0.001, 0.5, 0.9999, 1.0)]
    assert said == ["0 %", "< 1 %", "50 %", "> 99 %", "100 %"]


def test_names_sort_as_people_count() -> None:
    names = [one.key for one in sorted([line("p10"), line("p2")], key=sort_key("case"))]
    assert names == ["p2", "p10"]


def test_the_search_looks_at_name_patient_and_comment() -> None:
    one = line("scan-1", patient="Miller", comment="ask about the cyst")
    assert all(matches(one, words, "") for words in ("SCAN", "mill", "cyst ask", "scan miller"))
    assert not matches(one, "scan smith", "")
    assert not matches(one, "", "labelled")
    assert not matches(one, "", "flagged")
    assert matches(line(status="unreadable"), "", "unusable")


def test_what_can_be_asked_depends_on_what_is_chosen() -> None:
    assert set(possible([line()], False)) == {"open", "flag", "comment", "history", "exclude", "audit"}
    assert set(possible([line(flagged=True), line("b", flagged=True)], False)) == {"unflag", "exclude", "audit"}
    assert set(possible([line(status="excluded")], False)) == {"open", "flag", "comment", "history", "include", "audit"}
    assert "again" in possible([line(status="unreadable")], False)
    assert set(possible([Line("/x", CaseFacts("x", "refused"), True)], False)) == {"again", "forget"}
    assert possible([line()], True)["audit"]
    assert possible([], False) == {}


def test_one_goes_on_with_ones_own_draft_else_with_what_is_suggested() -> None:
    mine = CaseFacts("mine", "draft", by=(("anna", "2026"),))
    theirs = CaseFacts("theirs", "draft", by=(("ben", "2027"),))
    done = CaseFacts("done", "labelled", by=(("anna", "2028"),))
    assert last_of("anna", [mine, theirs]) is mine
    assert last_of("carl", [mine, theirs]) is None
    assert last_of("anna", [replace(mine, status="unreadable")]) is None
    offer = continue_with([mine, theirs], "anna", "next", "why")
    assert offer is not None
    assert offer.case == "mine"
    offer = continue_with([mine, done], "anna", "next", "unsure")
    assert offer is not None
    assert (offer.case, "done" in offer.why) == ("next", True)
    assert continue_with([done], "anna", None, "") is None


# --- the desk, with a project on disk


@pytest.fixture
def world(tmp_path: Path) -> World:
    make_project(tmp_path, unlabelled=3, patients={3: "p", 4: "p"})
    return World(tmp_path / "project")


def fact(world: World, name: str) -> CaseFacts:
    return next(case for case in world.session.state.cases if case.name == name)


def test_the_list_tells_share_minutes_and_whose_proposal(world: World) -> None:
    propose(world, "case-3")
    case = world.project.case("case-2")
    labels = np.full(case.grid.shape, 255, np.uint8)
    labels[: case.grid.shape[0] // 2] = 1
    case.save_labels(labels, author="anna", origin="drawn", minutes=2.0, complete=False)
    case.save_labels(labels, author="ben", origin="drawn", minutes=3.5, complete=False)
    world.session.refresh()
    two = fact(world, "case-2")
    assert (two.seen, two.minutes, [who for who, _ in two.by]) == (0.5, 5.5, ["anna", "ben"])
    assert fact(world, "case-3").run == "bcp-001"
    assert fact(world, "case-0").seen == 1.0
    assert world.session.state.carry_on is not None
    assert world.session.state.carry_on.case == "case-2"
    world.session.cases.open("case-3")
    assert world.session.state.carry_on is None, "only while no case is open"


def test_flag_comment_leave_out_and_take_back(world: World) -> None:
    desk = world.session.list
    desk.flag(["case-2", "case-3"])
    desk.comment("case-2", "look again")
    desk.exclude(["case-3"], "blurred")
    assert (fact(world, "case-2").flagged, fact(world, "case-2").comment) == (True, "look again")
    assert (fact(world, "case-3").status, fact(world, "case-3").note) == ("excluded", "blurred")
    desk.include(["case-3"])
    desk.flag(["case-2"], False)
    assert (fact(world, "case-3").status, fact(world, "case-2").flagged) == ("new", False)


def test_an_audit_set_is_frozen_once_with_all_scans_of_the_patient(world: World) -> None:
    plans: list[AuditPlan] = []
    world.session.list.plan_audit(["case-3"], plans.append)
    assert (plans[0].patients, plans[0].cases, plans[0].left) == (("p",), ("case-3", "case-4"), 3)
    assert not plans[0].refusal
    world.session.list.freeze(["case-3"])
    assert fact(world, "case-4").audit
    assert world.session.state.frozen
    world.session.list.freeze(["case-2"])
    assert (world.session.state.message or ("", ""))[0] == "error"
    assert plan_audit(world.project, ["case-2"]).refusal


def test_what_a_model_has_learnt_from_cannot_be_audited(world: World) -> None:
    made_run(world.project, "bcp")
    refusal = plan_audit(world.project, ["case-3"]).refusal
    assert "case-3 (bcp-001)" in refusal, "unlabelled scans are learnt from, too"
    world.session.list.freeze(["case-3"])
    assert read_audit(world.project.root) is None


def test_a_damaged_case_is_one_message_and_the_list_goes_on(world: World) -> None:
    whole = damage(world.project.case("case-2").images[0])
    assert world.session.state.next_case == "case-2"
    world.session.open_next()
    level, words = world.session.state.message or ("", "")
    assert (level, "case-2" in words) == ("error", True)
    assert fact(world, "case-2").status == "unreadable"
    assert words == fact(world, "case-2").note
    world.session.open_next()
    assert world.session.state.current == "case-3"
    world.session.list.try_again(["case-2"])
    assert (world.session.state.message or ("",))[0] == "warning"
    world.project.case("case-2").images[0].write_bytes(whole)
    world.session.list.try_again(["case-2"])
    assert fact(world, "case-2").status == "new"


def test_refused_files_are_in_the_list_until_they_are_taken_or_forgotten(world: World, tmp_path: Path) -> None:
    torn = [write_scan(tmp_path / "more", name, "3d", balls((8, 8, 8), 1)[0])[0] for name in ("one", "two")]
    whole = [damage(path) for path in torn]
    world.session.add_scans(torn)
    shown = lines(world.session.state.cases, world.session.state.refused)
    assert [one.case.name for one in shown if one.refused] == ["one_0.nii", "two_0.nii"]
    torn[0].write_bytes(whole[0])
    world.session.list.try_again([str(torn[0])])
    assert fact(world, "one_0").status == "new"
    world.session.list.forget([str(torn[1])])
    assert world.session.state.refused == ()
    assert read_refused(world.project.root) == ()


# --- thumbnails


def test_a_thumbnail_shows_the_scan_and_its_labels_and_is_kept(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    pixels = thumbnail(project, "case-0")
    assert pixels.dtype == np.uint8
    assert max(pixels.shape[:2]) == SIZE
    orange = (pixels == [0xE6, 0x9F, 0x00]).all(axis=-1)
    assert 0 < orange.sum() < pixels.shape[0] * pixels.shape[1] / 4, "an outline, not an area"
    plain = thumbnail(project, "case-2")
    assert (plain == plain[..., :1]).all()
    (kept,) = [path for path in (project.cache_folder / "thumbnails").iterdir() if (_of(path) == pixels).all()]
    marked = np.zeros_like(pixels)
    Image.fromarray(marked).save(kept)
    np.testing.assert_array_equal(thumbnail(project, "case-0"), marked)  # read, not made
    kept.write_bytes(b"no picture")
    np.testing.assert_array_equal(thumbnail(project, "case-0"), pixels)
    case = project.case("case-0")
    case.save_labels(np.zeros(case.grid.shape, np.uint8), author="a", origin="drawn")
    assert (thumbnail(project, "case-0") == thumbnail(project, "case-0")[..., :1]).all(), "the old picture is stale"
    assert not kept.exists()


def _of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


@pytest.mark.parametrize("kind", ["raster", "thick"])
def test_thumbnails_of_flat_images_and_thick_slices(tmp_path: Path, kind: str) -> None:
    pixels = thumbnail(make_project(tmp_path, kind), "case-0")
    assert pixels.shape[2] == 3
    assert pixels.std() > 10


def test_only_what_is_in_sight_is_made_and_only_once(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    damage(project.case("case-2").images[0])
    shown, troubles = [], []

    class Later(DirectJobs):
        """Does things when told to."""

        def __init__(self) -> None:
            self.waiting: list[Any] = []

        def submit(self, *job: Any) -> None:
            self.waiting.append(job)

        def go(self) -> None:
            DirectJobs.submit(self, *self.waiting.pop(0))

    jobs = Later()
    desk = ThumbnailDesk(jobs, lambda: troubles.append(1))
    desk.listen(lambda name, pixels: shown.append(name))
    desk.take(project.root)
    desk.want([("case-0", 1), ("case-1", 1)])
    desk.want([("case-2", 1), ("case-3", 1)])  # scrolled on before the first was made
    while jobs.waiting:
        jobs.go()
    assert shown == ["case-0", "case-3"]
    assert troubles == [1]
    desk.want([("case-0", 1), ("case-3", 2)])
    while jobs.waiting:
        jobs.go()
    assert shown == ["case-0", "case-3", "case-3"], "labels changed"
    desk.want([("case-0", 1)], lambda name: True)
    jobs.go()
    assert shown[-1] == "case-0", "the screen had let go of it"


# --- the panel


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    project = make_project(tmp_path)
    project.case("case-2").comment_on("cyst?")
    return Bench(qtbot, tmp_path / "project")


def test_a_project_opens_at_what_to_go_on_with(bench: Bench) -> None:
    panel = bench.widget.cases
    assert panel.carry_on.isVisible()
    assert panel.carry_on.text() == "Begin with case-2"
    assert [chosen.key for chosen in panel.chosen()] == ["case-2"]
    bench.qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    bench.until(lambda: bench.state.actions.title == "case-2")
    assert not panel.carry_on.isVisible()


def test_pictures_come_for_lines_in_sight(bench: Bench) -> None:
    model = bench.widget.cases.model
    bench.until(lambda: all(model.has_picture(f"case-{number}") for number in range(4)))
    icon = model.index(0, 0).data(Qt.ItemDataRole.DecorationRole)
    assert (icon.width(), icon.height()) != (0, 0)
    assert not icon.isNull()


def test_buttons_and_menu_do_what_they_say(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = bench.widget.cases
    panel.choose("case-3")
    bench.click(panel.buttons["flag"])
    bench.until(lambda: bench.state.cases[3].flagged)
    assert panel.buttons["flag"].text() == "Unflag"
    assert [chosen.key for chosen in panel.chosen()] == ["case-3"], "the choice outlives the change"
    monkeypatch.setattr("napari_medssl.ui.wiring.cases.ask_comment", lambda *_: "hello")
    bench.click(panel.buttons["comment"])
    bench.until(lambda: bench.state.cases[3].comment == "hello")
    monkeypatch.setattr("napari_medssl.ui.wiring.cases.ask_reason", lambda *_: "blurred")
    panel._fill(panel._more)
    entries = {entry.text(): entry for entry in panel._more.actions()}
    entries["Leave out …"].trigger()
    bench.until(lambda: bench.state.cases[3].status == "excluded")
    monkeypatch.setattr("napari_medssl.ui.wiring.cases.ask_audit", lambda *_: True)
    panel.choose("case-2")
    panel._fill(panel._more)
    {entry.text(): entry for entry in panel._more.actions()}["Set aside for audit …"].trigger()
    bench.until(lambda: bench.state.frozen)
    assert "· audit" in panel.model.index(2, 1).data()


def test_columns_come_and_go_and_sort(bench: Bench) -> None:
    panel = bench.widget.cases
    shown = [column for place, column in enumerate(COLUMNS) if not panel.table.isColumnHidden(place)]
    assert shown == ["case", "status", "doubt"]
    for entry in panel._columns.actions():
        entry.setChecked(True)
    assert not any(panel.table.isColumnHidden(place) for place in range(len(COLUMNS)))
    panel.table.sortByColumn(COLUMNS.index("comment"), Qt.SortOrder.AscendingOrder)
    assert panel.names()[0] == "case-2"
    panel.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert panel.names()[0] == "case-3"
    bench.qtbot.keyClicks(panel.filter, "cyst")
    assert panel.names() == ["case-2"]
    bench.qtbot.keyClick(panel.filter, Qt.Key.Key_Return)
    bench.until(lambda: bench.state.actions.title == "case-2")


def test_the_audit_dialog_wants_to_be_sure(qtbot: Any) -> None:
    dialog = AuditDialog(AuditPlan(("p",), ("a", "b"), 5))
    qtbot.addWidget(dialog)
    from qtpy.QtWidgets import QPushButton

    ok = next(made for made in dialog.findChildren(QPushButton) if made.text() == "Set aside")
    assert not ok.isEnabled()
    dialog.sure.setChecked(True)
    assert ok.isEnabled()
    assert "2 scans" in dialog.words.text()
    refused = AuditDialog(AuditPlan(("p",), ("a",), 5, "There is one already."))
    qtbot.addWidget(refused)
    assert "There is one already." in refused.words.text()
    assert not [made for made in refused.findChildren(QPushButton) if made.text() == "Set aside"]


def test_scrolling_ten_thousand_lines_computes_nothing_slow(bench: Bench) -> None:
    from time import process_time

    many = tuple(CaseFacts(f"scan-{n:05d}", "new", score=n / 10_000, patient=f"P{n % 97}") for n in range(10_000))
    panel = bench.widget.cases
    panel.draw(replace(bench.state, cases=many))
    panel.table.sortByColumn(COLUMNS.index("patient"), Qt.SortOrder.AscendingOrder)
    bar = panel.table.verticalScrollBar()
    begin = process_time()
    for step in range(60):
        bar.setValue(step * 150)
        panel.table.viewport().repaint()
    assert process_time() - begin < 2.0  # of the processor; 30 frames a second are 60 in 2 s
    begin = process_time()
    panel.draw(replace(bench.state, cases=many, busy="something else"))
    assert process_time() - begin < 0.02, "the same cases again cost nothing"


def test_the_choice_of_a_project_is_undisturbed_by_news(bench: Bench) -> None:
    panel = bench.widget.cases
    panel.choose("case-3")
    import_images(Project.open(bench.widget.session.board.facts.project.root), write_new(bench))
    bench.widget.session.refresh()
    bench.until(lambda: len(panel.names()) == 5)
    assert [chosen.key for chosen in panel.chosen()] == ["case-3"]


def write_new(bench: Bench) -> Path:
    """One more scan, beside the project."""
    root = bench.widget.session.board.facts.project.root
    return write_scan(root.parent / "new", "another", "3d", balls((8, 8, 8), 3)[0])[0]
