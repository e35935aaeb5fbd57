"""A case: one scan of one patient, the labels people drew on it and the proposals machines made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..disk import sweep
from ..errors import BadFileError, DamagedFileError, ProjectError, TooLargeError
from ..imaging import Grid, Labels, Volume, file_sha256, read_labels
from .damage import Damage
from .images import ImageRef, is_there, read_channels
from .lost_labels import find_damaged, find_newest
from .names import check_name
from .origins import inherited_origins
from .proposals import Proposal, choose_proposal, has_proposal, read_proposal, read_proposals, write_proposal
from .quarantine import has_note, note_unreadable, why_unreadable, withdraw_note
from .records import CASE_NAME, change_record
from .refusals import one_clear_line
from .revisions import ORIGINS, Origin, Revision, load_revision, revision_ids
from .saving import ANYTHING, Provenance, check_array, check_origins, compare_with, write_revision

if TYPE_CHECKING:
    from .project import Project

Status = Literal["new", "draft", "labelled", "proposed", "excluded", "missing", "unreadable"]
#: In the note of labels that were saved while newer ones than their parent could not be read.
UNREAD = "newer labels could not be read: "
#: Where nothing can be drawn on or learnt from.
UNUSABLE: tuple[Status, ...] = ("excluded", "missing", "unreadable")


class Case:
    """One case of a project; made by `Project`.

    What is on disk is looked up when it is asked for, so that what another window saved is seen at once; only the
    record (images, patient, exclusion) is as of the last `Project.refresh`.

    Parameters
    ----------
    project : Project
        Its project.
    name : str
        Its name, also of its folder.
    record : mapping
        Its `case.json`; empty where that is damaged.
    grid : Grid or None
        The grid in it.
    fault : DamagedFileError, optional
        What is wrong with the record; nothing of the case can be used then.
    """

    def __init__(
        self,
        project: Project,
        name: str,
        record: Mapping[str, Any],
        grid: Grid | None = None,
        fault: DamagedFileError | None = None,
    ) -> None:
        self.name = name
        self.fault = fault
        self._project = project
        self._record = record
        self._grid = grid
        self._known: dict[str, Revision] = {}  # committed revisions never change

    def __repr__(self) -> str:
        return f"Case({self.name!r})"

    @cached_property
    def folder(self) -> Path:
        """Its folder in the project."""
        return self._project.root / "cases" / self.name

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def patient(self) -> str:
        """Whose scan it is; cases of one patient never end up on both sides of a split."""
        return str(self._record.get("patient", self.name))

    @property
    def role(self) -> Literal["pool", "audit"]:
        """Audit cases are those whose patient is in the frozen audit set; no model learns from them."""
        return "audit" if self.patient in self._project.audit_patients else "pool"

    @property
    def excluded(self) -> str | None:
        """Why it is left out, or None."""
        reason = self._record.get("excluded")
        return None if reason is None else str(reason)

    @property
    def flagged(self) -> bool:
        """Whether a person marked it, to come back to."""
        return bool(self._record.get("flagged", False))

    @property
    def comment(self) -> str:
        """What a person wrote about it."""
        return str(self._record.get("comment") or "")

    @property
    def grid(self) -> Grid:
        """Where its voxels are.

        Raises
        ------
        DamagedFileError
            If its record is damaged.
        """
        if self.fault is not None:
            raise self.fault
        if self._grid is None:
            self._grid = Grid.from_json(self._record["grid"])
        return self._grid

    @cached_property
    def image_refs(self) -> tuple[ImageRef, ...]:
        """Its image files as they were when it was added."""
        return tuple(ImageRef.from_json(values) for values in self._record.get("images", ()))

    @property
    def images(self) -> tuple[Path, ...]:
        """Where its image files are now, in the order of the project's channels."""
        return tuple(ref.locate(self._project.root) for ref in self.image_refs)

    @property
    def status(self) -> Status:
        """Where it stands, by what is on disk."""
        if self.fault is not None:
            return "unreadable"
        if self.excluded is not None:
            return "excluded"
        if not all(is_there(values, self._project.root) for values in self._record["images"]):
            return "missing"
        if has_note(self.folder) and why_unreadable(self.folder, self.images) is not None:
            return "unreadable"
        latest, lost = self._newest(False)
        if lost:
            return "unreadable"
        if latest is not None:
            return "labelled" if latest.complete else "draft"
        return "proposed" if has_proposal(self.proposals_folder, self._project.retired_runs) else "new"

    @property
    def trouble(self) -> str | None:
        """Why it cannot be used, as far as is known without reading its image; None where nothing is known."""
        if self.fault is not None:
            return f"{self.fault} What was drawn on the case is untouched."
        for path in self.images:
            if not path.exists():
                return f"{path}: the scan is not there. Put it back, or mount the drive it is on."
        why = why_unreadable(self.folder, self.images)
        lost = self.lost_labels() if why is None else ()
        return str(lost[0]) if lost else why

    def read_image(self) -> Volume:
        """Its image with all channels, on its grid, with the project's channel names.

        An image that is there and cannot be read is noted (see `trouble`), so that lists and runs leave the case out
        until its file changes or can be read again.

        Raises
        ------
        BadFileError
            If a file is missing, damaged, changed since it was added, or on another grid.
        """
        try:
            volume = self._read_image()
        except TooLargeError:  # says nothing of the file
            raise
        except BadFileError as error:
            if self.fault is None and all(path.exists() for path in self.images):
                note_unreadable(self.folder, self.images, str(error))
            raise
        if has_note(self.folder):
            withdraw_note(self.folder)
        return volume

    def _read_image(self) -> Volume:
        if self.fault is not None:
            raise self.fault
        array = read_channels(self.image_refs, self.images, self.grid, self.name)
        return Volume(array, self.grid, self._project.channels)

    # -- what people drew ---------------------------------------------------------------------------------------------

    @cached_property
    def labels_folder(self) -> Path:
        """Where its label revisions are."""
        return self.folder / "labels"

    @cached_property
    def strokes_folder(self) -> Path:
        """Where strokes are noted until a revision holds them (see `strokes`)."""
        return self.folder / "strokes"

    def revisions(self) -> list[Revision]:
        """Its label revisions that can be read, oldest first."""
        with suppress(PermissionError):  # see `damaged_labels`
            return [found for id in revision_ids(self.labels_folder) if (found := self._revision(id)) is not None]
        return []

    def latest(self, *, complete: bool = False) -> Revision | None:
        """Its newest revision (its newest complete one), or None."""
        return self._newest(complete)[0]

    def lost_labels(self, *, complete: bool = False) -> tuple[Damage, ...]:
        """What cannot be read of the labels that are newer than `latest`: those do not count, and should."""
        return self._newest(complete)[1]

    def damaged_labels(self) -> tuple[Damage, ...]:
        """All of its label revisions that cannot be read, oldest first."""
        return find_damaged(self.labels_folder, self.name)

    def _newest(self, complete: bool) -> tuple[Revision | None, tuple[Damage, ...]]:
        return find_newest(self.labels_folder, self.name, self._revision, complete)

    def revision(self, id: str) -> Revision:
        """The revision of that id.

        Raises
        ------
        ProjectError
            If there is none.
        """
        found = self._revision(id)
        if found is None:
            raise ProjectError(f"Case {self.name} has no label revision {id!r}. Choose one of its history.")
        return found

    def has_revision(self, id: str) -> bool:
        """Whether there is a revision of that id that can be read."""
        return self._revision(id) is not None

    def _revision(self, id: str) -> Revision | None:
        if id not in self._known:
            try:
                found = load_revision(self.labels_folder, id)
            except DamagedFileError:
                return None  # see `lost_labels`
            if found is None:
                return None
            self._known[id] = found
        return self._known[id]

    def read_labels(self, revision: str | Revision | None = None) -> Labels | None:
        """The labels of a revision (the newest), on its grid; None where nobody has drawn anything.

        Raises
        ------
        ProjectError
            If there is no such revision.
        BadFileError
            If its file is gone, damaged, or was changed by something else.
        """
        found = self.revision(revision) if isinstance(revision, str) else revision or self.latest()
        return None if found is None else self._read(found)

    def _read(self, revision: Revision) -> Labels:
        if file_sha256(revision.path) != revision.sha256:
            rule = "these labels are not the ones that were saved here: their checksum differs"
            raise BadFileError(revision.path, rule, "restore the file from a backup, or import it as a new revision")
        return Labels(read_labels(revision.path).array.reshape(self.grid.shape), self.grid)

    def save_labels(
        self,
        array: NDArray[Any],
        *,
        author: str,
        origin: Origin,
        minutes: float = 0.0,
        parent: str | Revision | None = None,
        run: str | None = None,
        complete: bool = True,
        note: str = "",
        dice_to_proposal: float | None = None,
        origins: NDArray[np.uint8] | None = None,
        strokes: int | None = None,
        over: str | Revision | None = ANYTHING,
        session: str = "",
        beside: str | Revision = "",
    ) -> Revision:
        """Save labels as a new revision; earlier ones stay as they are.

        Parameters
        ----------
        array : integer array of shape grid.shape
            0 background, 255 not looked at, else values of the project's classes.
        author : str
            Who drew them.
        origin : {"drawn", "accepted", "imported", "corrected"}
            How they came about.
        minutes : float
            Working time.
        parent : str or Revision, optional
            The revision they were made from.
        run : str, optional
            The run whose proposal they were made from. What was changed in it is counted, and kept per voxel.
        complete : bool
            False for a draft.
        dice_to_proposal : float, optional
            Mean Dice to that proposal; computed where not given.
        origins : uint8 array of shape grid.shape, optional
            Origin of each voxel, in the codes of `origins`.
        strokes : int, optional
            Strokes that were drawn, where they were counted.
        over : str or Revision, optional
            The newest revision that the saver knows of; None: there was none. By default whatever there is.
        session : str
            Of the window on this case, where one saves it.
        beside : str or Revision
            Newer labels of somebody else, which stay the newest: these are kept in the history, and count for nothing.

        Raises
        ------
        NewerRevision
            If somebody else has saved a newer one than `over` meanwhile: it says who and when. Nothing is changed then.
        ProjectError
            If values or shape do not fit, or the disk is full or read-only; nothing is changed then.
        """
        labels = Labels(self._checked(array), self.grid)
        if origin not in ORIGINS:
            raise ProjectError(f"Case {self.name}: labels cannot be {origin!r}. Use one of {', '.join(ORIGINS)}.")
        parent_id = parent.id if isinstance(parent, Revision) else parent
        if parent_id is not None:
            self.revision(parent_id)
        proposal = None if run is None else self._proposal(run)
        if lost := self.lost_labels():
            note = "; ".join(
                part for part in (note, f"{len(lost)} newer could not be read: {lost[0].path.name}") if part
            )
        compared, found = compare_with(proposal, labels.array)
        dice = compared.dice if dice_to_proposal is None else float(dice_to_proposal)
        codes = found if origins is None else check_origins(f"Case {self.name}", origins, self.grid.shape)
        provenance = Provenance(
            author, origin, float(minutes), parent_id, run, bool(complete), note, dice, strokes, session,
            beside.id if isinstance(beside, Revision) else beside,
        )  # fmt: skip
        known = over.id if isinstance(over, Revision) else over
        with one_clear_line(f"Case {self.name}: the labels were not saved", self.labels_folder):
            revision = write_revision(self.labels_folder, labels, codes, compared.changes, provenance, known)
        self._known[revision.id] = revision
        return revision

    def _checked(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        return check_array(f"Case {self.name}", array, self.grid.shape, self._project.classes)

    def read_origins(self, revision: str | Revision | None = None) -> NDArray[np.uint8] | None:
        """Where each voxel of a revision (the newest) comes from, in the codes of `origins`; None without labels.

        A voxel that a revision left as its parent had it keeps the parent's origin.
        """
        found = self.revision(revision) if isinstance(revision, str) else revision or self.latest()
        if found is None:
            return None
        line = [found]  # back to where origins were kept, or nothing is inherited
        while not line[-1].origin_map_path.exists() and line[-1].origin != "imported":
            before = self._revision(line[-1].parent) if line[-1].parent is not None else None
            if before is None:
                break
            line.append(before)
        return inherited_origins((self._read(one).array, self._kept_origins(one), one.origin) for one in reversed(line))

    def _kept_origins(self, revision: Revision) -> NDArray[np.uint8] | None:
        path = revision.origin_map_path
        return read_labels(path).array.reshape(self.grid.shape) if path.exists() else None

    # -- what machines propose ----------------------------------------------------------------------------------------

    @cached_property
    def proposals_folder(self) -> Path:
        """Where its proposals are, a folder per run."""
        return self.folder / "proposals"

    def proposals(self) -> list[Proposal]:
        """Its proposals, oldest first; not those with classes as they were before they were changed."""
        return self._proposals()[0]

    def lost_proposals(self) -> tuple[Damage, ...]:
        """Its proposals that cannot be read; older ones may be shown in their place."""
        return self._proposals()[1]

    def _proposals(self) -> tuple[list[Proposal], tuple[Damage, ...]]:
        return read_proposals(self.proposals_folder, self.name, self._project.retired_runs)

    def _proposal(self, run: str) -> Proposal | None:
        try:
            return read_proposal(self.proposals_folder / run, self.name)
        except DamagedFileError:
            return None

    def latest_proposal(self, avoid: Collection[str] = ()) -> Proposal | None:
        """Its newest proposal, or None; one of the runs to `avoid` only where there is no other."""
        return choose_proposal(self.proposals(), avoid)

    def save_proposal(
        self, run: str, labels: NDArray[Any], maps: Mapping[str, NDArray[Any]], score: float, info: Mapping[str, Any]
    ) -> Proposal:
        """Save what a run proposes.

        Parameters
        ----------
        run : str
            The run's name.
        labels : integer array of shape grid.shape
            The proposed mask.
        maps : mapping of str to float array of shape grid.shape
            Voxel maps, such as "entropy"; kept in 256 steps.
        score : float
            Uncertainty of the whole case.
        info : mapping
            Anything that is JSON.

        Raises
        ------
        ProjectError
            If values or shape do not fit, or the disk is full or read-only; nothing is left of it then.
        """
        checked = Labels(self._checked(labels), self.grid)
        for key, array in maps.items():
            if np.shape(array) != self.grid.shape:
                raise ProjectError(f"Case {self.name}: map {key!r} has shape {np.shape(array)}, not {self.grid.shape}.")
        folder = self.proposals_folder / check_name(run, "run")
        with one_clear_line(f"Case {self.name}: the proposal of {run} was not saved", folder):
            return write_proposal(folder, self.name, checked, maps, score, info)

    # -- decisions ----------------------------------------------------------------------------------------------------

    def exclude(self, reason: str, author: str = "") -> None:
        """Leave the case out of everything; nothing of it is removed.

        Raises
        ------
        ProjectError
            If it cannot be written down.
        """
        self._decide("excluded", reason or "no reason given", author)

    def include(self, author: str = "") -> None:
        """Take an excluded case back.

        Raises
        ------
        ProjectError
            If it cannot be written down.
        """
        self._decide("excluded", None, author)

    def flag(self, on: bool = True, author: str = "") -> None:
        """Mark the case, to come back to it; or take the mark away.

        Raises
        ------
        ProjectError
            If it cannot be written down.
        """
        self._decide("flagged", bool(on), author)

    def comment_on(self, words: str, author: str = "") -> None:
        """Write a comment on the case, in place of the one before; the history keeps that.

        Raises
        ------
        ProjectError
            If it cannot be written down.
        """
        self._decide("comment", words.strip(), author)

    def set_patient(self, patient: str, author: str = "") -> None:
        """Say whose scan it is.

        Raises
        ------
        ProjectError
            If that would take the case out of the frozen audit set, or cannot be written down.
        """
        if self.role == "audit" and patient not in self._project.audit_patients:
            raise ProjectError(
                f"Case {self.name} is in the audit set, which is frozen: its patient cannot change to {patient!r}."
            )
        self._decide("patient", patient, author)

    def _decide(self, what: str, value: Any, author: str) -> None:
        path = self.folder / CASE_NAME
        with one_clear_line(f"Case {self.name}: the change was not saved", path):
            sweep(self.folder)
            self._record = change_record(path, self._record, what, value, author)
