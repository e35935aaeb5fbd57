"""Changing classes that are drawn: the plan, the new revisions, and going on after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project

from napari_medssl.errors import ProjectError
from napari_medssl.imaging import UNSEEN
from napari_medssl.project import ClassInfo, Project, migration
from napari_medssl.project.migration import ClassChange, apply_change, finish_change, plan_change

BRIGHT, DARK = ClassInfo(1, "bright"), ClassInfo(2, "dark")
MERGED = ClassChange((ClassInfo(1, "all"),), {2: 1})
SWAPPED = ClassChange((ClassInfo(1, "dark"), ClassInfo(2, "bright")), {1: 2, 2: 1})
MOVED = ClassChange((BRIGHT, ClassInfo(7, "dark")), {2: 7})
GONE = ClassChange((BRIGHT,), {2: UNSEEN})
CHANGES = {"merged": MERGED, "swapped": SWAPPED, "moved": MOVED, "gone": GONE}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two cases with complete labels; the first with a draft on top, the third proposed by a run, the fourth new."""
    project = make_project(tmp_path)
    first = project.case("case-0")
    labels = first.read_labels()
    assert labels is not None
    drawn = labels.array.copy()
    drawn[0] = UNSEEN
    first.save_labels(drawn, author="anna", origin="drawn", complete=False, minutes=3, parent=first.latest())
    run = project.new_run_name("bcp")
    project.case("case-2").save_proposal(run, np.zeros(labels.array.shape, np.uint8), {}, 0.5, {})
    return project


def files(project: Project) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (project.root / "cases").rglob("*") if path.is_file()}


def moved(array: np.ndarray, change: ClassChange) -> np.ndarray:
    result = array.copy()
    for value, new in change.values.items():
        result[array == value] = new
    return result


def newest(project: Project) -> dict[str, np.ndarray]:
    """The newest and the newest complete labels of each case."""
    found = {}
    for case in project.cases():
        for what, revision in (("newest", case.latest()), ("complete", case.latest(complete=True))):
            if revision is not None:
                labels = case.read_labels(revision)
                assert labels is not None
                found[f"{case.name} {what}"] = labels.array
    return found


def test_a_plan_says_what_would_become_of_what_and_changes_nothing(project: Project) -> None:
    before = files(project)
    plan = plan_change(project, MERGED)
    assert plan.cases == ("case-0", "case-1")
    assert (plan.revisions, plan.kept) == (3, 3)  # of the first, the draft and the complete one below it
    drawn = newest(project)
    assert plan.voxels == {2: sum(int((drawn[f"{case} newest"] == 2).sum()) for case in plan.cases)}
    assert plan.words == "dark → all"
    assert plan.runs == ("bcp-001",)
    assert files(project) == before
    assert plan_change(project, ClassChange((ClassInfo(1, "light"), DARK))).cases == ()


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_change_writes_new_revisions_and_leaves_the_old(project: Project, change: ClassChange) -> None:
    before, drawn = files(project), newest(project)
    origins = project.case("case-1").read_origins()
    apply_change(project, change, author="ben")
    after, now = files(project), newest(project)
    assert all(after[name] == content for name, content in before.items())
    assert now.keys() == drawn.keys()
    for name, array in drawn.items():
        np.testing.assert_array_equal(now[name], moved(array, change), err_msg=name)
    first = project.case("case-0")
    latest = first.latest()
    assert latest is not None
    assert not latest.complete, "the draft is still on top"
    assert (latest.author, latest.origin, latest.minutes) == ("ben", "drawn", 0)
    assert latest.note.startswith("classes changed: ")
    assert first.revision(latest.parent or "").minutes == 3
    assert Project.open(project.root).classes == change.classes
    assert not (project.root / migration.PENDING_NAME).exists()
    kept = project.case("case-1").read_origins()
    assert kept is not None
    assert origins is not None
    looked = now["case-1 newest"] != UNSEEN
    np.testing.assert_array_equal(kept[looked], origins[looked])
    assert not kept[~looked].any()


def test_proposals_from_before_are_no_proposals_any_more(project: Project) -> None:
    case = project.case("case-2")
    assert case.status == "proposed"
    apply_change(project, MERGED, author="ben")
    assert project.case("case-2").status == "new"
    assert project.case("case-2").proposals() == []
    assert project.retired_runs == {"bcp-001": "dark → all"}
    again = project.new_run_name("bcp")
    shape = project.case("case-2").grid.shape
    project.case("case-2").save_proposal(again, np.ones(shape, np.uint8), {}, 0.5, {})
    assert [one.run for one in project.case("case-2").proposals()] == [again]


def test_names_and_colours_retire_no_run(project: Project) -> None:
    apply_change(project, ClassChange((ClassInfo(1, "light"), ClassInfo(2, "dark", "#000000"))), author="ben")
    assert project.case("case-2").status == "proposed"


@pytest.mark.parametrize("change", [SWAPPED, MERGED], ids=["swapped", "merged"])
@pytest.mark.parametrize("dies_at", range(4))
def test_it_can_be_interrupted_anywhere_and_gone_on_with(
    project: Project, change: ClassChange, dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = newest(project)
    calls = 0

    def dying(inner: Callable[..., object]) -> Callable[..., object]:
        def call(*values: object, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls == dies_at + 1:
                raise KeyboardInterrupt
            return inner(*values, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(migration, "write_revision", dying(migration.write_revision))
        patch.setattr(migration, "change_settings", dying(migration.change_settings))
        with pytest.raises(KeyboardInterrupt):
            apply_change(project, change, author="ben")
    again = Project.open(project.root)
    with pytest.raises(ProjectError, match="Open the project anew"):
        apply_change(again, change, author="ben")
    assert finish_change(again)
    assert finish_change(again) == ""
    for name, array in newest(again).items():
        np.testing.assert_array_equal(array, moved(drawn[name], change), err_msg=name)
    marked = [one for case in again.cases() for one in case.revisions() if one.note.startswith("classes changed")]
    assert len(marked) == 3
    assert len(again.changes) == 1


def test_a_change_that_lacked_only_its_end_is_not_made_twice(project: Project) -> None:
    path = project.root / migration.PENDING_NAME
    kept: list[bytes] = []
    apply_change(project, SWAPPED, author="ben", told=lambda done, all: kept.append(path.read_bytes()))
    after, settings = files(project), (project.root / "project.json").read_bytes()
    path.write_bytes(kept[-1])
    finish_change(Project.open(project.root))
    assert files(project) == after
    assert (project.root / "project.json").read_bytes() == settings
    assert not path.exists()


def test_a_class_that_is_drawn_cannot_just_be_dropped(project: Project) -> None:
    before = files(project)
    with pytest.raises(ProjectError, match="2 'dark'"):
        plan_change(project, ClassChange((BRIGHT,)))
    with pytest.raises(ProjectError, match="2 'dark'"):
        apply_change(project, ClassChange((BRIGHT,), {2: 9}), author="ben")
    assert files(project) == before
    assert not (project.root / migration.PENDING_NAME).exists()
