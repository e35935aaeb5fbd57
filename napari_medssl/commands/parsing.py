"""From what was typed to values: classes, options, files and cases."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
        if not equals or not value.strip().isdecimal() or len(value) > 9 or not name.strip():
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


def device_here(text: str) -> str:
    """The device that was asked for, by the name that a run knows it by; "auto" stays to be found by the run.

    Raises
    ------
    SpecError
        When it is not there.
    """
    if text.strip().casefold() == "auto":
        return "auto"
    from ..training.machine import find_device

    return find_device(text)


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


def parse_label_cases(text: str | None) -> int | list[str] | None:
    """`--label-cases`: a number of cases, or names (comma-separated, or in a text file); None for all.

    Raises
    ------
    MedSSLError
        When no case is named.
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        return int(text)
    names = [case_of(Path(name)) for name in read_names(text)]
    if not names:
        raise MedSSLError(f"--label-cases {text!r}: name at least one case, or give their number.")
    return names


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
