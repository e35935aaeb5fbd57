"""Which files a person means who names files and folders."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadFileError
from ..imaging import find_images
from .filenames import bare, has_partner, is_label_folder, is_named_label, label_stems, scan_stems
from .matching import plain
from .unread import unread_kind, unread_words, why_unread

__all__ = ["Gathered", "Looked", "gather_labels", "gather_scans", "is_named_label", "look_into"]

DEEPEST = 6  # folders below the one that was named
MOST_FOLDERS = 20_000
_KINDS = "NIfTI (.nii, .nii.gz, .hdr/.img), PNG, TIFF or JPEG"
_DERIVED = "derivatives"  # of a BIDS data set: what was made of the scans
_DEEPER = "it lies below a folder that has scans itself: name its folder too, to take it"
_STRUCTURE = "it has the name of a structure, so it is taken for labels of the scan beside it"
_NO_LABEL = "its name is not that of labels, as those of others beside it are"


@dataclass(frozen=True)
class Looked:
    """What lies in a folder and those below it.

    Attributes
    ----------
    scans, labels : tuple of Path
        Images, in the order of folders and names.
    left : tuple of (Path, str)
        Files that may be scans and are not taken for such, each with why.
    """

    scans: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()
    left: tuple[tuple[Path, str], ...] = ()


@dataclass
class Gathered:
    """Files by absolute path, each once, in the order given, and what was found beside them and not taken."""

    files: list[Path] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)


def look_into(folder: Path, structures: Collection[str] = ()) -> Looked:
    """Tell scans from labels in a folder and those below it.

    Scans are the images lying in a folder, else those in its own folders (a folder per patient), and so on. Labels are
    images named so (…_label, …-seg, mask.nii.gz), or lying in a folder named so (labels, labelsTr, masks), or having
    the name of a structure beside a scan.

    Parameters
    ----------
    structures : collection of str
        Names of the structures, where they are known.

    Raises
    ------
    BadFileError
        If it is no readable folder, or holds too much to be meant.
    """
    names = {plain(one) for one in structures}
    scans: list[Path] = []
    labels: list[Path] = []
    left: list[tuple[Path, str]] = []
    with_scans: set[Path] = set()
    for place, within in _places(folder):
        left += _unread(place)
        found = _images(place, within, left)
        if any(is_label_folder(name) for name in within):
            labels += found
            continue
        sure = [path for path in found if not is_named_label(path)]
        named = [path for path in sure if plain(bare(path)) in names]
        if len(named) < len(sure) and (len(named) > 1 or within):  # beside a scan: ct.nii.gz and liver.nii.gz
            sure = [path for path in sure if path not in named]
            left += [(path, _STRUCTURE) for path in named]
        stems = {stem for path in sure for stem in scan_stems(path)}
        mine = [path for path in sure if not has_partner(path, stems - set(scan_stems(path)))]
        labels += [path for path in found if path not in mine]
        why = _derived(within) or (_DEEPER if with_scans.intersection(place.parents) else "")
        if why:
            left += [(path, why) for path in mine]
        elif mine:
            scans += mine
            with_scans.add(place)
    return Looked(tuple(scans), tuple(labels), tuple(left))


def gather_scans(paths: Path | str | Iterable[Path | str], structures: Collection[str] = ()) -> Gathered:
    """The scans that were named, or lie in folders that were named.

    Raises
    ------
    BadFileError
        If a folder has none; it says what else it has.
    """
    gathered = Gathered()
    seen: dict[Path, None] = {}
    for path in _absolute(paths):
        if not path.is_dir():
            seen.setdefault(path)
            continue
        looked = look_into(path, structures)
        if not looked.scans:
            raise _no_scans(path, looked)
        seen.update(dict.fromkeys(looked.scans))
        gathered.left += looked.left
    gathered.files = list(seen)
    gathered.left = [(path, why) for path, why in dict(gathered.left).items() if path not in seen]
    return gathered


def gather_labels(paths: Path | str | Iterable[Path | str], scans: Collection[Path] = ()) -> Gathered:
    """The label files that were named, or lie in folders that were named.

    Of a folder, and of each below it, the files that are named like labels; all but scans of the others, where none is,
    the folder is named so, or it has none of the scans.

    Parameters
    ----------
    scans : collection of Path
        Files that are known to be scans.

    Raises
    ------
    BadFileError
        If a folder has none.
    """
    gathered = Gathered()
    seen: dict[Path, None] = {}
    folders = {scan.parent for scan in scans}
    for path in _absolute(paths):
        if not path.is_dir():
            seen.setdefault(path)
            continue
        before = len(seen)
        for place, within in _places(path):
            gathered.left += _unread(place)
            found = [file for file in _images(place, within, gathered.left) if file not in scans]
            stems = {stem for file in (*found, *scans) if file.parent == place for stem in scan_stems(file)}
            named = [file for file in found if is_named_label(file) or has_partner(file, stems)]
            of = {stem for file in named for stem in label_stems(file)}  # scans that have their labels here
            others = [file for file in found if file not in named and of.isdisjoint(scan_stems(file))]
            if not named or any(is_label_folder(name) for name in (path.name, *within)):
                named, others = found, []
            elif place not in folders:
                named, others = [file for file in found if file in named or file in others], []
            seen.update(dict.fromkeys(named))
            gathered.left += [(file, _NO_LABEL) for file in others]
        if len(seen) == before:
            told = unread_words(file for file, _ in gathered.left)
            rule = "there are no labels in this folder" + (f" that can be read. It holds {told}" if told else "")
            raise BadFileError(path, rule.rstrip("."), f"choose a folder with {_KINDS} files")
    gathered.files = list(seen)
    gathered.left = [(file, why) for file, why in dict(gathered.left).items() if file not in seen]
    return gathered


def _no_scans(folder: Path, looked: Looked) -> BadFileError:
    rule = "there are no scans in this folder"
    told = unread_words(path for path, _ in looked.left)
    if told:
        return BadFileError(folder, f"{rule} that can be read. It holds {told.rstrip('.')}", "then choose it again")
    if looked.labels:
        rule += f", only files that are named like labels ({looked.labels[0].name}, …)"
    return BadFileError(folder, rule, f"choose a folder with {_KINDS} files (convert DICOM to NIfTI first)")


def _absolute(paths: Path | str | Iterable[Path | str]) -> Iterator[Path]:
    for path in [paths] if isinstance(paths, Path | str) else paths:
        yield Path(path).expanduser().absolute()


def _places(folder: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A folder and those below it, with the names that lead there; hidden ones and projects are left out."""
    waiting: list[tuple[Path, tuple[str, ...]]] = [(folder, ())]
    seen: set[str] = set()
    while waiting:
        place, within = waiting.pop()
        real = os.path.realpath(place)
        if real in seen:  # a link that goes round
            continue
        seen.add(real)
        if len(seen) > MOST_FOLDERS:
            rule = f"it holds more than {MOST_FOLDERS} folders"
            raise BadFileError(folder, rule, "choose a folder nearer to the scans")
        yield place, within
        if len(within) < DEEPEST:
            below = sorted(sub for sub in _entries(place) if not sub.name.startswith(".") and sub.is_dir())
            inside = [(sub, (*within, sub.name)) for sub in below if not (sub / "project.json").is_file()]
            waiting += reversed(inside)


def _unread(place: Path) -> list[tuple[Path, str]]:
    """Files of a folder that look like scans and cannot be read."""
    found = ((path, unread_kind(path)) for path in sorted(_entries(place)) if not path.is_dir())
    return [(path, why_unread(kind)) for path, kind in found if kind]


def _images(place: Path, within: Sequence[str], left: list[tuple[Path, str]]) -> list[Path]:
    """The images of a folder; one below that cannot be read is left, and stops nothing."""
    try:
        return find_images(place)
    except BadFileError as error:
        if not within:
            raise
        left.append((place, error.rule))
        return []


def _entries(place: Path) -> list[Path]:
    try:
        return list(place.iterdir())
    except OSError:
        return []


def _derived(within: Iterable[str]) -> str:
    return "it was derived from scans (it lies in derivatives)" if _DERIVED in within else ""
