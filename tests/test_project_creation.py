"""A project is made whole, or nothing is left of it; and nothing that was there before is touched."""

from __future__ import annotations

import errno
import fcntl
from contextlib import AbstractContextManager
from pathlib import Path

import attacks
import numpy as np
import pytest
from test_project_importing import mask, write

from napari_medssl import cli
from napari_medssl.errors import BadFileError, MedSSLError, ProjectError
from napari_medssl.locking import exclusive
from napari_medssl.project import ClassInfo, Project, import_images, new_project
from napari_medssl.ui import projects


@pytest.fixture
def own_things(tmp_path: Path) -> Path:
    """A folder that counts as empty, and is not."""
    root = tmp_path / "r"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "HEAD").write_text("x")
    (root / ".env").write_text("secret")
    (root / "Thumbs.db").write_bytes(b"\0")
    return root


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("what", ["scans", "labels", "count", "interrupted"])
def test_a_failed_new_removes_only_what_it_made(
    what: str, own_things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(own_things)
    write(tmp_path / "scans" / "a.nii.gz")
    write(tmp_path / "labels" / "a.nii.gz", mask())
    words = ["new", str(own_things), "--images", str(tmp_path / "scans"), "--class", "1=organ"]
    if what == "scans":
        (tmp_path / "scans" / "a.nii.gz").write_text("no scan")
    elif what == "labels":
        write(tmp_path / "labels" / "a.nii.gz", np.zeros((3, 3, 3), np.uint8))
        words += ["--labels", str(tmp_path / "labels")]
    elif what == "count":
        words += ["--labels", str(tmp_path / "labels"), "--label-cases", "7"]
    else:
        from napari_medssl.project import importing

        def stopped(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(importing, "note_refused", stopped)
    assert cli.main(words) != 0
    assert everything(own_things) == before
    assert sorted(path.name for path in own_things.iterdir()) == [".env", ".git", "Thumbs.db"]


@pytest.mark.parametrize("write_number", range(20))
def test_a_new_project_that_the_disk_has_no_room_for_leaves_nothing(write_number: int, tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / "scans" / f"{name}.nii.gz")
    words = ["new", str(tmp_path / "r"), "--images", str(tmp_path / "scans"), "--class", "1=organ"]
    with attacks.load("faulty").Disk(tmp_path, write_number) as disk:
        assert cli.main(words) == 2
    assert disk.refused
    assert [path.name for path in tmp_path.iterdir()] == ["scans"]
    assert cli.main(words) == 0


def test_what_comes_into_the_folder_meanwhile_stays(tmp_path: Path) -> None:
    write(tmp_path / "scans" / "a.nii.gz")

    def fail_half_way() -> None:
        with new_project(tmp_path / "deep" / "p") as project:
            import_images(project, tmp_path / "scans")
            (project.root / "notes.txt").write_text("mine")
            (project.root / "cases" / "theirs").mkdir()
            (project.root / "cases" / "theirs" / "case.json").write_text("{}")
            raise MedSSLError("enough")

    with pytest.raises(MedSSLError, match="enough"):
        fail_half_way()
    assert sorted(everything(tmp_path / "deep")) == ["p/cases/theirs/case.json", "p/notes.txt"]


def test_folders_above_that_were_made_go_too(tmp_path: Path) -> None:
    with pytest.raises(MedSSLError), new_project(tmp_path / "a" / "b" / "p"):
        raise MedSSLError("enough")
    assert not (tmp_path / "a").exists()


def test_a_project_that_is_there_is_not_taken_back(tmp_path: Path) -> None:
    Project.create(tmp_path / "p", classes=[ClassInfo(1, "organ")])
    with pytest.raises(ProjectError, match="project here already"), new_project(tmp_path / "p"):
        pass
    assert Project.open(tmp_path / "p").classes[0].name == "organ"


def test_the_window_takes_back_a_project_without_scans_and_keeps_one_without_labels(
    own_things: Path, tmp_path: Path
) -> None:
    before = everything(own_things)
    junk = tmp_path / "junk.nii.gz"
    junk.write_text("no scan")
    with pytest.raises(MedSSLError, match="none of the 1 scans"):
        projects.create(own_things, [junk], [ClassInfo(1, "organ")], [], "ann")
    assert everything(own_things) == before
    scan, other = write(tmp_path / "a.nii.gz"), write(tmp_path / "other_label.nii.gz", mask())
    root, refused = projects.create(own_things, [scan], [ClassInfo(1, "organ")], [other], "ann")
    assert [case.name for case in Project.open(root).cases()] == ["a"]
    assert "other_label.nii.gz" in refused


def test_a_sample_that_was_not_finished_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import napari_medssl.project as store

    monkeypatch.setattr(projects, "SAMPLE_CASES", 2)
    monkeypatch.setattr(projects, "SAMPLE_LABELLED", 1)
    whole = store.import_labels

    def stopped(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(store, "import_labels", stopped)
    with pytest.raises(OSError, match="no space"):
        projects.make_sample(tmp_path / "s", "ann")
    monkeypatch.setattr(store, "import_labels", whole)
    project = Project.open(projects.make_sample(tmp_path / "s", "ann"))
    assert [case.status for case in project.cases()] == ["labelled", "new"]


def test_a_proposal_that_fails_leaves_other_files_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_medssl.project import proposals

    project = Project.create(tmp_path / "p", classes=[ClassInfo(1, "organ")])
    import_images(project, write(tmp_path / "a.nii.gz"))
    case = project.case("a")
    mine = case.proposals_folder / "bcp-001" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("keep")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(proposals, "write_map", full)
    with pytest.raises(MedSSLError):
        case.save_proposal("bcp-001", mask(), {"entropy": np.zeros((5, 6, 7), np.float32)}, 0.5, {})
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


class TestLocks:
    def fail(self, root: Path, *more: AbstractContextManager[None]) -> None:
        with pytest.raises(MedSSLError, match="enough"):
            self._fail(root, *more)

    def _fail(self, root: Path, *more: AbstractContextManager[None]) -> None:
        with new_project(root) as project:
            project.set_classes((ClassInfo(1, "one"),))
            for one in more:
                one.__enter__()
            raise MedSSLError("enough")

    def test_one_that_was_there_before_stays(self, tmp_path: Path) -> None:
        root = tmp_path / "p"
        root.mkdir()
        (root / ".project.json.lock").touch()
        self.fail(root)
        assert [path.name for path in root.iterdir()] == [".project.json.lock"]

    def test_one_that_somebody_has_stays(self, tmp_path: Path) -> None:
        root = tmp_path / "p"
        held = exclusive(root / "project.json")
        self.fail(root, held)
        with pytest.raises(BadFileError), exclusive(root / "project.json", patience=0.1):
            pass
        assert [path.name for path in root.iterdir()] == [".project.json.lock"]
        held.__exit__(None, None, None)

    def test_where_there_are_none_nothing_is_left_either(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.EOPNOTSUPP, "no locks here")

        monkeypatch.setattr(fcntl, "flock", refuse)
        self.fail(tmp_path / "a" / "p")
        assert list(tmp_path.iterdir()) == []
