"""The project on disk: cases, classes, runs. Its state is derived from its files; no index has to be right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..disk import make_folder, names_in, write_json
from ..errors import DamagedFileError, ProjectError
from ..imaging import case_stem
from .audit import read_audit_patients
from .case import Case
from .classes import ClassInfo, check_classes, merge_classes
from .images import look_at_images
from .inventory import INVENTORY_NAME, note_cases, read_inventory
from .lease import Lease, take_lease
from .names import can_be_there, check_name, folded, natural_key, safe_name
from .records import CASE_NAME, is_gone, new_record, read_case_record, why_gone
from .refusals import one_clear_line
from .run_names import reserve_run, run_names
from .settings import PROJECT_NAME, change_settings, check_channels, new_settings, read_settings


class Project:
    """A project that is open; made by `Project.create` and `Project.open`.

    Parameters
    ----------
    root : Path
        Its folder.
    settings : mapping
        Its `project.json`.
    """

    def __init__(self, root: Path, settings: Mapping[str, Any]) -> None:
        self.root = root
        self._settings = dict(settings)
        self._cases: dict[str, Case] | None = None
        self._alone: dict[str, Case] = {}  # those looked up before all were listed
        self._in_order = True
        self._taken: dict[str, str] = {}  # folded name -> name
        self._audit: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"Project({str(self.root)!r})"

    @classmethod
    def create(
        cls,
        root: Path | str,
        *,
        classes: Iterable[ClassInfo] = (),
        channels: Iterable[str] = ("image",),
        name: str | None = None,
    ) -> Project:
        """Make a project in a new or empty folder.

        Raises
        ------
        ProjectError
            If there is a project or anything else in the folder, or it cannot be written to.
        """
        root = Path(root).expanduser().absolute()
        return cls(root, new_settings(root, classes, channels, name))

    @classmethod
    def open(cls, root: Path | str) -> Project:
        """Open a project, by its folder or its `project.json`.

        Raises
        ------
        ProjectError
            If there is none, it is unreadable, or a newer version wrote it.
        """
        root = Path(root).expanduser().absolute()
        if root.name == PROJECT_NAME:
            root = root.parent
        return cls(root, read_settings(root))

    # -- what it is about ---------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self._settings["name"])

    @property
    def classes(self) -> tuple[ClassInfo, ...]:
        """The structures to segment, by ascending value; background is not among them."""
        return tuple(ClassInfo.from_json(values) for values in self._settings["classes"])

    @property
    def changes(self) -> tuple[Mapping[str, Any], ...]:
        """How the classes were changed after they had been drawn, oldest first (see `migration`)."""
        return tuple(self._settings.get("changes", ()))  # older projects have none

    @property
    def retired_runs(self) -> Mapping[str, str]:
        """Runs that learnt the classes as they were before a change, and that change in words.

        Neither their models nor their proposals fit the labels any more.
        """
        return {run: str(one["words"]) for one in reversed(self.changes) for run in one["runs"]}

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels every image has, in order."""
        return tuple(self._settings["channels"])

    @property
    def cache_folder(self) -> Path:
        """Where things lie that can be made again; it may be deleted at any time."""
        return self.root / "cache"

    def set_classes(self, classes: Iterable[ClassInfo]) -> None:
        """Change names, colours and keys, add classes, or remove classes that nobody has drawn.

        Raises
        ------
        ProjectError
            If a class is removed that occurs in labels, or it cannot be written down.
        """
        wanted = check_classes(classes)
        gone = {one.value: one.name for one in self.classes} | {0: ""}
        for value in (0, *(one.value for one in wanted)):
            gone.pop(value, None)
        for case in self.cases() if gone else ():
            if case.fault is not None or case.damaged_labels():
                raise ProjectError(f"What is drawn in case {case.name} is not all known. {case.trouble or ''}".strip())
            for revision in case.revisions():
                used = sorted(gone.keys() & revision.voxels.keys())
                if used:
                    raise ProjectError(
                        f"Class {used[0]} {gone[used[0]]!r} is drawn in case {case.name}: it can be renamed. To "
                        "remove it, say what becomes of what is drawn."
                    )
        known = self.classes
        self._settings = change_settings(
            self.root,
            lambda now: {
                "classes": [
                    one.to_json()
                    for one in merge_classes(known, wanted, [ClassInfo.from_json(values) for values in now["classes"]])
                ]
            },
        )

    def set_channels(self, channels: Iterable[str]) -> None:
        """Name the channels; their number can change only while there are no cases.

        Raises
        ------
        ProjectError
            If there are cases with another number of channels, or it cannot be written down.
        """
        wanted = check_channels(channels)
        if len(wanted) != len(self.channels) and self.cases():
            raise ProjectError(f"The cases have {len(self.channels)} channels. Make a project of its own for others.")
        self._settings = change_settings(self.root, lambda now: {"channels": list(wanted)})

    # -- cases --------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look again at what other windows and programs added or changed."""
        self._settings = read_settings(self.root)
        self._cases = None
        self._alone = {}
        self._audit = None

    def cases(self) -> list[Case]:
        """All cases, in the order people count: "case 2" before "case 10"."""
        cases = self._by_name()
        if not self._in_order:
            cases = self._cases = {name: cases[name] for name in sorted(cases, key=natural_key)}
            self._in_order = True
        return list(cases.values())

    def case(self, name: str) -> Case:
        """The case of that name.

        Raises
        ------
        ProjectError
            If there is none.
        """
        found = self._alone.get(name) if self._cases is None else self._cases.get(name)
        if found is None:  # one case costs one file, not the listing of all; and another window may have added it
            found = self._look_up(name)
            if found is None:
                raise ProjectError(f"Project {self.name} has no case {name!r}. See the list of cases.")
            if self._cases is None:
                self._alone[name] = found
            else:
                self._remember(found)
        return found

    def add_case(
        self,
        images: Path | str | Mapping[str, Path | str],
        *,
        name: str | None = None,
        patient: str | None = None,
        volume: int | None = None,
    ) -> Case:
        """Add a case; its images stay where they are.

        Parameters
        ----------
        images : Path, or mapping of channel name to Path
            One file with all channels, or a file for each channel.
        name : str, optional
            The case's name; by default the file's stem.
        patient : str, optional
            Whose scan it is; by default the case's name.
        volume : int, optional
            Which volume of a 4-D file.

        Raises
        ------
        BadFileError
            If an image cannot be used, or does not have the project's channels.
        ProjectError
            If the name is taken or cannot be one, or the case cannot be written down.
        """
        paths = self._in_channel_order(images)
        refs, grid = look_at_images(paths, self.root, self.channels, volume)
        if name is None:
            name = safe_name(case_stem(paths[0]))
        check_name(name, "case")
        self._by_name()
        taken = self._taken.get(folded(name))
        if taken is not None and not is_gone(self.root / "cases" / taken):
            raise ProjectError(f"There is a case {taken!r} already. Give the new one another name.")
        record = new_record(refs, grid, patient or name)
        path = self.root / "cases" / name / CASE_NAME
        with one_clear_line(f"Case {name}: not added", path):
            try:
                make_folder(path.parent)
                write_json(path, record, indent=None, new=True)
            except FileExistsError:
                raise ProjectError(f"There is a case {name!r} already. Give the new one another name.") from None
            except BaseException:
                with suppress(OSError):
                    path.parent.rmdir()  # empty: nothing of it is left
                raise
        case = Case(self, name, record, grid)
        self._remember(case)
        noted = (self.root / INVENTORY_NAME).exists()
        note_cases(self.root, [name] if noted else list(self._by_name()))
        return case

    def _remember(self, case: Case) -> None:
        self._by_name()[case.name] = case
        self._taken[folded(case.name)] = case.name
        self._in_order = False

    def _in_channel_order(self, images: Path | str | Mapping[str, Path | str]) -> list[Path]:
        if not isinstance(images, Mapping):
            return [Path(images)]
        if set(images) != set(self.channels):
            raise ProjectError(
                f"The files are for the channels {', '.join(images) or 'none'}; the project has "
                f"{', '.join(self.channels)}. Give one file for each."
            )
        return [Path(images[channel]) for channel in self.channels]

    def _by_name(self) -> dict[str, Case]:
        if self._cases is None:
            there = {*names_in(self.root / "cases"), *read_inventory(self.root).cases}
            names = sorted(there, key=natural_key)
            found = ((name, self._alone.get(name) or self._look_up(name)) for name in names)
            self._cases = {name: case for name, case in found if case is not None}
            self._taken = {folded(name): name for name in self._cases}
            self._in_order = True
        return self._cases

    def _look_up(self, name: str) -> Case | None:
        """A case on disk, unreadable where its record is damaged; None where its record is not there yet."""
        if not can_be_there(name):
            return None
        folder = self.root / "cases" / name
        path = folder / CASE_NAME
        try:
            found = read_case_record(path)
        except DamagedFileError as error:
            return Case(self, name, {}, None, error)
        if found is not None:
            return Case(self, name, *found)
        fault = why_gone(path, read_inventory(self.root))
        return None if fault is None else Case(self, name, {}, None, fault)

    @property
    def audit_patients(self) -> frozenset[str]:
        """Patients of the frozen audit set; empty until one is drawn (see `audit`)."""
        if self._audit is None:
            self._audit = read_audit_patients(self.root)
        return self._audit

    # -- runs ---------------------------------------------------------------------------------------------------------

    def runs(self) -> list[str]:
        """Names of the runs, oldest first."""
        return run_names(self.root / "runs")

    def run_folder(self, name: str, create: bool = False) -> Path:
        """The folder of a run, whether or not there is one.

        Raises
        ------
        ProjectError
            If `name` cannot be a run's, or the folder cannot be made.
        """
        folder = self.root / "runs" / check_name(name, "run")
        if create:
            with one_clear_line(f"Run {name} was not made", folder):
                make_folder(folder)
        return folder

    def new_run_name(self, method: str) -> str:
        """Reserve the next run: "bcp-001"; the number counts on over all methods, so that it tells the order.

        Raises
        ------
        ProjectError
            If its folder cannot be made.
        """
        return reserve_run(self.root / "runs", method)

    # -- windows ------------------------------------------------------------------------------------------------------

    @property
    def leases_folder(self) -> Path:
        """Where windows say that they have the project open."""
        return self.root / "leases"

    def lock(self, owner: str = "") -> Lease:
        """Say that this window works on the project; `Lease.others` names the windows that do so too.

        All of them may read and save: revisions never collide. The lease only lets a person know.
        """
        return take_lease(self.leases_folder, owner)
