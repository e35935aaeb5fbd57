"""Which label file belongs to which scan: one rule, for the window and for every command. Pure.

Folders decide first: where scans lie in folders of their own (one per patient, say), a label in such a folder, or in
one of the same name elsewhere, can only be of a scan there. Then the names: the same file name, the same name less the
ending, the same less words such as _seg, and last the case's own name. The first of these that fits any scan decides,
and only where it fits a single one: a label that could be of two scans is of neither. Names are never shortened or
cleaned, and capitals are told apart wherever that helps.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadFileError
from .filenames import bare, group_of, is_generic, label_stems, scan_stems

_Index = dict[str, dict[str, None]]  # keys of scans, in order
_NO_WORDS = re.compile(r"[^\w]+|_+")
_GAPS = ("_", "-", ".", " ")
_OF_STRUCTURES = ("segmentations", "segmentation", "structures")


@dataclass(frozen=True)
class Matches:
    """Which files are of which scans.

    Attributes
    ----------
    of : dict of str to tuple of Path
        Label files by scan, in the order of the scans; several where there is one file per structure, say.
    unmatched : tuple of (Path, str)
        Files of no scan, each with why.
    ambiguous : tuple of (Path, str)
        Files that could be of several scans, each with a whole sentence that names them.
    """

    of: dict[str, tuple[Path, ...]]
    unmatched: tuple[tuple[Path, str], ...]
    ambiguous: tuple[tuple[Path, str], ...]


def match_files(
    labels: Iterable[Path], scans: Mapping[str, Sequence[Path]], structures: Collection[str] = ()
) -> Matches:
    """Tell which label file belongs to which scan.

    Parameters
    ----------
    labels : iterable of Path
    scans : mapping of str to sequence of Path
        The image files of each scan, by the name that the scan has in a project (or any other key).
    structures : collection of str
        Names of structures: a file of that name names no scan, its folder has to.
    """
    files = list(labels)
    root = _common([*files, *(file for images in scans.values() for file in images)])
    known = _Known(scans, root, {plain(name) for name in structures})
    often = {stem for stem, count in _places(files).items() if count > 1}
    of: dict[str, list[Path]] = {key: [] for key in scans}
    unmatched: list[tuple[Path, str]] = []
    ambiguous: list[tuple[Path, str]] = []
    for file in files:
        near = known.nearest(_parts(file, root))
        found = known.by_name(file, near) or known.by_folder(file, near, bare(file) in often)
        found = _same_folder(file, found, scans)
        if len(found) == 1:
            of[found[0]].append(file)
        elif found:
            ambiguous.append((file, _ambiguous(file, sorted(scans[key][0] for key in found))))
        else:
            where = f" in {file.parent.name} or a folder of that name" if near and len(near) < len(scans) else ""
            unmatched.append((file, f"no scan is named {label_stems(file)[-1]!r}{where}"))
    return Matches({key: tuple(found) for key, found in of.items() if found}, tuple(unmatched), tuple(ambiguous))


def plain(name: str) -> str:
    """A structure's name as file names write it: left_kidney for "Left kidney"."""
    return _NO_WORDS.sub("_", unicodedata.normalize("NFC", name).casefold()).strip("_")


class _Known:
    """The scans, looked up by what names and folders say."""

    def __init__(self, scans: Mapping[str, Sequence[Path]], root: str, structures: Collection[str]) -> None:
        self._structures = structures
        self._files = scans
        self._name: _Index = defaultdict(dict)  # by whole file name
        self._stem: _Index = defaultdict(dict)
        self._folder_stem: _Index = defaultdict(dict)  # P02_t1 for P02/t1.nii.gz
        self._key: _Index = defaultdict(dict)
        self._folded: _Index = defaultdict(dict)
        self._within: _Index = defaultdict(dict)  # by the folder they lie in
        self._part: _Index = defaultdict(dict)  # by parts of the folder's name
        for key, files in scans.items():
            self._key[_nfc(key)][key] = None
            for file in files:
                self._name[file.name][key] = None
                self._within[str(file.parent)][key] = None
                for stem in map(_nfc, scan_stems(file)):
                    self._stem[stem][key] = None
                    self._folded[stem.casefold()][key] = None
                    self._folder_stem[f"{file.parent.name}_{stem}"][key] = None
                for part in _parts(file, root):
                    self._part[part][key] = None
        for part in [part for part, inside in self._part.items() if len(inside) == len(scans)]:
            del self._part[part]  # all lie in it: it tells nothing

    def nearest(self, parts: Iterable[str]) -> list[str]:
        """The scans whose folders a label's folders name most of; none where they name none."""
        shared = Counter(key for part in set(parts) for key in self._part.get(part, ()))
        most = max(shared.values(), default=0)
        return [key for key, count in shared.items() if count == most]

    def by_name(self, file: Path, near: Sequence[str]) -> list[str]:
        """The scans that the name of a file fits, by the strictest of the rules that fits any."""
        among = set(near)
        for found in self._rules(file):
            fitting = [key for key in found if not among or key in among]
            if fitting:
                return fitting
        return []

    def _rules(self, file: Path) -> Iterator[Iterable[str]]:
        stems = [_nfc(stem) for stem in label_stems(file)]
        yield self._name.get(file.name, ())
        yield from (self._stem.get(stem, ()) for stem in stems)
        yield from (self._folder_stem.get(stem, ()) for stem in stems)
        yield from (self._key.get(stem, ()) for stem in stems)
        yield from (self._key.get(f"{file.parent.name}_{stem}", ()) for stem in stems)
        yield from (self._folded.get(stem.casefold(), ()) for stem in stems)
        for stem in stems:  # ct_1_liver
            for at in (at for at, letter in enumerate(stem) if letter in _GAPS):
                if plain(stem[at:]) in self._structures:
                    yield self._stem.get(stem[:at], ())

    def by_folder(self, file: Path, near: Sequence[str], often: bool) -> list[str]:
        """The scans of the label's folder, where the label names no scan, or only the beginning of one: sub-01."""
        beside = self._within.get(str(file.parent.parent), ())
        if is_generic(file) or plain(bare(file)) in self._structures:
            return list(near) or next(
                (list(self._within[str(at)]) for at in file.parents if str(at) in self._within), []
            )
        if file.parent.name.casefold() in _OF_STRUCTURES and len(beside) == 1:
            return list(beside)
        if often:
            return list(near)
        begun = tuple(_nfc(label_stems(file)[-1]) + gap for gap in _GAPS)
        return [
            key for key in near if any(stem.startswith(begun) for one in self._files[key] for stem in scan_stems(one))
        ]


def _same_folder(file: Path, found: list[str], scans: Mapping[str, Sequence[Path]]) -> list[str]:
    """Of several scans, the one that lies in the folder of the label."""
    beside = [key for key in found if any(image.parent == file.parent for image in scans[key])]
    return beside if len(found) > 1 and len(beside) == 1 else found


def _ambiguous(file: Path, found: Sequence[Path]) -> str:
    named = " or of ".join(str(scan) for scan in found[:2])
    more = f" or of {len(found) - 2} more" if len(found) > 2 else ""
    rule = f"it could be the label of {named}{more}"
    return str(BadFileError(file, rule, "name it exactly like its scan, or put it into the folder of its scan"))


def _common(files: Sequence[Path]) -> str:
    try:
        return os.path.commonpath([file.parent for file in files]) if files else ""
    except ValueError:  # on several drives
        return ""


def _parts(file: Path, root: str) -> list[str]:
    folder = str(file.parent)
    below = Path(folder[len(root) :]) if root else file.parent
    return [group for part in below.parts if (group := _nfc(group_of(part))) and part not in (os.sep, "/")]


def _places(files: Iterable[Path]) -> Counter[str]:
    """In how many folders there is a file of that name."""
    return Counter(stem for stem, _ in {(bare(file), file.parent) for file in files})


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)
