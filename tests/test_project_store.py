"""The store: projects, cases, classes, label revisions, proposals, runs."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from napari_medssl.disk import read_json, write_json
from napari_medssl.errors import BadFileError, MedSSLError, ProjectError
from napari_medssl.project import PALETTE, ClassInfo, Project
from napari_medssl.project.origins import ACCEPTED, DRAWN, IMPORTED, INTERPOLATED, compare

SHAPE = (6, 7, 8)
AFFINE = np.array([[0.8, 0.1, 0, -20], [-0.1, 0.8, 0, -30], [0, 0, 2.5, 11], [0, 0, 0, 1.0]])
CLASSES = (ClassInfo(1, "kidney"), ClassInfo(2, "tumour"))


def write_scan(path: Path, array: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> Path:
    """A NIfTI file."""
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) if array is None else array
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three cases, two classes."""
    project = Project.create(tmp_path / "project", classes=CLASSES)
    for name in ("case 10", "case 9", "case 1"):
        project.add_case(write_scan(tmp_path / "scans" / f"{name}_image.nii.gz"))
    return project


def a_mask(seed: int = 0) -> np.ndarray:
    """A mask with all three states."""
    return np.random.default_rng(seed).choice(np.array([0, 0, 1, 2, 255], np.uint8), SHAPE)


# -- the project ------------------------------------------------------------------------------------------------------


def test_a_project_is_what_it_was_when_it_is_opened_again(project: Project) -> None:
    again = Project.open(project.root)
    assert again.name == "project"
    assert again.classes == CLASSES
    assert again.channels == ("image",)
    assert [case.name for case in again.cases()] == ["case 1", "case 9", "case 10"]
    assert Project.open(project.root / "project.json").root == project.root


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(ProjectError, match="not empty"):
        Project.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_folder_with_hidden_things_is_taken(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    (tmp_path / "Thumbs.db").touch()
    assert Project.create(tmp_path).cases() == []


def test_a_project_is_not_made_over_another(project: Project) -> None:
    with pytest.raises(ProjectError, match="already"):
        Project.create(project.root)


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="there is no project here"):
        Project.open(tmp_path)
    with pytest.raises(ProjectError, match="there is no project here"):
        Project.open(tmp_path / "nowhere")


def test_a_newer_schema_is_refused_and_left_alone(project: Project) -> None:
    path = project.root / "project.json"
    write_json(path, {**(read_json(path) or {}), "schema": 2, "novelty": [1]})
    before = path.read_bytes()
    with pytest.raises(ProjectError, match=r"newer version.*schema 2.*Update"):
        Project.open(project.root)
    with pytest.raises(ProjectError, match="newer version"):
        project.set_classes(CLASSES[:1])
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["", "[1]", '{"format": "another", "schema": 1}', '{"schema": 1'])
def test_a_damaged_project_file_is_one_clear_line(project: Project, text: str) -> None:
    (project.root / "project.json").write_text(text)
    with pytest.raises(ProjectError, match="damaged") as caught:
        Project.open(project.root)
    assert "\n" not in str(caught.value)


def test_losing_every_cache_loses_nothing(project: Project) -> None:
    project.case("case 1").save_labels(a_mask(), author="a", origin="drawn")
    project.cache_folder.mkdir()
    (project.cache_folder / "anything").write_bytes(b"1")
    shutil.rmtree(project.cache_folder)
    shutil.rmtree(project.root / "leases", ignore_errors=True)
    assert [case.status for case in Project.open(project.root).cases()] == ["labelled", "new", "new"]


def test_a_case_another_window_adds_is_seen_after_a_refresh(project: Project, tmp_path: Path) -> None:
    assert len(project.cases()) == 3
    Project.open(project.root).add_case(write_scan(tmp_path / "late.nii.gz"))
    assert project.case("late").name == "late"  # asked for by name at once
    other = Project.open(project.root)
    Project.open(project.root).add_case(write_scan(tmp_path / "later.nii.gz"))
    other.refresh()
    assert [case.name for case in other.cases()][-2:] == ["late", "later"]


# -- classes ----------------------------------------------------------------------------------------------------------


def test_classes_have_colours_and_keys_without_asking() -> None:
    assert ClassInfo(1, "liver").colour == PALETTE[0]
    assert ClassInfo(9, "spleen").key == "9"
    assert ClassInfo(10, "ureter").key == ""
    assert len({ClassInfo(value, "x").colour for value in range(1, 8)}) == 7


@pytest.mark.parametrize(
    "make",
    [
        lambda: ClassInfo(0, "background"),
        lambda: ClassInfo(255, "unknown"),
        lambda: ClassInfo(1, " "),
        lambda: ClassInfo(1, "liver", "red"),
        lambda: ClassInfo(1, "liver", key="ab"),
    ],
)
def test_classes_that_cannot_be_are_refused(make: object) -> None:
    with pytest.raises(ProjectError):
        make()  # type: ignore[operator]


def test_two_classes_cannot_share_a_value_or_name(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="value 1"):
        Project.create(tmp_path / "a", classes=[ClassInfo(1, "liver"), ClassInfo(1, "spleen")])
    with pytest.raises(ProjectError, match="name 'liver'"):
        Project.create(tmp_path / "a", classes=[ClassInfo(1, "liver"), ClassInfo(2, "liver")])
    assert not (tmp_path / "a").exists()


def test_a_class_that_is_drawn_can_be_renamed_but_not_removed(project: Project) -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[0] = 2
    project.case("case 9").save_labels(mask, author="a", origin="drawn")
    with pytest.raises(ProjectError, match=r"tumour.*case 9"):
        project.set_classes([ClassInfo(1, "kidney")])
    project.set_classes([ClassInfo(2, "lesion")])  # nobody drew a kidney
    assert [one.name for one in Project.open(project.root).classes] == ["lesion"]


# -- cases ------------------------------------------------------------------------------------------------------------


def test_a_case_reads_its_image_on_its_grid(project: Project) -> None:
    volume = project.case("case 1").read_image()
    assert volume.array.shape == (1, *SHAPE)
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-6)
    assert volume.channels == ("image",)


def test_channels_in_files_of_their_own_make_one_case(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", channels=("t1", "flair"))
    t1 = write_scan(tmp_path / "a_t1.nii.gz", np.ones(SHAPE, np.float32))
    flair = write_scan(tmp_path / "a_flair.nii.gz", np.full(SHAPE, 2, np.int16))
    case = project.add_case({"flair": flair, "t1": t1}, name="a")
    volume = Project.open(project.root).case("a").read_image()
    assert volume.channels == ("t1", "flair")
    assert [channel.mean() for channel in volume.array] == [1, 2]
    assert case.images == (t1, flair)
    with pytest.raises(ProjectError, match="one file for each"):
        project.add_case({"t1": t1}, name="b")
    moved = write_scan(tmp_path / "moved.nii.gz", affine=np.diag([1, 1, 1, 1.0]))
    with pytest.raises(BadFileError, match="grid"):
        project.add_case({"t1": t1, "flair": moved}, name="b")
    with pytest.raises(BadFileError, match="1 channel, and 2 channels are wanted"):
        project.add_case(t1)
    assert len(Project.open(project.root).cases()) == 1


def test_a_second_case_of_the_same_name_is_refused(project: Project, tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "x.nii")
    for name in ("case 1", "CASE 1"):  # some disks take these for the same
        with pytest.raises(ProjectError, match="already"):
            project.add_case(scan, name=name)
    other = Project.open(project.root)
    project.add_case(scan)
    other._by_name()  # has not seen it
    with pytest.raises(ProjectError, match="already"):
        other.add_case(scan)


@pytest.mark.parametrize("name", ["a/b", "..", "con", "a:b", "", "x" * 200, " a", "a."])
def test_names_that_are_no_folder_somewhere_are_refused(project: Project, tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="cannot be the name"):
        project.add_case(write_scan(tmp_path / "x.nii"), name=name)
    with pytest.raises(ProjectError):
        project.case(name)


def test_a_damaged_image_is_refused_when_it_is_added(project: Project, tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "torn.nii.gz")
    scan.write_bytes(scan.read_bytes()[:-40])
    with pytest.raises(BadFileError, match=r"torn\.nii\.gz"):
        project.add_case(scan)
    assert len(Project.open(project.root).cases()) == 3


def test_a_missing_image_is_said_and_its_labels_stay(project: Project) -> None:
    case = project.case("case 1")
    case.save_labels(a_mask(), author="a", origin="drawn")
    case.images[0].rename(case.images[0].with_suffix(".away"))
    assert case.status == "missing"
    with pytest.raises(BadFileError, match=r"case 1_image\.nii\.gz.*not there"):
        case.read_image()
    np.testing.assert_array_equal(case.read_labels().array, a_mask())


def test_an_image_that_changed_is_refused(project: Project) -> None:
    case = project.case("case 1")
    os.utime(case.images[0], (1, 1))
    assert case.read_image() is not None  # another date, the same bytes
    write_scan(case.images[0], np.zeros(SHAPE, np.int16))
    with pytest.raises(BadFileError, match="changed"):
        case.read_image()


def test_project_and_images_can_move_together_or_the_project_alone(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.root, tmp_path / "elsewhere" / "deep" / "project")
    assert Project.open(tmp_path / "elsewhere" / "deep" / "project").case("case 1").status == "new"
    (tmp_path / "new").mkdir()
    shutil.move(project.root, tmp_path / "new" / "project")
    shutil.move(tmp_path / "scans", tmp_path / "new" / "scans")
    case = Project.open(tmp_path / "new" / "project").case("case 1")
    assert case.images == (tmp_path / "new" / "scans" / "case 1_image.nii.gz",)
    assert case.read_image().array.shape == (1, *SHAPE)


def test_excluding_a_case_keeps_everything_and_who_did_it(project: Project) -> None:
    case = project.case("case 1")
    case.save_labels(a_mask(), author="a", origin="drawn")
    case.exclude("motion", author="Dr A")
    again = Project.open(project.root).case("case 1")
    assert (again.status, again.excluded) == ("excluded", "motion")
    again.include(author="Dr B")
    assert Project.open(project.root).case("case 1").status == "labelled"
    history = json.loads((case.folder / "case.json").read_text())["history"]
    assert [(entry["author"], entry["to"]) for entry in history] == [("Dr A", "motion"), ("Dr B", None)]


def test_a_case_half_made_is_not_listed(project: Project) -> None:
    (project.root / "cases" / "half").mkdir()
    assert len(Project.open(project.root).cases()) == 3


def test_a_case_whose_record_is_torn_is_listed_with_its_file(project: Project) -> None:
    (project.root / "cases" / "torn").mkdir()
    (project.root / "cases" / "torn" / "case.json").write_text('{"images": [')
    found = Project.open(project.root).case("torn")
    assert found.status == "unreadable"
    assert str(project.root / "cases" / "torn" / "case.json") in str(found.trouble)
    assert len(Project.open(project.root).cases()) == 4


# -- labels -----------------------------------------------------------------------------------------------------------


def test_labels_come_back_bit_for_bit_with_who_and_how(project: Project) -> None:
    case = project.case("case 1")
    assert case.read_labels() is None
    assert case.latest() is None
    first = case.save_labels(a_mask(1), author="Dr A", origin="drawn", minutes=3.5, complete=False, note="half")
    assert case.status == "draft"
    second = case.save_labels(a_mask(2), author="Dr B", origin="drawn", parent=first)
    again = Project.open(project.root).case("case 1")
    assert again.revisions() == [first, second]
    assert again.status == "labelled"
    assert (second.parent, first.minutes, first.note) == (first.id, 3.5, "half")
    np.testing.assert_array_equal(again.read_labels().array, a_mask(2))
    np.testing.assert_array_equal(again.read_labels(first).array, a_mask(1))
    np.testing.assert_array_equal(again.read_labels(first.id).array, a_mask(1))
    assert again.read_labels().grid.mismatch(again.grid) is None


def test_not_looked_at_stays_not_looked_at(project: Project) -> None:
    case = project.case("case 1")
    case.save_labels(np.full(SHAPE, 255), author="a", origin="drawn")
    assert (case.read_labels().array == 255).all()
    assert case.latest().voxels == {255: int(np.prod(SHAPE))}


def test_the_latest_complete_revision_is_found_behind_a_draft(project: Project) -> None:
    case = project.case("case 1")
    done = case.save_labels(a_mask(1), author="a", origin="drawn")
    case.save_labels(a_mask(2), author="a", origin="drawn", complete=False)
    assert case.status == "draft"
    assert case.latest(complete=True) == done


def test_a_clock_that_goes_back_does_not_change_the_order(project: Project) -> None:
    case = project.case("case 1")
    first = case.save_labels(a_mask(1), author="a", origin="drawn")
    ahead = f"2099{first.id[4:]}"  # a revision of a computer whose clock is wrong
    write_json(case.labels_folder / f"{ahead}.json", read_json(first.path.with_name(f"{first.id}.json")))
    last = case.save_labels(a_mask(2), author="a", origin="drawn")
    assert case.latest() == last
    assert [one.id for one in case.revisions()] == [first.id, ahead, last.id]


def test_values_that_are_no_class_are_named(project: Project) -> None:
    mask = a_mask()
    mask[0, 0, :2] = 7, 9
    with pytest.raises(ProjectError, match=r"case 1: the values 7, 9 belong.*1 kidney, 2 tumour"):
        project.case("case 1").save_labels(mask, author="a", origin="drawn")
    with pytest.raises(ProjectError, match="the value 300 belongs"):
        project.case("case 1").save_labels(mask.astype(int) * 0 + 300, author="a", origin="drawn")
    with pytest.raises(ProjectError, match="whole numbers"):
        project.case("case 1").save_labels(mask / 2, author="a", origin="drawn")
    assert not project.case("case 1").labels_folder.exists()


def test_labels_of_another_shape_are_refused(project: Project) -> None:
    with pytest.raises(ProjectError, match="shape"):
        project.case("case 1").save_labels(np.zeros((6, 7)), author="a", origin="drawn")


def test_labels_changed_by_something_else_are_noticed(project: Project) -> None:
    case = project.case("case 1")
    revision = case.save_labels(a_mask(1), author="a", origin="drawn")
    other = case.save_labels(a_mask(2), author="a", origin="drawn")
    shutil.copy(other.path, revision.path)
    with pytest.raises(BadFileError, match="checksum"):
        case.read_labels(revision)
    assert case.read_labels(other) is not None


def test_a_damaged_proposal_does_not_keep_a_person_from_saving(project: Project) -> None:
    case = project.case("case 1")
    proposal = case.save_proposal("bcp-001", np.ones(SHAPE, int), {}, 0.5, {})
    proposal.labels_path.write_bytes(b"\0" * 100)
    revision = case.save_labels(a_mask(1), author="a", origin="corrected", run="bcp-001")
    assert (revision.run, revision.dice_to_proposal, revision.changes) == ("bcp-001", None, {})
    np.testing.assert_array_equal(case.read_labels().array, a_mask(1))


def test_half_synced_revisions_do_not_count(project: Project) -> None:
    case = project.case("case 1")
    good = case.save_labels(a_mask(1), author="a", origin="drawn")
    json_only = case.save_labels(a_mask(2), author="a", origin="drawn")
    json_only.path.unlink()
    (case.labels_folder / "29990101T000000000000Z-abcdef.json").write_text('{"file": "x')
    (case.labels_folder / "29990101T000000000001Z-abcdef.nii.gz").write_bytes(b"half")
    (case.labels_folder / "notes.json").write_text('{"a": 1}')
    again = Project.open(project.root).case("case 1")
    assert again.revisions() == [good]
    assert again.latest() == good


def test_a_parent_that_is_not_there_is_refused(project: Project) -> None:
    with pytest.raises(ProjectError, match="no label revision"):
        project.case("case 1").save_labels(a_mask(), author="a", origin="drawn", parent="20200101T000000000000Z-000000")
    with pytest.raises(ProjectError, match="cannot be 'guessed'"):
        project.case("case 1").save_labels(a_mask(), author="a", origin="guessed")  # type: ignore[arg-type]


def test_raster_cases_have_png_labels(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6)).save(tmp_path / "slide.png")
    project = Project.create(tmp_path / "p", classes=CLASSES)
    case = project.add_case(tmp_path / "slide.png")
    mask = np.array([0, 1, 2, 255, 0, 1], np.uint8)[None].repeat(5, axis=0)
    revision = case.save_labels(mask, author="a", origin="drawn")
    assert revision.path.suffix == ".png"
    np.testing.assert_array_equal(case.read_labels().array, mask)
    proposal = case.save_proposal("bcp-001", mask % 255, {"entropy": mask / 255}, 0.1, {})
    np.testing.assert_array_equal(proposal.read_labels().array, mask % 255)
    np.testing.assert_allclose(proposal.read_map("entropy"), mask / 255, atol=1 / 255)
    case.save_labels(mask, author="a", origin="corrected", run="bcp-001")
    assert case.read_origins().shape == (5, 6)


# -- where voxels come from -------------------------------------------------------------------------------------------


def test_a_corrected_proposal_says_what_was_changed(project: Project) -> None:
    case = project.case("case 1")
    proposed = np.zeros(SHAPE, np.uint8)
    proposed[:3] = 1
    case.save_proposal("bcp-001", proposed, {}, 0.3, {})
    mask = proposed.copy()
    mask[0, 0] = 0  # 8 voxels removed
    mask[1, 0] = 2  # 8 relabelled
    mask[3, 0] = 1  # 8 added
    mask[5] = 255
    revision = case.save_labels(mask, author="a", origin="corrected", run="bcp-001")
    assert revision.changes == {"added": 8, "removed": 8, "relabelled": 8}
    kidney = 2 * (168 - 16) / (168 + 160)
    assert revision.dice_to_proposal == pytest.approx((kidney + 0) / 2)
    origins = case.read_origins()
    assert (origins[0, 0] == DRAWN).all()
    assert (origins[0, 1] == ACCEPTED).all()
    assert (origins[5] == 0).all()


def test_voxels_left_alone_keep_their_origin(project: Project) -> None:
    case = project.case("case 1")
    first = case.save_labels(a_mask(1), author="a", origin="imported")
    mask = a_mask(1)
    mask[0, 0, 0] = 1 if mask[0, 0, 0] != 1 else 2
    case.save_labels(mask, author="a", origin="drawn", parent=first)
    origins = case.read_origins()
    assert origins[0, 0, 0] == DRAWN
    rest = (mask != 255) & (np.arange(np.prod(SHAPE)).reshape(SHAPE) > 0)
    assert (origins[rest] == IMPORTED).all()
    given = np.where(mask == 255, 0, INTERPOLATED).astype(np.uint8)
    case.save_labels(mask, author="a", origin="drawn", origins=given)
    np.testing.assert_array_equal(case.read_origins(), given)
    with pytest.raises(ProjectError, match="origins"):
        case.save_labels(mask, author="a", origin="drawn", origins=given + 9)


def test_dice_to_the_proposal_leaves_out_what_nobody_looked_at() -> None:
    proposal = np.array([1, 1, 1, 0, 2], np.uint8)
    labels = np.array([1, 1, 255, 255, 255], np.uint8)
    assert compare(proposal, labels).dice == 1.0
    assert compare(np.zeros(3, np.uint8), np.zeros(3, np.uint8)).dice is None


# -- proposals and runs -----------------------------------------------------------------------------------------------


def test_a_proposal_comes_back_and_never_touches_labels(project: Project) -> None:
    case = project.case("case 1")
    entropy = np.random.default_rng(0).random(SHAPE)
    case.save_proposal("bcp-001", np.ones(SHAPE, int), {"entropy": entropy}, 0.25, {"seconds": 2})
    assert case.status == "proposed"
    saved = case.save_labels(a_mask(), author="a", origin="drawn")
    newest = case.save_proposal("bcp-002", np.full(SHAPE, 2), {}, 0.5, {})
    again = Project.open(project.root).case("case 1")
    assert [(one.run, one.score) for one in again.proposals()] == [("bcp-001", 0.25), ("bcp-002", 0.5)]
    assert again.latest_proposal() == newest
    first = again.proposals()[0]
    assert first.info == {"seconds": 2}
    np.testing.assert_allclose(first.read_map("entropy"), entropy, atol=1 / 255)
    with pytest.raises(ProjectError, match="flips"):
        first.read_map("flips")
    assert (first.read_labels().array == 1).all()
    assert again.revisions() == [saved]
    assert again.status == "labelled"


def test_a_proposal_that_does_not_fit_leaves_nothing(project: Project) -> None:
    case = project.case("case 1")
    with pytest.raises(ProjectError, match="shape"):
        case.save_proposal("bcp-001", np.zeros(SHAPE, int), {"entropy": np.zeros((2, 2))}, 0, {})
    with pytest.raises(ProjectError, match="value 9"):
        case.save_proposal("bcp-001", np.full(SHAPE, 9), {}, 0, {})
    with pytest.raises(TypeError):
        case.save_proposal("bcp-001", np.zeros(SHAPE, int), {}, 0, {"model": object()})
    assert case.proposals() == []
    assert not (case.proposals_folder / "bcp-001").exists()


def test_runs_are_numbered_in_the_order_they_were_made(project: Project) -> None:
    names = [project.new_run_name(method) for method in ("supervised", "bcp", "bcp", "predict")]
    assert names == ["supervised-001", "bcp-002", "bcp-003", "predict-004"]
    (project.root / "runs" / "brought").mkdir()
    assert Project.open(project.root).runs() == ["brought", *names]
    assert project.run_folder("bcp-002") == project.root / "runs" / "bcp-002"
    assert not project.run_folder("bcp-999").exists()
    assert project.run_folder("bcp-999", create=True).is_dir()
    assert project.new_run_name("bcp") == "bcp-1000"
    with pytest.raises(ProjectError):
        project.run_folder("../escape")


def test_two_windows_never_reserve_the_same_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Project.open(project.root)
    taken = project.new_run_name("bcp")
    monkeypatch.setattr(other, "runs", lambda: [])  # looked just before the first window made it
    assert other.new_run_name("bcp") != taken


def test_errors_are_one_line_with_a_remedy(project: Project) -> None:
    for ask in (
        lambda: project.case("none"),
        lambda: project.case("case 1").revision("x"),
        lambda: Project.open("/no"),
    ):
        with pytest.raises(MedSSLError) as caught:
            ask()
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith(".")
