"""From what was typed to values: classes, options, files and cases."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import MedSSLError


def parse_classes(words: Iterable[str]) -> dict[int, str]:
    """`["1=liver", "2=spleen"]` → {1: "liver", 2: "spleen"}.

    Raises
    ------
    MedSSLError
        When a word is no VALUE=NAME, a value is not in 1..254, or one comes twice.
    """
    classes: dict[int, str] = {}
    for word in words:
        value, equals, name = word.partition("=")
        if not equals or not value.strip().isdecimal() or not name.strip():
            raise MedSSLError(f"--class {word}: write VALUE=NAME, such as --class 1=liver.")
        number = int(value)
        if not 1 <= number <= 254:
            raise MedSSLError(f"--class {word}: values run from 1 to 254 (0 is background, 255 not looked at).")
        if number in classes or name.strip() in classes.values():
            raise MedSSLError(f"--class {word}: this value or name is there twice.")
        classes[number] = name.strip()
    return classes


def parse_settings(words: Iterable[str]) -> dict[str, Any]:
    """`["batch=4", "augmentation=none"]` → {"batch": 4, "augmentation": "none"}: values are JSON, or else text.

    Raises
    ------
    MedSSLError
        When a word is no OPTION=VALUE.
    """
    settings: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise MedSSLError(f"--set {word}: write OPTION=VALUE, such as --set learning_rate=0.02.")
        try:
            settings[name.strip()] = json.loads(value)
        except ValueError:
            settings[name.strip()] = value
    return settings


def parse_mapping(words: Iterable[str]) -> dict[int, int]:
    """`["4=1", "5=0"]` → {4: 1, 5: 0}: values in the files to values of the project.

    Raises
    ------
    MedSSLError
        When a word is no pair of numbers in 0..255.
    """
    mapping: dict[int, int] = {}
    for word in words:
        source, equals, target = word.partition("=")
        if not equals or not source.isdecimal() or not target.isdecimal() or max(int(source), int(target)) > 255:
            raise MedSSLError(f"--map {word}: write FILE_VALUE=CLASS_VALUE, such as --map 4=1.")
        mapping[int(source)] = int(target)
    return mapping


def find_files(paths: Iterable[Path], what: Literal["scan", "mask"]) -> list[Path]:
    """The scans or masks in `paths`, files or folders, in the order given.

    In a folder that holds both, names tell them apart: NAME_label and NAME_seg are no scans, NAME_image and NAME_0000
    no masks.

    Raises
    ------
    MedSSLError
        When a path does not exist, or a folder holds none.
    """
    from ..imaging import find_images

    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            others = ("_label", "_seg") if what == "scan" else ("_image", "_0000")
            found = [file for file in find_images(path) if not _bare_name(file).endswith(others)]
            if not found:
                raise MedSSLError(
                    f"{path}: no {what} in this folder. Choose one with .nii, .nii.gz, .img, .png, .tif or .jpg files."
                )
            files.extend(found)
        elif path.exists():
            files.append(path)
        else:
            raise MedSSLError(f"{path}: there is no such file or folder. Check the path.")
    return list(dict.fromkeys(files))


def files_by_case(files: Iterable[Path]) -> dict[str, Path]:
    """Files by the case they belong to, ordered by its name.

    Raises
    ------
    MedSSLError
        When two files belong to one case.
    """
    from ..project.names import natural_key

    found: dict[str, Path] = {}
    for path in files:
        stem = case_of(path)
        if stem in found:
            raise MedSSLError(f"{path}: case {stem!r} has another file, {found[stem]}. Give one of them only.")
        found[stem] = path
    return dict(sorted(found.items(), key=lambda item: natural_key(item[0])))


def case_of(path: Path) -> str:
    """Name of the case that a file belongs to, as a project names it."""
    from ..imaging import case_stem
    from ..project.names import safe_name

    return safe_name(case_stem(path))


def read_names(text: str) -> list[str]:
    """Names from a comma-separated list, or from a text file with one per line."""
    path = Path(text)
    if os.path.isfile(path):
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [name.strip() for name in text.split(",") if name.strip()]


def pick_label_files(files: Sequence[Path], cases: Iterable[str], wanted: str | None) -> list[Path]:
    """The label files to take: those of known cases, and of `wanted` only.

    Parameters
    ----------
    cases : iterable of str
        Names of the cases there are.
    wanted : str or None
        A number N (the first N cases, by name, that have a label file), a list of names, or None for all.

    Raises
    ------
    MedSSLError
        When a wanted case has no label file, or there are labels but none belongs to a case.
    """
    known = set(cases)
    there = {name: path for name, path in files_by_case(files).items() if name in known}
    if files and not there:
        raise MedSSLError(
            f"{files[0]} and {len(files) - 1} more: no label has the name of a scan. Name them alike: "
            "NAME_image.nii.gz and NAME_label.nii.gz, or the same name in two folders."
        )
    if wanted is None:
        return list(there.values())
    if wanted.strip().isdecimal():
        count = int(wanted)
        if count > len(there):
            raise MedSSLError(f"--label-cases {count}: only {len(there)} cases have a label file.")
        return list(there.values())[:count]
    names = [name if name in known else case_of(Path(name)) for name in read_names(wanted)]
    missing = [name for name in names if name not in there]
    if missing or not names:
        raise MedSSLError(f"--label-cases: no label file for {', '.join(missing[:5]) or 'anything'}. Check the names.")
    return [there[name] for name in dict.fromkeys(names)]


def pick_cases(known: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The names of `wanted` (each a name, a comma-separated list or a text file), checked against `known`.

    Raises
    ------
    MedSSLError
        When there is no such case.
    """
    there = set(known)
    names = [name for text in wanted for name in read_names(text)]
    names = [name if name in there else case_of(Path(name)) for name in names]
    missing = [name for name in names if name not in there]
    if missing:
        raise MedSSLError(f"There is no case {', '.join(repr(name) for name in missing[:5])} in this project.")
    return tuple(dict.fromkeys(names))


def _bare_name(path: Path) -> str:
    """File name in small letters, less its endings."""
    name = path.name.lower()
    for ending in (".nii", ".hdr", ".img"):  # these may be followed by .gz
        name = name.split(ending)[0]
    return name if name != path.name.lower() else name.rsplit(".", 1)[0]
