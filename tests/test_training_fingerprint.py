"""What a project's scans are like: how far their contrast differs, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fixtures import CLASSES, quick, write_scan

from napari_medssl.errors import SpecError
from napari_medssl.imaging import UNSEEN
from napari_medssl.methods.bcp_options import BCPOptions
from napari_medssl.project import Project
from napari_medssl.runs.events import RunFinished
from napari_medssl.runs.request import make_spec
from napari_medssl.training import fingerprint
from napari_medssl.training.execute import execute
from napari_medssl.training.fingerprint import single_pieces, take_fingerprint
from napari_medssl.training.plan import MANY_CONTRASTS
from napari_medssl.training.resolve import resolve

SHAPE = (16, 16, 12)


def anatomy(number: int) -> np.ndarray:
    """Air, tissue and a bright organ, each scan with noise of its own."""
    image = np.zeros(SHAPE, np.float32)
    image[2:14, 2:14, 1:11] = 1
    image[5:9, 5:9, 3:8] = 2
    return image + 0.05 * np.random.default_rng(number).standard_normal(SHAPE).astype(np.float32)


def a_project(root: Path, change: Callable[[int, np.ndarray], np.ndarray], cases: int = 14) -> Project:
    project = Project.create(root / "project", classes=CLASSES[:1], channels=("image",))
    for number in range(cases):
        path = write_scan(root / "scans", f"case-{number}", "3d", change(number, anatomy(number))[None])[0]
        case = project.add_case(path, name=f"case-{number}")
        if number < 2:
            case.save_labels((anatomy(number) > 1.5).astype(np.uint8), author="test", origin="drawn")
    return project


def one_scanner(number: int, image: np.ndarray) -> np.ndarray:
    return image * (1 + number) * 10 + 100 * number


def two_sequences(number: int, image: np.ndarray) -> np.ndarray:
    return np.where(image < 0.5, image, 3 - image) if number % 2 else image


def contrasts(project: Project) -> float:
    return take_fingerprint(project, tuple(case.name for case in project.cases()), ()).contrasts


def test_another_scale_of_the_same_contrast_is_no_other_contrast(tmp_path: Path) -> None:
    assert contrasts(a_project(tmp_path, one_scanner)) < MANY_CONTRASTS / 2


def test_sequences_in_which_tissues_change_places_are(tmp_path: Path) -> None:
    assert contrasts(a_project(tmp_path, two_sequences)) > MANY_CONTRASTS


def test_scans_without_values_say_nothing(tmp_path: Path) -> None:
    def broken(number: int, image: np.ndarray) -> np.ndarray:
        return image * np.nan if number == 3 else np.ones_like(image) if number == 5 else image

    assert np.isfinite(contrasts(a_project(tmp_path, broken)))


def test_of_large_scans_fewer_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = a_project(tmp_path, one_scanner)
    names = tuple(case.name for case in project.cases())
    assert len(fingerprint._samples(project, names, 1)) == fingerprint.SCANS_LOOKED_AT
    monkeypatch.setattr(fingerprint, "VOXELS_LOOKED_AT", 3 * int(np.prod(SHAPE)))
    assert len(fingerprint._samples(project, names, 1)) == fingerprint.FEWEST_LOOKED_AT


def test_bad_files_are_passed_over_and_told_of_where_there_is_nothing_else(tmp_path: Path) -> None:
    project = a_project(tmp_path, one_scanner, cases=3)
    first, *others = (case.images[0] for case in project.cases())
    for path in others:
        path.unlink()
    assert len(fingerprint._samples(project, ("case-2", "case-1", "case-0"), 1)) == 1
    first.unlink()
    with pytest.raises(SpecError, match=r"None of the 3 scans can be read: .*case-0"):
        contrasts(project)


@pytest.mark.parametrize(
    ("change", "chosen", "share"),
    [
        (one_scanner, {}, 0.0),
        (two_sequences, {}, BCPOptions().remap),
        (one_scanner, {"remap": 0.4}, 0.4),
        (one_scanner, {"many_contrasts": True}, BCPOptions().remap),
        (two_sequences, {"many_contrasts": False}, 0.0),
    ],
)
def test_bcp_changes_grey_values_where_scans_differ_or_somebody_says_so(
    tmp_path: Path, change: Callable[[int, np.ndarray], np.ndarray], chosen: dict[str, object], share: float
) -> None:
    project = a_project(tmp_path, change)
    spec = resolve(make_spec(project, "bcp", steps=2, device="cpu", settings=quick() | chosen, propose=()), project)
    assert spec.options is not None
    assert spec.plan is not None
    assert spec.options["remap"] == share
    assert any("Grey values differ" in reason for reason in spec.plan.reasons) == spec.plan.many_contrasts


def test_as_published_grey_values_stay(tmp_path: Path) -> None:
    project = a_project(tmp_path, two_sequences)
    spec = resolve(make_spec(project, "bcp", steps=2, device="cpu", preset="paper", propose=()), project)
    assert spec.options is not None
    assert spec.options["remap"] == 0


def add_a_second_piece(project: Project, name: str) -> None:
    labels = (anatomy(0) > 1.5).astype(np.uint8)
    labels[11:13, 11:13, 3:8] = 1
    project.case(name).save_labels(labels, author="test", origin="drawn")


@pytest.mark.parametrize(
    ("scattered", "chosen", "one"),
    [(False, {}, True), (True, {}, False), (True, {"largest_component": True}, True)],
)
def test_bcp_believes_in_one_piece_where_each_class_is_one(
    tmp_path: Path, scattered: bool, chosen: dict[str, object], one: bool
) -> None:
    project = a_project(tmp_path, one_scanner)
    if scattered:
        add_a_second_piece(project, "case-1")
    spec = resolve(make_spec(project, "bcp", steps=2, device="cpu", settings=quick() | chosen, propose=()), project)
    assert spec.options is not None
    assert spec.plan is not None
    assert spec.options["largest_component"] is one
    assert spec.plan.single_piece == (() if scattered else (1,))


def test_a_stroke_says_nothing_of_how_many_pieces_there_are(tmp_path: Path) -> None:
    project = a_project(tmp_path, one_scanner)
    strokes = np.full(SHAPE, UNSEEN, np.uint8)
    strokes[6:8, 6, 5] = 1
    for name in ("case-0", "case-1"):
        project.case(name).save_labels(strokes, author="test", origin="drawn")
    spec = make_spec(project, "bcp", steps=2, device="cpu", settings=quick(), propose=())
    assert single_pieces(project, spec.labelled, 2) == ()
    project.case("case-1").save_labels((anatomy(1) > 1.5).astype(np.uint8), author="test", origin="drawn")
    spec = make_spec(project, "bcp", steps=2, device="cpu", settings=quick(), propose=())
    assert single_pieces(project, spec.labelled, 2) == (1,)


def test_label_maps_looked_at_are_spread_over_all(tmp_path: Path) -> None:
    project = a_project(tmp_path, one_scanner)
    for number in range(14):
        project.case(f"case-{number}").save_labels(
            (anatomy(number) > 1.5).astype(np.uint8), author="test", origin="drawn"
        )
    labelled = make_spec(project, "supervised", steps=2, device="cpu", settings=quick(), propose=()).labelled
    assert single_pieces(project, labelled, 2) == (1,)
    late = labelled[::2][-1].case
    assert [entry.case for entry in labelled].index(late) >= fingerprint.MAPS_LOOKED_AT
    add_a_second_piece(project, late)
    labelled = make_spec(project, "supervised", steps=2, device="cpu", settings=quick(), propose=()).labelled
    assert single_pieces(project, labelled, 2) == ()


def test_a_run_that_goes_on_sees_that_a_class_is_not_one_piece_after_all(tmp_path: Path) -> None:
    project = a_project(tmp_path, one_scanner)
    first = make_spec(project, "bcp", steps=2, device="cpu", settings=quick(), propose=())
    *_, end = execute(project.root, first.run, lambda: None)
    assert isinstance(end, RunFinished)
    assert end.reason == "completed"
    add_a_second_piece(project, "case-2")
    then = make_spec(project, "bcp", steps=2, device="cpu", settings=quick(), propose=(), start_from=first.run)
    spec = resolve(then, project)
    assert spec.options is not None
    assert spec.plan is not None
    assert spec.plan.single_piece == ()
    assert spec.options["largest_component"] is False
