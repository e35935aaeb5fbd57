"""Masks of structures that a project does not have, among those of structures that it has. Pure.

Where each structure has a file or a folder of its own, the 1 in `gallbladder` is no liver, though liver is class 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ..errors import ProjectError
from .classes import ClassInfo
from .filenames import bare, is_generic, is_label_folder, label_stems, scan_stems
from .matching import plain

LEFT_OUT = "left out, as you asked"


def strange_structures(
    files: Mapping[str, Sequence[Path]],
    scans: Mapping[str, Sequence[Path]],
    values: Mapping[Path, Sequence[int]],
    classes: Sequence[ClassInfo],
) -> dict[Path, str]:
    """Files that show one structure as those named after the project's do, and whose name is of none; and that name.

    Parameters
    ----------
    files, scans : mapping of str to sequence of Path
        Label files, and scans, by the name of the case.
    values : mapping of Path to sequence of int
        The values in those files that can be read.
    """
    known = {plain(one.name) for one in classes}
    folders = {scan.parent for several in scans.values() for scan in several}
    named = {file: _own_name(file, case, scans[case], folders) for case, several in files.items() for file in several}
    by_file = any(name is not None and plain(name) in known and name == bare(file) for file, name in named.items())
    roots = {file.parent.parent for file, name in named.items() if name == file.parent.name and plain(name) in known}
    return {
        file: name
        for file, name in named.items()
        if name is not None
        and plain(name) not in known
        and len(set(values.get(file, (1, 2))) - {0}) <= 1
        and (by_file if name == bare(file) else file.parent.parent in roots)
    }


def leave_out(
    files: Mapping[str, Sequence[Path]], names: Collection[str]
) -> tuple[dict[str, tuple[Path, ...]], list[tuple[Path, str]]]:
    """The files that are not, and do not lie in a folder, of these names; and the others, each with why.

    Raises
    ------
    ProjectError
        If a name fits no file.
    """
    wanted = {plain(name): name for name in names}
    met: set[str] = set()
    kept: dict[str, tuple[Path, ...]] = {}
    left: list[tuple[Path, str]] = []
    for case, several in files.items():
        stay = []
        for file in several:
            mine = {plain(name) for name in (bare(file), *label_stems(file), file.parent.name)} & wanted.keys()
            met |= mine
            if mine:
                left.append((file, LEFT_OUT))
            else:
                stay.append(file)
        if stay:
            kept[case] = tuple(stay)
    unmet = [name for key, name in wanted.items() if key not in met]
    if unmet:
        raise ProjectError(f"No label file or folder of these is called {unmet[0]!r}, so it cannot be left out.")
    return kept, left


def refuse_strange(file: Path, case: str, name: str, classes: Sequence[ClassInfo]) -> ProjectError:
    """The error for a mask of a structure that the project does not have: what to do, with the exact option."""
    known = ", ".join(one.name for one in classes)
    return ProjectError(
        f"{file} (case {case}): {name} is no structure of this project ({known}). "
        f"Add it to the structures, or leave its files out (--leave-out {name})."
    )


def _own_name(file: Path, case: str, scans: Sequence[Path], folders: Collection[Path]) -> str | None:
    """What a file calls the structure it shows: its own name, or its folder's where its own is that of the scan."""
    stems = {plain(case), *(plain(stem) for scan in scans for stem in scan_stems(scan))}
    if stems.isdisjoint(plain(stem) for stem in label_stems(file)):
        return None if is_generic(file) else bare(file)
    if file.parent in folders or is_label_folder(file.parent.name):
        return None
    return file.parent.name
