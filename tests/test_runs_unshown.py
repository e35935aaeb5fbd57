"""Structures that no label shows: said before a training and by it, refused where there is nothing to learn at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project, quick_spec, run_inline

from napari_medssl.cli import main
from napari_medssl.errors import SpecError
from napari_medssl.project import Project
from napari_medssl.runs.events import Warned
from napari_medssl.runs.needs import unshown_text
from napari_medssl.runs.outlook import Wish, look_ahead, take_stock
from napari_medssl.runs.recommend import recommend
from napari_medssl.runs.request import make_spec
from napari_medssl.ui.trainview import Intent, train_view


def without(project: Project, *values: int) -> Project:
    """The same project with newer labels on which these structures are background."""
    for case in project.cases():
        labels = case.read_labels()
        if labels is not None:
            array = labels.array.copy()
            array[np.isin(array, values)] = 0
            case.save_labels(array, author="t", origin="drawn")
    return project


def test_a_structure_that_no_label_shows_is_named_and_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = without(make_project(tmp_path, "raster", labelled=2, unlabelled=2), 2)
    words = "None of the 2 labelled scans that a model learns from shows dark, so it cannot learn it."
    stock = take_stock(project)
    assert stock.unshown == ("dark",)
    assert look_ahead(stock, Wish("bcp")).caution.startswith(words)
    assert look_ahead(stock, Wish("pcrlv2")).caution == ""  # looks at no labels
    events = run_inline(project, quick_spec(project, "supervised", "raster", steps=2).run)
    assert [e for e in events if isinstance(e, Warned) and e.message.startswith(words)]
    assert main(["methods", str(project.root)]) == 0
    assert words in " ".join(capsys.readouterr().out.split())
    assert main(["methods", str(project.root), "--json"]) == 0
    told = {one["name"]: one["outlook"] for one in json.loads(capsys.readouterr().out)["methods"]}
    assert told["supervised"]["caution"].startswith(words)


def test_labels_that_are_all_empty_are_refused_with_what_to_label(tmp_path: Path) -> None:
    project = without(make_project(tmp_path, "raster", labelled=2, unlabelled=2), 1, 2)
    with pytest.raises(SpecError, match=r"all 2 labelled scans are empty, without a voxel of bright or dark\. Label"):
        make_spec(project, "supervised")
    assert project.runs() == []
    assert look_ahead(take_stock(project), Wish("pcrlv2")).can_run
    shown = train_view(take_stock(project), {}, Intent("supervised"), ("auto",), False)
    assert not shown.can_train
    assert "Nothing to learn" in str(shown.outlook and shown.outlook.lack)


def test_strokes_show_a_structure(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=1, unlabelled=2)
    strokes = np.full(project.case("case-1").grid.shape, 255, np.uint8)
    strokes[:3, :3] = 2
    without(project, 2)
    assert take_stock(project).unshown == ("dark",)
    project.case("case-1").save_labels(strokes, author="t", origin="drawn", complete=False)
    assert take_stock(project).unshown == ()


def test_what_only_held_out_scans_show_cannot_be_learnt(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=8, unlabelled=0)
    kept = {entry.case for entry in take_stock(project).measures}
    assert kept
    for case in project.cases():
        labels = case.read_labels()
        if labels is not None and case.name not in kept:
            case.save_labels(np.where(labels.array == 1, 0, labels.array), author="t", origin="drawn")
    assert take_stock(project).unshown == ("bright",)


@pytest.mark.parametrize(
    ("names", "labelled", "words"),
    [
        ((), 3, ""),
        (("a",), 1, "The only labelled scan that a model learns from does not show a, so it cannot learn it."),
        (
            ("a", "b"),
            2,
            "None of the 2 labelled scans that a model learns from shows a and b, so it cannot learn them.",
        ),
        (tuple("abcdefgh"), 2, "shows a, b, c, d, e, f and 2 more, so"),
    ],
)
def test_the_words(names: tuple[str, ...], labelled: int, words: str) -> None:
    assert words in unshown_text(names, labelled)
    assert bool(unshown_text(names, labelled)) == bool(names)


def test_check_names_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = without(make_project(tmp_path, "raster", labelled=2, unlabelled=1), 2)
    assert main(["check", str(project.root), "--json"]) == 0
    (one,) = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["rule"] == "not-shown"]
    assert (one["level"], one["items"]) == ("warning", ["dark"])
    without(project, 1)
    assert main(["check", str(project.root), "--json"]) == 0
    (one,) = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["rule"] == "no-structure"]
    assert one["items"] == ["case-0", "case-1"]
    assert "bright or dark" in one["what"]


def test_drafts_that_are_learnt_from_are_said_to_be_drafts(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=1, unlabelled=2)
    labels = project.case("case-0").read_labels()
    assert labels is not None
    project.case("case-1").save_labels(labels.array, author="t", origin="drawn", complete=False)
    stock = take_stock(project)
    assert (stock.labelled, stock.drafts) == (2, 1)
    assert look_ahead(stock, Wish("bcp")).uses == "2 labelled (1 of them a draft), 1 unlabelled scan"
    alone = replace(stock, labelled=1)
    assert look_ahead(alone, Wish("supervised")).uses == "1 labelled scan (a draft); 1 unlabelled are not used"
    assert recommend(alone).links[-1].why.startswith("Only 1 scan is labelled, as a draft: with fewer")
