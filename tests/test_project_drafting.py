"""Two windows on one case: the second is told before it saves, and saving over somebody is a choice."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project

from napari_medssl.errors import ProjectError
from napari_medssl.project import Case, Draft, NewerRevision, Project, who_drafts
from napari_medssl.project.drafting import DRAFT_NAME


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make_project(tmp_path, "raster", labelled=0, unlabelled=1).case("case-0")


def elsewhere(case: Case) -> Case:
    """The same case, as another window has it."""
    return Project.open(case._project.root).case(case.name)


def drawn(case: Case, value: int = 1) -> np.ndarray:  # type: ignore[type-arg]
    return np.full(case.grid.shape, value, np.uint8)


class TestDrafts:
    def test_the_second_window_is_told_of_the_first(self, case: Case) -> None:
        with Draft(case, "ann", "window-1") as first:
            assert first.is_mine
            assert first.holder is None
            with Draft(elsewhere(case), "ben", "window-2") as second:
                assert not second.is_mine
                assert second.holder is not None
                assert second.holder.owner == "ann"
                assert not second.take()
                found = who_drafts(case, "window-2")
                assert found is not None
                assert found.owner == "ann"
            assert who_drafts(case, "window-1") is None  # that is this window itself
            assert first.take()
        assert who_drafts(case) is None
        assert not (case.folder / DRAFT_NAME).exists()

    def test_the_second_goes_on_when_the_first_is_done(self, case: Case) -> None:
        first = Draft(case, "ann", "1")
        second = Draft(elsewhere(case), "ben", "2")
        first.release()
        first.release()
        assert second.take()
        assert second.holder is None
        second.release()

    def test_a_window_of_another_process_counts_until_it_dies(self, case: Case) -> None:
        code = (
            "import sys; from napari_medssl.project import Draft, Project\n"
            "draft = Draft(Project.open(sys.argv[1]).case('case-0'), 'ann', '1')\n"
            "print(draft.is_mine, flush=True); sys.stdin.read()"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(case._project.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        mine = Draft(case, "ben", "2")
        assert not mine.is_mine
        child.kill()
        child.wait()
        assert mine.take()
        mine.release()

    def test_one_on_another_computer_counts(self, case: Case) -> None:
        said = {"owner": "ann", "host": "ward-7", "machine": "ff", "pid": 1, "token": "aa", "beat": 1, "window": "1"}
        (case.folder / DRAFT_NAME).write_text(json.dumps(said))
        mine = Draft(case, "ben", "2")
        assert mine.holder is not None
        assert mine.holder.host == "ward-7"

    def test_where_nothing_can_be_written_nobody_is_in_the_way(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(30, "Read-only file system")

        monkeypatch.setattr("napari_medssl.ownership.long_lock", refuse)
        mine = Draft(case, "ben", "2")
        assert mine.is_mine
        mine.release()


class TestSavingOver:
    def test_what_somebody_else_saved_meanwhile_is_told_and_nothing_is_saved(self, case: Case) -> None:
        first = case.save_labels(drawn(case), author="ann", origin="drawn", over=None)
        theirs = elsewhere(case).save_labels(drawn(case, 0), author="ben", origin="drawn", over=first)
        before = sorted(path.name for path in case.labels_folder.glob("*"))
        with pytest.raises(NewerRevision, match=r"ben saved newer labels at 20.* both are kept") as refused:
            case.save_labels(drawn(case), author="ann", origin="drawn", over=first, parent=first)
        assert isinstance(refused.value, ProjectError)
        assert refused.value.revision == theirs
        assert sorted(path.name for path in case.labels_folder.glob("*")) == before
        chosen = case.save_labels(drawn(case), author="ann", origin="drawn", over=theirs.id, parent=first)
        assert case.revisions() == [first, theirs, chosen]

    def test_where_there_was_none_a_first_one_of_somebody_else_counts_too(self, case: Case) -> None:
        elsewhere(case).save_labels(drawn(case), author="ben", origin="drawn")
        with pytest.raises(NewerRevision, match="ben saved"):
            case.save_labels(drawn(case), author="ann", origin="drawn", over=None)

    def test_without_a_word_every_save_is_the_newest(self, case: Case) -> None:
        first = case.save_labels(drawn(case), author="ann", origin="drawn")
        elsewhere(case).save_labels(drawn(case, 0), author="ben", origin="drawn")
        last = case.save_labels(drawn(case), author="ann", origin="drawn", parent=first)
        assert case.latest() == last

    def test_labels_that_are_gone_are_told(self, case: Case) -> None:
        first = case.save_labels(drawn(case), author="ann", origin="drawn")
        for path in case.labels_folder.glob(f"{first.id}*"):
            path.unlink()
        with pytest.raises(NewerRevision, match="not there any more"):
            case.save_labels(drawn(case), author="ann", origin="drawn", over=first)

    def test_of_many_who_save_over_the_same_one_does(self, case: Case) -> None:
        first = case.save_labels(drawn(case), author="ann", origin="drawn")

        def save(number: int) -> bool:
            try:
                elsewhere(case).save_labels(drawn(case), author=str(number), origin="drawn", over=first)
            except NewerRevision:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(save, range(6))) == 1
        assert len(case.revisions()) == 2
