"""Clocks that are wrong, were put right, or differ between computers change no order, no duration and no deletion."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fixtures import make_project

from napari_medssl import disk
from napari_medssl.disk import sweep
from napari_medssl.progress.learning import make_rounds
from napari_medssl.progress.records import in_order, read_finished
from napari_medssl.project import Project, lost_labels, revisions, saving
from napari_medssl.project.leftovers import find_empty_runs, find_temporary
from napari_medssl.runs import drivers, events, history
from napari_medssl.runs.drivers import InlineDriver
from napari_medssl.runs.events import RunEvent, RunFinished, RunStarted, Stepped, Warned
from napari_medssl.runs.history import read_history
from napari_medssl.runs.journal import JOURNAL_NAME, JournalWriter
from napari_medssl.runs.pace import measure
from napari_medssl.runs.status import fold

DAY = 86_400.0
NOW = 1_700_000_000.0


def stepped(step: int, at: float) -> Stepped:
    return Stepped(step=step, phase="p", losses={"total": 1.0}, progress=0.1, eta_seconds=1, step_seconds=0.5, at=at)


class TestRuns:
    def tell(self, project: Project, run: str, *said: RunEvent) -> None:
        writer = JournalWriter(project.run_folder(run) / JOURNAL_NAME)
        for event in said:
            writer.write(event)
        writer.close()

    def specs(self, project: Project) -> list[str]:
        from fixtures import quick_spec

        return [quick_spec(project, "supervised", "raster").run for _ in range(4)]

    def test_they_come_in_the_order_in_which_they_began(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        project = make_project(tmp_path, "raster")
        runs = self.specs(project)
        clock = NOW

        def execute(root: Path, run: str, stop: object) -> object:
            yield RunStarted(run=run, task="train", method="supervised", at=clock)
            yield RunFinished(reason="paused", at=clock + 1)

        monkeypatch.setattr(drivers, "import_module", lambda name: SimpleNamespace(execute=execute))
        for run, shift in ((runs[0], 0.0), (runs[1], 2 * 3600.0), (runs[2], -DAY), (runs[0], -3600.0)):
            clock = NOW + shift
            assert [type(one) for one in InlineDriver().run(project.root, run)] == [RunStarted, RunFinished]
        assert [past.run for past in read_history(project)] == [runs[1], runs[2], runs[0], runs[3]]

    def test_older_journals_come_before_and_by_their_clocks(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster")
        runs = self.specs(project)
        begin = {"task": "train", "method": "supervised"}
        self.tell(project, runs[0], RunStarted(run=runs[0], at=NOW + 9, **begin))
        self.tell(project, runs[1], RunStarted(run=runs[1], at=NOW, **begin))
        assert history.next_turn(project.root / "runs") == 1
        self.tell(project, runs[2], RunStarted(run=runs[2], at=NOW - DAY, turn=1, **begin))
        assert [past.run for past in read_history(project)] == [runs[1], runs[0], runs[2], runs[3]]
        assert history.next_turn(project.root / "runs") == 2

    def test_what_a_run_says_goes_forward_when_the_clock_is_put_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = Warned(message="before")
        monkeypatch.setattr(time, "time", lambda: 1.0)
        assert before.at <= Warned(message="after").at < before.at + 60
        assert abs(events._BEGIN + events._forward() - datetime.now(UTC).timestamp()) < 60

    @pytest.mark.parametrize("jump", [-3600.0, 2 * 3600.0, -DAY, 400 * DAY])
    def test_a_clock_that_jumps_in_an_older_journal_costs_one_step_at_most(self, jump: float) -> None:
        said: list[RunEvent] = [RunStarted(run="r", task="train", method="m", at=NOW)]
        said += [stepped(n, NOW + n / 2 + (jump if n > 10 else 0.0)) for n in range(1, 21)]
        assert measure(said).step_seconds == pytest.approx(0.5)
        status = fold(said)
        assert status.seconds == pytest.approx(10.0, abs=0.51)
        seconds = [point.seconds for point in status.loss]
        assert seconds == sorted(seconds)
        resumed = RunStarted(run="r", task="train", method="m", resumed_step=20, at=NOW - 5 * DAY)
        again = fold([resumed, stepped(21, NOW - 5 * DAY + 1.0)], status)
        assert again.seconds == pytest.approx(status.seconds + 1.0)


class TestLeftovers:
    @pytest.mark.parametrize(("off", "gone"), [(0.0, False), (3600.0, False), (-2 * DAY, True), (2 * DAY, True)])
    def test_a_temporary_file_is_as_old_as_the_clock_of_its_disk_says(
        self, off: float, gone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / ".x.json.aa.tmp"
        path.touch()
        os.utime(path, (time.time() + off, time.time() + off))
        for wrong in (-400 * DAY, 400 * DAY):  # the clock of this computer
            with monkeypatch.context() as patch:
                patch.setattr(time, "time", lambda wrong=wrong: NOW + wrong)
                assert find_temporary(tmp_path) == ([path] if gone else [])
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: NOW + 4000 * DAY)
            sweep(tmp_path)
        assert path.exists() is not gone
        assert [one for one in tmp_path.iterdir() if one != path] == []

    def test_without_the_right_to_write_the_own_clock_has_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError

        monkeypatch.setattr(Path, "touch", refuse)
        assert abs(disk.clock_of(tmp_path) - time.time()) < 60

    @pytest.mark.parametrize(("off", "lost"), [(0.0, False), (-3600.0, True), (3600.0, True)])
    def test_labels_without_a_record_are_told_whatever_the_clocks_say(
        self, off: float, lost: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "20260101T000000000000Z-aaaaaa.nii.gz"
        path.touch()
        os.utime(path, (time.time() + off, time.time() + off))
        monkeypatch.setattr(time, "time", lambda: NOW - 900 * DAY)
        assert bool(lost_labels.find_damaged(tmp_path, "case")) is lost

    @pytest.mark.parametrize(("off", "empty"), [(0.0, False), (2 * DAY, True), (-2 * DAY, True)])
    def test_runs_never_begun(self, off: float, empty: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run = tmp_path / "runs" / "bcp-001"
        run.mkdir(parents=True)
        os.utime(run, (time.time() + off, time.time() + off))
        monkeypatch.setattr(time, "time", lambda: NOW + 900 * DAY)
        assert find_empty_runs(tmp_path) == ([run] if empty else [])


class TestWork:
    def test_the_last_of_a_case_is_what_was_saved_last(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        project = make_project(tmp_path, "raster", labelled=0, unlabelled=1)
        case = project.case("case-0")
        labels = np.zeros(case.grid.shape, np.uint8)
        labels[2:8, 2:8] = 1
        run = project.new_run_name("bcp")
        case.save_proposal(run, labels, {}, 0.5, {})
        dices = []
        for hours, cut in ((0, 4), (-24, 0)):  # the clock is put back; then the proposal is accepted as it is
            shifted(monkeypatch, timedelta(hours=hours))
            now = labels.copy()
            now[2 : 2 + cut] = 0
            saved = case.save_labels(now, author="a", origin="corrected" if cut else "accepted", run=run, minutes=1)
            dices.append(saved.dice_to_proposal)
        finished = read_finished(project)
        assert [one.origin for one in finished] == ["corrected", "accepted"]
        (round_,) = make_rounds(finished, project.runs())
        assert round_.dices == (dices[-1],)
        assert round_.accepted == 1

    @pytest.mark.parametrize(
        ("times", "right"),
        [
            ("", ""),
            ("abc", "abc"),
            ("aabb", "aabb"),
            ("zbc", "bbc"),  # it was ahead, and put right
            ("bcad", "bccd"),  # for once it stood in the past
            ("bczzd", "bczzz"),  # two agree
            ("za", "aa"),
            ("bcdab", "bcddd"),
        ],
    )
    def test_as_few_clocks_as_can_be_were_wrong(self, times: str, right: str) -> None:
        found = in_order(list(times))
        assert found == sorted(found)
        assert "".join(found) == right


def shifted(patch: pytest.MonkeyPatch, by: timedelta) -> None:
    class Shifted(datetime):
        @classmethod
        def now(cls, tz=None):  # type: ignore[no-untyped-def, override]
            return datetime.now(tz) + by

    for module in (revisions, saving):
        if hasattr(module, "datetime"):
            patch.setattr(module, "datetime", Shifted)
