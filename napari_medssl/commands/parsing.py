"""From what was typed to values: classes, options, files and cases."""

from __future__ import annotations

import codecs
import csv
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import MedSSLError

OTHER = "other"  # in --map: all values that are not named


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
        if number == 255:
            raise MedSSLError(
                f"--class {word}: 255 means 'not looked at'. For masks of 0 and 255 write --class 1={name.strip()} "
                "--map 255=1."
            )
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


def parse_mapping(words: Iterable[str], flag: str = "--map") -> dict[int, int]:
    """`["4=1", "1024=2"]` → {4: 1, 1024: 2}: values in the files, any whole numbers, to values of the project.

    Raises
    ------
    MedSSLError
        When a word is no pair of numbers, or the second is not in 0..255.
    """
    mapping: dict[int, int] = {}
    for word in words:
        source, equals, target = word.partition("=")
        number = source.strip().removeprefix("-")
        if not equals or not _is_number(number) or not _is_number(target.strip()) or int(target) > 255:
            raise MedSSLError(f"{flag} {word}: write FILE_VALUE=CLASS_VALUE, such as {flag} 4=1; classes are 0 to 255.")
        mapping[int(source)] = int(target)
    return mapping


def parse_value_map(words: Iterable[str]) -> tuple[dict[int, int], int | None]:
    """As `parse_mapping`, and what all other values become (`other=0`); None where nothing is said of them.

    Raises
    ------
    MedSSLError
        As `parse_mapping` does.
    """
    listed = list(words)
    rest = [word.partition("=")[2] for word in listed if word.partition("=")[0].strip().casefold() == OTHER]
    named = [word for word in listed if word.partition("=")[0].strip().casefold() != OTHER]
    return parse_mapping(named), next(iter(parse_mapping(f"0={value}" for value in rest[-1:]).values()), None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12


def case_of(path: Path) -> str:
    """Name of the case that a file belongs to, as a project names it."""
    from ..imaging import case_stem
    from ..project.names import safe_name

    return safe_name(case_stem(path))


def read_names(text: str) -> list[str]:
    """Names from a comma-separated list ("Smith, John" in quotes is one name), or a text file with one per line.

    Raises
    ------
    MedSSLError
        When a file cannot be read as text.
    """
    if os.path.isfile(text):
        lines = _decoded(Path(text)).splitlines()
        return [name for line in lines if (name := line.strip().strip('"').strip())]
    [row] = csv.reader([text.replace("\n", ",")], skipinitialspace=True)
    return [name.strip() for name in row if name.strip()]


def _decoded(path: Path) -> str:
    """Text as programs write it: UTF-8 with or without a byte-order mark, UTF-16, or else Windows' Western European.

    Raises
    ------
    MedSSLError
        When it is none of these.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MedSSLError(f"{path}: it cannot be read ({error.strerror}).") from None
    for encoding in _encodings(content):
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            if not any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in text):
                return text
    raise MedSSLError(f"{path}: this is no list of names. Save it as plain text (UTF-8), one name per line.")


def _encodings(content: bytes) -> tuple[str, ...]:
    """The encodings that bytes may have, the likeliest first."""
    if content.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    if 0 in content:  # UTF-16 without a mark: every other byte of plain letters is nil
        return ("utf-16-le", "utf-16-be") if content[1::2].count(0) > content[::2].count(0) else ("utf-16-be",)
    return ("utf-8", "cp1252")


def parse_label_cases(text: str | None, known: Iterable[str] = ()) -> int | list[str] | None:
    """`--label-cases`: a number of cases, or names (see `pick_cases`); None for all.

    Parameters
    ----------
    known : iterable of str
        Names of the cases there are.

    Raises
    ------
    MedSSLError
        When no case is named.
    """
    if text is None:
        return None
    if _is_number(text.strip()):
        return int(text)
    names = _names_among(set(known), text)
    if not names:
        raise MedSSLError(f"--label-cases {text!r}: name at least one case, or give their number.")
    return names


def pick_cases(known: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The names of `wanted`, checked against `known`.

    Each is the name of a case, also where a file of that name lies here; else a text file of names; else names with
    commas between them. A file name counts as the case it is of.

    Raises
    ------
    MedSSLError
        When there is no such case.
    """
    there = set(known)
    names = [name for text in wanted for name in _names_among(there, text)]
    missing = [name for name in names if name not in there]
    if missing:
        raise MedSSLError(f"There is no case {', '.join(repr(name) for name in missing[:5])} in this project.")
    return tuple(dict.fromkeys(names))


def _names_among(known: set[str], text: str) -> list[str]:
    names = [text] if text in known else read_names(text)
    return [name if name in known else case_of(Path(name)) for name in names]
