"""`new`, `status`, `labels`, `suggest` on real files."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

from napari_medssl import cli
from napari_medssl.disk import read_json, write_json
from napari_medssl.project import Project

SHAPE = (12, 10, 8)
AFFINE = np.diag([1.0, 1.0, 2.5, 1.0])


def write(path, array, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


def make_scans(folder, count=5, together=False):
    rng = np.random.default_rng(0)
    for n in range(1, count + 1):
        truth = np.zeros(SHAPE, np.uint8)
        truth[3:9, 3:7, 2:6] = 1
        truth[4:6, 4:6, 3:5] = 2
        image = (truth * 50 + rng.normal(100, 5, SHAPE)).astype(np.float32)
        images, labels = (folder, folder) if together else (folder / "images", folder / "labels")
        write(images / f"case{n}_image.nii.gz", image)
        write(labels / f"case{n}_label.nii.gz", truth)
    return folder


def run_json(capsys, *words):
    code = cli.main([*map(str, words), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def new(capsys, tmp_path, *more):
    folder = make_scans(tmp_path / "scans")
    return run_json(
        capsys, "new", tmp_path / "p", "--images", folder / "images", "--labels", folder / "labels",
        "--class", "1=organ", "2=vessel", *more,
    )  # fmt: skip


def labelled(project):
    return [case.name for case in Project.open(project).cases() if case.latest() is not None]


def test_labels_are_taken_for_the_first_n_cases_only(capsys, tmp_path):
    code, told, _ = new(capsys, tmp_path, "--label-cases", "2")
    assert code == 0
    assert told["labelled"] == ["case1", "case2"] == labelled(tmp_path / "p")
    assert told["cases"] == [f"case{n}" for n in range(1, 6)]
    assert told["classes"] == {"1": "organ", "2": "vessel"}


def test_labels_are_taken_for_named_cases_only(capsys, tmp_path):
    listed = tmp_path / "four.list"
    listed.write_text("case4\ncase2\n")
    _, told, _ = new(capsys, tmp_path, "--label-cases", listed)
    assert sorted(told["labelled"]) == ["case2", "case4"] == labelled(tmp_path / "p")


def test_scans_and_masks_may_lie_side_by_side_and_classes_may_be_found(capsys, tmp_path):
    folder = make_scans(tmp_path / "all", together=True)
    words = ["new", tmp_path / "p", "--images", folder, "--labels", folder, "--label-cases", "case3"]
    code, told, _ = run_json(capsys, *words)
    assert code == 0
    assert len(told["cases"]) == 5
    assert told["labelled"] == ["case3"]
    assert [c.value for c in Project.open(tmp_path / "p").classes] == [1, 2]


def test_several_files_may_be_named(capsys, tmp_path):
    folder = make_scans(tmp_path / "scans")
    files = sorted((folder / "images").iterdir())[:3]
    code, told, _ = run_json(capsys, "new", tmp_path / "p", "--images", *files)
    assert code == 0
    assert len(told["cases"]) == 3


@pytest.mark.parametrize("what", ["empty", "missing", "junk", "grid", "values", "count", "none"])
def test_bad_input_is_one_line_and_leaves_nothing(what, capsys, tmp_path):
    folder = make_scans(tmp_path / "scans")
    images, labels, more = folder / "images", folder / "labels", []
    if what == "empty":
        images = tmp_path / "empty"
        images.mkdir()
    elif what == "missing":
        images = tmp_path / "nowhere"
    elif what == "junk":
        images = tmp_path / "junk"
        images.mkdir()
        (images / "a.nii.gz").write_bytes(b"not a scan")
    elif what == "grid":
        for path in labels.iterdir():
            write(path, np.zeros((5, 5, 5), np.uint8))
    elif what == "values":
        for path in labels.iterdir():
            write(path, np.full(SHAPE, 9, np.uint8))
    elif what == "count":
        more = ["--label-cases", "6"]
    elif what == "none":
        more = ["--label-cases", "nobody"]
    words = ["new", tmp_path / "p", "--images", images, "--labels", labels, "--class", "1=organ", "2=vessel", *more]
    assert cli.main(list(map(str, words))) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert not (tmp_path / "p").exists()


def test_one_bad_scan_is_named_and_the_others_go_on(capsys, tmp_path):
    folder = make_scans(tmp_path / "scans")
    (folder / "images" / "broken.nii.gz").write_bytes(b"\x1f\x8bnot really")
    code, told, err = run_json(capsys, "new", tmp_path / "p", "--images", folder / "images")
    assert code == 0
    assert len(told["cases"]) == 5
    assert [entry["path"].endswith("broken.nii.gz") for entry in told["refused"]] == [True]
    assert "broken.nii.gz" in err


def test_a_folder_with_something_in_it_is_never_touched(capsys, tmp_path):
    folder = make_scans(tmp_path / "scans")
    mine = tmp_path / "p" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert cli.main(["new", str(mine.parent), "--images", str(folder / "images")]) == 2
    assert mine.read_text() == "mine"
    assert "not empty" in capsys.readouterr().err
    cli.main(["new", str(tmp_path / "q"), "--images", str(folder / "images")])
    before = sorted((tmp_path / "q").rglob("*"))
    assert cli.main(["new", str(tmp_path / "q"), "--images", str(tmp_path / "nowhere")]) == 2
    assert sorted((tmp_path / "q").rglob("*")) == before


def test_status_counts_what_is_there(capsys, tmp_path):
    new(capsys, tmp_path, "--label-cases", "2")
    code, told, _ = run_json(capsys, "status", tmp_path / "p")
    assert code == 0
    assert told["counts"] == {"cases": 5, "labelled": 2, "new": 3}
    assert [c["name"] for c in told["classes"]] == ["organ", "vessel"]
    assert told["runs"] == []
    assert cli.main(["status", str(tmp_path / "p")]) == 0
    out = capsys.readouterr().out
    assert "5 cases, 2 labelled, 3 new" in out
    assert "case5" in out


def test_importing_labels_makes_revisions_that_history_lists(capsys, tmp_path):
    new(capsys, tmp_path, "--label-cases", "1")
    redrawn = tmp_path / "redrawn"
    array = np.zeros(SHAPE, np.uint8)
    array[2:5, 2:5, 2:5] = 7
    for n in (1, 2):
        write(redrawn / f"case{n}_seg.nii.gz", array)
    assert cli.main(["labels", "import", str(tmp_path / "p"), str(redrawn)]) == 2  # 7 is no class
    assert "7" in capsys.readouterr().err
    code, told, _ = run_json(
        capsys, "labels", "import", tmp_path / "p", redrawn, "--map", "7=2", "--author", "Ada", "--label-cases", "case1"
    )
    assert code == 0
    assert told["labelled"] == ["case1"]
    _, history, _ = run_json(capsys, "labels", "history", tmp_path / "p", "case1")
    assert [(r["case"], r["author"], r["origin"]) for r in history["revisions"]] == [
        ("case1", "", "imported"),
        ("case1", "Ada", "imported"),
    ]
    case = Project.open(tmp_path / "p").case("case1")
    np.testing.assert_array_equal(case.read_labels().array == 2, array == 7)
    np.testing.assert_array_equal(case.read_labels(history["revisions"][0]["revision"]).array[4, 4, 3], 2)
    assert cli.main(["labels", "history", str(tmp_path / "p")]) == 0
    assert "Ada" in capsys.readouterr().out


def test_suggestions_come_with_reasons_and_leave_labelled_cases_out(capsys, tmp_path):
    new(capsys, tmp_path, "--label-cases", "2")
    project = Project.open(tmp_path / "p")
    for name, score in (("case3", 0.1), ("case5", 0.6)):
        project.case(name).save_proposal(
            "bcp-001", np.zeros(SHAPE, np.uint8), {}, score, {"expected_dice": {"organ": 0.9, "vessel": 0.4}}
        )
    _, told, _ = run_json(capsys, "suggest", tmp_path / "p", "-k", "2")
    assert [s["case"] for s in told["suggestions"]] == ["case5", "case3"]
    assert "vessel" in told["suggestions"][0]["reason"]
    _, told, _ = run_json(capsys, "suggest", tmp_path / "p", "-k", "9")
    assert [s["case"] for s in told["suggestions"]] == ["case5", "case3", "case4"]


def test_a_project_of_a_newer_version_is_refused_by_every_command(capsys, tmp_path):
    new(capsys, tmp_path)
    path = tmp_path / "p" / "project.json"
    write_json(path, {**(read_json(path) or {}), "schema": 999})
    before = path.read_bytes()
    for words in (["status"], ["suggest"], ["runs", "list"], ["labels", "history"], ["predict"], ["train"]):
        assert cli.main([*words, str(path.parent)]) == 2
        assert "newer version" in capsys.readouterr().err
    assert path.read_bytes() == before
