"""`train`, `predict`, `evaluate`, `runs`: one tiny training, looked at from all sides."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from napari_medssl import cli
from napari_medssl.commands import running
from napari_medssl.disk import read_json
from napari_medssl.errors import BadFileError, RunError
from napari_medssl.imaging import Labels, read_labels, write_labels
from napari_medssl.inference.evaluation import measure, proposals_of
from napari_medssl.inference.metrics import score_case
from napari_medssl.project import ClassInfo, Project
from napari_medssl.runs import drivers
from napari_medssl.runs.events import PhaseStarted, RunFinished, RunStarted, Stepped, event_to_json
from napari_medssl.runs.stop import request_stop, stop_token
from napari_medssl.terminal.following import RunFault, bar_text, eta_text, follow
from napari_medssl.terminal.screen import Screen

SHAPE = (24, 24, 16)
STEPS = "3"


def make_project(root, labelled=2, count=4):
    """A project of small scans with a bright box in each, and the truth of all beside it."""
    import nibabel

    rng = np.random.default_rng(1)
    scans, truths = root / "scans", root / "truth"
    scans.mkdir(parents=True)
    truths.mkdir()
    project = Project.create(root / "p", classes=[ClassInfo(1, "organ")])
    for n in range(count):
        truth = np.zeros(SHAPE, np.uint8)
        truth[6 + n : 15 + n, 7:16, 4:12] = 1
        image = ndimage.gaussian_filter(truth * 80.0 + rng.normal(100, 10, SHAPE), 0.7).astype(np.float32)
        path = scans / f"case{n}_image.nii.gz"
        nibabel.save(nibabel.Nifti1Image(image, np.diag([1.0, 1.0, 2.0, 1.0])), path)
        case = project.add_case(path)
        write_labels(truths / f"case{n}_label.nii.gz", Labels(truth, case.grid))
        if n < labelled:
            case.save_labels(truth, author="expert", origin="drawn")
    return project, truths


def run_json(capsys, *words):
    code = cli.main([*map(str, words), "--json"])
    out, _ = capsys.readouterr()
    return code, json.loads(out)


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    root = tmp_path_factory.mktemp("trained")
    project, truths = make_project(root)
    words = ["train", str(project.root), "--method", "supervised", "--steps", STEPS, "--device", "cpu", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "napari_medssl.cli", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return project.root, truths, done


@pytest.fixture
def trained(trained_once, tmp_path):
    """A copy that a test may change."""
    root, truths, done = trained_once
    shutil.copytree(root, tmp_path / "p")
    return tmp_path / "p", truths, json.loads(done.stdout)


def test_training_prints_one_json_object_and_nothing_else_on_stdout(trained_once):
    _, _, done = trained_once
    told = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert told["state"] == "completed"
    assert told["steps"] == int(STEPS)
    assert [entry["case"] for entry in told["proposed"]] == ["case2", "case3"]
    assert "supervised" in done.stderr  # people and logs see it live
    assert any("held out" in line or "hold" in line for line in told["warnings"])


def test_a_finished_run_is_listed_and_cannot_be_stopped(trained, capsys):
    root, _, told = trained
    code, listed = run_json(capsys, "runs", "list", root)
    assert code == 0
    assert [(r["run"], r["state"], r["steps"]) for r in listed["runs"]] == [(told["run"], "completed", int(STEPS))]
    assert cli.main(["runs", "stop", str(root), told["run"]]) == 2
    assert "not running" in capsys.readouterr().err
    assert cli.main(["runs", "stop", str(root), "bcp-999"]) == 2
    assert told["run"] in capsys.readouterr().err  # says which there are


def test_a_finished_run_cannot_be_resumed_and_a_paused_one_can(trained, capsys):
    root, _, told = trained
    assert cli.main(["runs", "resume", str(root), told["run"]]) == 2
    assert "completed" in capsys.readouterr().err
    # as a run looks that was paused after its last step
    journal = root / "runs" / told["run"] / "events.jsonl"
    lines = [line for line in journal.read_text().splitlines() if '"run-finished"' not in line]
    journal.write_text("\n".join([*lines, event_to_json(RunFinished(reason="paused", step=3)), ""]))
    code, again = run_json(capsys, "runs", "resume", root, told["run"])
    assert code == 0
    assert again["state"] == "completed"
    assert again["steps"] == int(STEPS)


def test_evaluate_measures_what_the_run_did_not_learn_from(trained, capsys):
    root, truths, told = trained
    code, found = run_json(capsys, "evaluate", root, "--run", told["run"], "--truth", truths)
    assert code == 0
    assert [case["case"] for case in found["cases"]] == ["case2", "case3"]
    assert found["left_out"] == ["case0", "case1"]
    project = Project.open(root)
    for case in found["cases"]:
        truth = read_labels(truths / f"{case['case']}_label.nii.gz").array
        proposal = project.case(case["case"]).latest_proposal().read_labels().array
        score = score_case(truth, proposal, project.case(case["case"]).grid.spacing, [1])[1]
        assert case["dice"] == {"organ": pytest.approx(score.dice)}
        assert case["hd95"] == {"organ": pytest.approx(score.hd95)}
        assert case["nsd"] == {"organ": pytest.approx(score.nsd)}
    for name in ("dice", "hd95", "nsd"):
        assert found["mean"][name] == pytest.approx(np.mean([case[name]["organ"] for case in found["cases"]]))
    assert len(project.runs()) == 1  # everything was predicted already
    assert cli.main(["evaluate", str(root), "--run", told["run"], "--truth", str(truths)]) == 0
    assert "HD95 mm" in capsys.readouterr().out


def test_evaluate_predicts_what_is_missing_once(trained, capsys):
    root, truths, told = trained
    words = ["evaluate", root, "--run", told["run"], "--truth", truths, "--cases", "case1,case3"]
    code, found = run_json(capsys, *words)
    assert code == 0
    assert [case["case"] for case in found["cases"]] == ["case1", "case3"]
    assert len(Project.open(root).runs()) == 2
    _, again = run_json(capsys, *words)
    assert again["cases"] == found["cases"]
    assert len(Project.open(root).runs()) == 2


def test_a_model_of_another_project_is_evaluated_by_its_folder(trained, tmp_path, capsys):
    root, _, told = trained
    other, truths = make_project(tmp_path / "other", labelled=0, count=3)
    folder = root / "runs" / told["run"]
    code, found = run_json(capsys, "evaluate", other.root, "--run", folder, "--truth", truths)
    assert code == 0
    assert [case["case"] for case in found["cases"]] == ["case0", "case1", "case2"]  # it has seen none of these
    assert found["left_out"] == []


def test_truth_with_other_axes_is_measured_voxel_for_voxel(trained, tmp_path):
    root, truths, told = trained
    project = Project.open(root)
    case, proposal = project.case("case2"), proposals_of(project, told["run"])["case2"]
    truth = read_labels(truths / "case2_label.nii.gz")
    stored = nib.Nifti1Image(truth.array, truth.grid.affine).as_reoriented(np.array([[1, -1], [0, 1], [2, -1]]))
    nib.save(stored, tmp_path / "case2.nii.gz")
    expected = measure(project, case, proposal, truths / "case2_label.nii.gz")
    assert measure(project, case, proposal, tmp_path / "case2.nii.gz") == expected
    nib.save(nib.Nifti1Image(truth.array[1:], truth.grid.affine), tmp_path / "cut.nii.gz")
    with pytest.raises(BadFileError, match="the shapes differ"):
        measure(project, case, proposal, tmp_path / "cut.nii.gz")


def test_truth_that_does_not_fit_is_one_clear_line(trained, tmp_path, capsys):
    root, truths, told = trained
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    truth = read_labels(truths / "case2_label.nii.gz")
    write_labels(wrong / "case2_label.nii.gz", Labels(truth.array * 5, truth.grid))
    assert cli.main(["evaluate", str(root), "--run", told["run"], "--truth", str(wrong)]) == 2
    assert "the value 5 belongs to no class" in capsys.readouterr().err
    assert cli.main(["evaluate", str(root), "--run", "nothing-001", "--truth", str(truths)]) == 2
    assert told["run"] in capsys.readouterr().err
    assert cli.main(["evaluate", str(root), "--run", told["run"], "--truth", str(tmp_path / "none")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_truth_that_does_not_fit_leaves_the_others_measured(trained, tmp_path, capsys):
    root, truths, told = trained
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for name in ("case2", "case3"):
        truth = read_labels(truths / f"{name}_label.nii.gz")
        factor = 5 if name == "case2" else 1
        write_labels(mixed / f"{name}_label.nii.gz", Labels(truth.array * factor, truth.grid))
    code, found = run_json(capsys, "evaluate", root, "--run", told["run"], "--truth", mixed)
    assert code == 0
    assert [case["case"] for case in found["cases"]] == ["case3"]
    assert "the value 5 belongs to no class" in found["not_measured"]["case2"]


def test_evaluate_tells_people_which_files_were_not_taken_and_why(trained, tmp_path, capsys):
    root, truths, told = trained
    folder = tmp_path / "masks"
    folder.mkdir()
    truth = read_labels(truths / "case3_label.nii.gz")
    for name in ("case3", "case3_label", "stranger"):
        write_labels(folder / f"{name}.nii.gz", truth)
    words = ["evaluate", root, "--run", told["run"], "--truth", *sorted(folder.iterdir())]
    assert cli.main([str(word) for word in words]) == 0
    err = capsys.readouterr().err
    assert f"not taken: {folder / 'stranger.nii.gz'}: no scan is named 'stranger'." in err
    assert f"not taken: {folder / 'case3_label.nii.gz'}: {folder / 'case3.nii.gz'} is for case case3 too." in err
    _, found = run_json(capsys, *words)
    assert {os.path.basename(one["path"]) for one in found["skipped"]} == {"stranger.nii.gz", "case3_label.nii.gz"}


def test_predict_uses_the_newest_model_unless_told(trained, capsys):
    root, _, told = trained
    code, found = run_json(capsys, "predict", root, "--cases", "case0")
    assert code == 0
    assert found["model_of"] == told["run"]
    assert [entry["case"] for entry in found["proposed"]] == ["case0"]
    assert Project.open(root).case("case0").latest_proposal().run == found["run"]
    assert cli.main(["predict", str(root), "--cases", "nobody"]) == 2


def test_an_option_that_does_not_exist_is_bad_use(trained, capsys):
    root, *_ = trained
    assert cli.main(["train", str(root), "--method", "magic", "--steps", "1"]) == 2
    assert "magic" in capsys.readouterr().err


def test_ctrl_c_stops_training_and_keeps_what_was_learnt(tmp_path):
    project, _ = make_project(tmp_path)
    words = [sys.executable, "-m", "napari_medssl.cli", "train", str(project.root), "--method", "supervised"]
    process = subprocess.Popen(
        [*words, "--minutes", "5", "--device", "cpu", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + 150
        while time.monotonic() < until and process.poll() is None:
            runs = project.runs()
            journal = project.run_folder(runs[0]) / "events.jsonl" if runs else None
            if journal is not None and journal.exists() and '"stepped"' in journal.read_text():
                break
            time.sleep(0.2)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=90)
    finally:
        process.kill()
    assert process.returncode == 0, err
    told = json.loads(out)
    assert told["state"] == "stopped"
    assert told["steps"] >= 1
    assert (project.run_folder(told["run"]) / "model.safetensors").is_file()
    assert [entry["case"] for entry in told["proposed"]] == ["case2", "case3"]


def events(*, reason="completed", message="done"):
    yield RunStarted(run="bcp-001", task="train", method="bcp", phases=("one",))
    yield PhaseStarted(phase="one", title="First", index=0)
    yield Stepped(step=5, phase="one", losses={"total": 0.5}, progress=0.5, eta_seconds=61)
    yield RunFinished(reason=reason, message=message, step=5, seconds=2.0)


def test_following_tells_people_what_happens(capsys):
    status = follow(Screen(machine=False), events())
    assert status.state == "completed"
    out, err = capsys.readouterr()
    assert out == ""
    assert "First" in err
    assert err.strip().endswith("done")


def test_a_failed_run_is_an_error_with_its_own_message():
    with pytest.raises(RunError, match="memory ran out") as caught:
        follow(Screen(machine=True), events(reason="failed", message="memory ran out"))
    assert not isinstance(caught.value, RunFault)
    with pytest.raises(RunFault, match="ValueError"):
        follow(Screen(machine=True), events(reason="failed", message="A fault of the program: ValueError: x"))


def test_bar_and_time_left():
    status = follow(Screen(machine=True), list(events())[:3], quiet=True)
    assert bar_text(status) == "First step 5 loss 0.500"
    assert [eta_text(s) for s in (None, 5.0, 61.2, 3723)] == ["", "0:05 left", "1:01 left", "1:02:03 left"]


def test_a_wish_to_stop_while_the_run_is_starting_is_not_lost(tmp_path, monkeypatch):
    """The one that an earlier life of the run left is."""
    project, _ = make_project(tmp_path)
    folder = project.run_folder(project.new_run_name("bcp"))
    request_stop(folder, "discard")
    seen = []

    class Driver:
        def run(self, root, run, *, heed):
            seen.append((folder / "stop.json").exists())
            os.kill(os.getpid(), signal.SIGTERM)  # before the run's first word
            seen.append((heed, stop_token(folder)()))
            yield from events()

    monkeypatch.setattr(drivers, "InlineDriver", Driver)
    running.run_here(project, folder.name, Screen(machine=True), quiet=True)
    assert seen == [False, (True, "pause")]


def test_signals_are_given_back_after_a_run(tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with running._stop_on_signals(tmp_path, Screen(machine=True)):
        assert signal.getsignal(signal.SIGINT) is not before[0]
        os.kill(os.getpid(), signal.SIGTERM)
        assert read_json(tmp_path / "stop.json") == {"how": "pause"}
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
