"""How the work goes on: what revisions tell, learning curve, effort, confusion, and the numbers as files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project

from napari_medssl.cli import main
from napari_medssl.imaging import UNSEEN
from napari_medssl.progress import Effort, Round, make_tables, read_progress, write_tables
from napari_medssl.progress.confusion import CACHE_NAME, sum_up, tell_confusion
from napari_medssl.progress.effort import tell_effort
from napari_medssl.progress.learning import tell_rounds
from napari_medssl.progress.records import read_finished
from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.migration import ClassChange, apply_change


def propose(project: Project, case: str, run: str) -> np.ndarray:
    """A proposal of one box of class 1 and one of class 2."""
    labels = np.zeros(project.case(case).grid.shape, np.uint8)
    labels[2:6, 2:6, 2:6] = 1
    labels[8:12, 8:12, 8:12] = 2
    project.case(case).save_proposal(run, labels, {}, 0.5, {})
    return labels


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One case was imported; one drawn in two drafts; one corrected, then accepted in a second round."""
    project = make_project(tmp_path, labelled=0, unlabelled=4)
    imported = project.case("case-0")
    imported.save_labels(np.ones(imported.grid.shape, np.uint8), author="anna", origin="imported")
    drawn = project.case("case-2")
    array = np.full(drawn.grid.shape, UNSEEN, np.uint8)
    array[:4, :4, :4] = 1
    drawn.save_labels(array, author="anna", origin="drawn", complete=False, minutes=2, strokes=5)
    array[:] = np.where(array == UNSEEN, 0, array)
    drawn.save_labels(array, author="anna", origin="drawn", minutes=1, strokes=2)
    first, second = project.new_run_name("bcp"), project.new_run_name("bcp")
    corrected = project.case("case-3")
    labels = propose(project, "case-3", first)
    labels[2, 2, 2:6] = 2  # four voxels of class 1 were class 2
    labels[0, 0, 0] = 1  # one was missing
    labels[15, 17, 15] = UNSEEN
    corrected.save_labels(labels, author="anna", origin="corrected", minutes=4, strokes=3, run=first)
    labels = propose(project, "case-3", second)
    corrected.save_labels(labels, author="ben", origin="accepted", minutes=0.5, run=second)
    return project


def test_work_is_counted_from_one_end_to_the_next(project: Project) -> None:
    found = [(f.case, f.origin, f.voxels, f.minutes, f.strokes) for f in read_finished(project)]
    assert found == [
        ("case-2", "drawn", 64, 3, 7),
        ("case-3", "corrected", 5, 4, 3),
        ("case-3", "accepted", 0, 0.5, None),  # its strokes were not counted
    ]


def test_a_round_for_each_run(project: Project) -> None:
    rounds = read_progress(project).rounds
    assert [(one.run, one.cases, one.accepted) for one in rounds] == [
        ("bcp-001", ("case-3",), 0), ("bcp-002", ("case-3",), 1),
    ]  # fmt: skip
    assert 0.9 < rounds[0].dice < 1
    assert rounds[1].dice == 1
    assert rounds[0].spread is None


def test_confusion_counts_what_became_of_what(project: Project) -> None:
    confusion = read_progress(project).confusion
    assert confusion.names == ("background", "bright", "dark")
    assert confusion.cases == 2
    assert confusion.table[1].tolist() == [0, 2 * 64 - 4, 4]
    assert confusion.table[0, 1] == 1
    assert confusion.table.sum() == 2 * np.prod(project.case("case-3").grid.shape) - 1, "not where nobody looked"
    assert confusion.shares()[1, 2] == pytest.approx(4 / 128)
    assert "bright became dark: 4 voxels" in tell_confusion(confusion)


def test_a_revision_is_opened_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_progress(project).confusion
    assert (project.cache_folder / "progress" / CACHE_NAME).is_file()

    def refuse(*values: object) -> None:
        raise AssertionError("opened again")

    monkeypatch.setattr("napari_medssl.project.case.Case.read_labels", refuse)
    again = read_progress(Project.open(project.root)).confusion
    np.testing.assert_array_equal(again.table, before.table)


def test_counting_can_be_stopped_and_gone_on_with(project: Project) -> None:
    answers = iter((False, True))
    assert read_progress(project, lambda: next(answers)).confusion.cases == 1
    asked: list[bool] = []
    assert read_progress(project, lambda: bool(asked.append(True))).confusion.cases == 2
    assert len(asked) == 1, "the first is in the cache"


def test_a_change_of_classes_is_no_work_and_ends_the_confusion_of_before(project: Project) -> None:
    before = read_finished(project)
    apply_change(project, ClassChange((ClassInfo(1, "all"),), {2: 1}), author="ben")
    assert read_finished(project) == before
    progress = read_progress(project)
    assert progress.confusion.cases == 0
    assert "Nothing to show yet" in tell_confusion(progress.confusion)
    assert len(progress.rounds) == 2, "how good proposals were then stays true"


def test_an_empty_project_says_so(tmp_path: Path) -> None:
    progress = read_progress(make_project(tmp_path, labelled=0, unlabelled=1))
    for said in (
        tell_rounds(progress.rounds),
        tell_effort(progress.effort, "minutes"),
        tell_confusion(progress.confusion),
    ):
        assert said.startswith("Nothing to show yet")


def round_of(run: str, *dices: float) -> Round:
    return Round(run, tuple("abcdefgh"[: len(dices)]), dices, 0)


def test_a_change_is_called_one_only_beyond_the_spread() -> None:
    first = round_of("bcp-001", 0.70, 0.72, 0.74)
    assert tell_rounds([first]).endswith("a curve needs two.")
    assert tell_rounds([first, round_of("bcp-002", 0.84, 0.85, 0.86)]).endswith(": better.")
    assert tell_rounds([first, round_of("bcp-002", 0.50, 0.52, 0.54)]).endswith(": worse.")
    assert "too few" in tell_rounds([first, round_of("bcp-002", 0.72, 0.73, 0.74)])
    assert "too few" in tell_rounds([first, round_of("bcp-002", 0.99)])


def test_effort_is_told_by_halves() -> None:
    def work(minutes: float, strokes: int | None) -> Effort:
        return Effort("a", "t", "drawn", None, 10, strokes, minutes)

    assert "3 cases so far" in tell_effort([work(2, 1)] * 3, "minutes")
    said = tell_effort([work(8, None)] * 4 + [work(2.5, 4)] * 4, "minutes")
    assert said.startswith("8 minutes per case in the first half")
    assert "2.5 in the second" in said
    assert "4 cases so far" in tell_effort([work(8, None)] * 4 + [work(2, 4)] * 4, "strokes")


def test_values_that_are_no_class_any_more_are_left_out() -> None:
    found = sum_up({"a/1": [[0, 0, 5], [1, 9, 3], [7, 1, 2], [1, 1, 4]]}, [(1, "liver")])
    assert found.table.tolist() == [[5, 0], [0, 4]]


def test_the_numbers_are_written_as_csv(project: Project, tmp_path: Path) -> None:
    progress = read_progress(project)
    paths = write_tables(progress, tmp_path / "numbers")
    assert [path.name for path in paths] == ["learning-curve.csv", "effort.csv", "confusion.csv"]
    for path, table in zip(paths, make_tables(progress), strict=True):
        rows = list(csv.reader(path.open(newline="", encoding="utf-8")))
        assert tuple(rows[0]) == table.columns
        assert len(rows) == len(table.rows) + 1
    rows = list(csv.DictReader(paths[1].open(newline="", encoding="utf-8")))
    assert [(row["case"], row["strokes"], row["minutes"]) for row in rows] == [
        ("case-2", "7", "3.0"), ("case-3", "3", "4.0"), ("case-3", "", "0.5"),
    ]  # fmt: skip


def test_the_command_tells_it(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["progress", str(project.root), "--csv", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "bcp-002: Dice 1.00 over 1 case" in said
    assert "bright became dark" in said
    assert (tmp_path / "out" / "effort.csv").is_file()
