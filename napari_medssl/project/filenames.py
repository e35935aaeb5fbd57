"""What the names of files and folders say: which are labels, and of which scan. Pure; words count, not letters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from ..imaging import ending

_LABEL = (
    r"(?:labels?|labelmaps?|segs?|segmentations?|masks?|dseg|gt|ground[-_ ]?truths?|truths?|annotations?"
    r"|contours?|rois?)"
)
_SCAN = r"(?:images?|imgs?|scans?|volumes?|vol)"
_GAP = r"[-_. ]+"
_AT_END = re.compile(rf"(.+?){_GAP}{_LABEL}", re.IGNORECASE)
_ALONE = re.compile(rf"{_LABEL}(?:{_GAP}{_LABEL})*", re.IGNORECASE)
#: forms that other names have too ("KneeSeg_012", "label_printer"), so they count in company of their scan only
_WEAK = (
    re.compile(rf"(.+?){_GAP}{_LABEL}\d", re.IGNORECASE),
    re.compile(rf"{_LABEL}{_GAP}(.+)", re.IGNORECASE),
    re.compile(rf"(.*[a-z0-9])(?=[A-Z])(?i:{_LABEL})"),
)
_IN_THE_MIDDLE = rf"(.+?){_GAP}{{}}{_GAP}(.+)"
_LABEL_WITHIN = re.compile(_IN_THE_MIDDLE.format(_LABEL), re.IGNORECASE)
_SCAN_WITHIN = re.compile(_IN_THE_MIDDLE.format(_SCAN), re.IGNORECASE)
_SCAN_AT_END = re.compile(rf"(.+?){_GAP}(?:{_SCAN}|0000)", re.IGNORECASE)
_SCAN_AT_START = re.compile(rf"{_SCAN}{_GAP}(.+)", re.IGNORECASE)
_BIDS = re.compile(r"_(?:desc|label|space|res|den|hemi|run|acq)-[^_]+")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")
_LABEL_WORD = re.compile(_LABEL, re.IGNORECASE)
_SCAN_WORD = re.compile(_SCAN, re.IGNORECASE)
_NEGATIONS = {"no", "non", "not", "un", "without", "with", "and"}


def bare(path: Path) -> str:
    """The file name less its ending."""
    return path.name[: -len(ending(path))] if ending(path) else path.stem


def is_named_label(path: Path) -> bool:
    """Whether a file is named like labels: …_label, …-seg, …_mask, or nothing but such a word (seg.nii.gz)."""
    name = bare(path)
    return bool(_AT_END.fullmatch(name) or _ALONE.fullmatch(name))


def is_generic(path: Path) -> bool:
    """Whether a name says that the file holds labels, and not of which scan: seg.nii.gz."""
    return _ALONE.fullmatch(bare(path)) is not None


def is_label_folder(name: str) -> bool:
    """Whether a folder is named like one for labels: labels, labelsTr, train_masks; not `unlabelled`, `no_labels`."""
    words = _words(name)
    return (
        any(_LABEL_WORD.fullmatch(word) for word in words)
        and not any(_SCAN_WORD.fullmatch(word) for word in words)
        and not _NEGATIONS.intersection(words)
    )


def group_of(folder: str) -> str:
    """What a folder's name says besides that it holds scans or labels: "tr" of imagesTr and of labelsTr; "" if nothing.

    A name that says neither is given back as it is.
    """
    words = _words(folder)
    rest = [word for word in words if not (_LABEL_WORD.fullmatch(word) or _SCAN_WORD.fullmatch(word))]
    return folder if len(rest) == len(words) else " ".join(rest)


def scan_stems(path: Path) -> tuple[str, ...]:
    """By which names labels may call a scan, the whole one first: "ct_1_image", "ct_1"."""
    name = bare(path)
    shorter = (form.fullmatch(name) for form in (_SCAN_AT_END, _SCAN_AT_START, _SCAN_WITHIN))
    return tuple(dict.fromkeys([name, *("_".join(match.groups()) for match in shorter if match)]))


def label_stems(path: Path) -> tuple[str, ...]:
    """Names of the scan that a label file may be of, the most literal first: "ct_1_seg", "ct_1"."""
    return tuple(dict.fromkeys(_stripped(bare(path))))


def has_partner(path: Path, scans: Collection[str]) -> bool:
    """Whether a file whose name is less clear, such as label_ct_5 or mask_01, is labels of one of those scans.

    Parameters
    ----------
    scans : collection of str
        The stems of scans beside it.
    """
    return any(stem in scans for stem in _weaker(bare(path)))


def _weaker(name: str) -> Iterator[str]:
    for form in (*_WEAK, _LABEL_WITHIN):
        match = form.fullmatch(name)
        if match:
            yield "_".join(match.groups())


def _stripped(name: str) -> Iterator[str]:
    yield name
    shorter = _BIDS.sub("", name) if name.startswith("sub-") else name
    match = _AT_END.fullmatch(shorter)
    if match:
        yield from _stripped(match[1])
    yield from _weaker(shorter)
    match = _SCAN_AT_END.fullmatch(shorter)
    if match:
        yield match[1]


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORDS.findall(name.replace("ground_truth", "groundtruth"))]
