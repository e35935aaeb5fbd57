"""What helps to mend a fault, as text to send: without names of patients, people, or folders. No Qt, no torch."""

from __future__ import annotations

import getpass
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..runs.drivers import LOG_NAME
from .state import Facts

TAIL = 60  # lines of a run's log
SHORT = 5  # letters of a word that may be part of another
PATIENCE = 180.0  # seconds for the doctor, which imports torch
PICTURE = r"\.(?:nii\.gz|nii|hdr|img|png|tiff?|jpe?g|dcm|nrrd|mha|mhd)\b"
# a picture or any other file by its path, spaces in it allowed up to the suffix; then the rest of absolute paths
SCAN = re.compile(rf"(?:[A-Za-z]:)?[\\/~][^\n\"'<>|:*?]*?{PICTURE}|[^\s\"'<>|:*?\\/]+{PICTURE}", re.IGNORECASE)
SOURCE = re.compile(r"[^\s\"']*[\\/](?:site-packages|lib[\\/]python[\d.]+|(?=napari_medssl[\\/]))[\\/]?([^\s\"']+\.py)")
FOLDER = re.compile(r"(?<![\w.>/\\])(?:[A-Za-z]:[\\/]|/|~/|\\\\)[^\s\"'<>|:*?,;()]+")


@dataclass(frozen=True)
class Told:
    """What the program knows at the moment it is asked, before anything is read or hidden."""

    root: Path | None
    run: str | None
    message: str
    fault: str
    words: Mapping[str, str]  # what must not be told, and what stands for it


def gather(facts: Facts, fault: str) -> Told:
    """What is known at this moment; cheap."""
    words: dict[str, str] = {}
    project = facts.project
    if project is not None:
        words[str(project.root)] = "<project>"
        words[project.name] = "<project>"
        for number, case in enumerate(project.cases, 1):
            words[case.name] = f"case-{number}"
            if case.patient:
                words.setdefault(case.patient, f"patient-{number}")
        for number, refused in enumerate(project.refused, 1):
            words[Path(str(refused.path)).name] = f"file-{number}"
    for who in (facts.author, _user()):
        words.setdefault(who, "<person>")
    words.setdefault(str(Path.home()), "~")
    words.setdefault(platform.node(), "<computer>")
    return Told(
        root=None if project is None else project.root,
        run=facts.run,
        message=facts.message[1] if facts.message else "",
        fault=fault,
        words={word: instead for word, instead in words.items() if word},
    )


def write_report(told: Told) -> str:
    """The whole report. Takes some seconds: not for the event loop."""
    parts = [
        ("Versions", _versions()),
        ("Doctor", _doctor(told.root)),
        ("Last message", told.message or "none"),
        ("Fault", told.fault or "none"),
        (f"Run {told.run}" if told.run else "Run", _log(told)),
    ]
    body = "\n\n".join(f"## {title}\n{words.rstrip()}" for title, words in parts)
    return hide(f"# napari-medssl: diagnostics\n\n{body}\n", told.words)


def hide(text: str, words: Mapping[str, str]) -> str:
    """Put something else for names and paths.

    Short words, and those of digits only, are replaced where they stand alone; others wherever they occur, since file
    names are made of them.
    """
    text = SOURCE.sub(r"\1", text)
    instead = {word.casefold(): other for word, other in words.items()}
    if instead:  # in one go, so that what stands for one word is not taken for another
        forms = "|".join(_form(word) for word in sorted(words, key=len, reverse=True))
        text = re.sub(forms, lambda found: instead[found.group().casefold()], text, flags=re.IGNORECASE)
    text = SCAN.sub("<scan>", text)
    return FOLDER.sub("<folder>", text)


def _form(word: str) -> str:
    alone = len(word) < SHORT or word.isdigit()
    return rf"(?<![\w.]){re.escape(word)}(?!\w|\.\d)" if alone else re.escape(word)


def _versions() -> str:
    from importlib import metadata

    lines = [f"napari-medssl {__version__}", f"Python {platform.python_version()}", platform.platform()]
    for package in ("napari", "qtpy", "PySide6", "PyQt6", "torch", "numpy", "nibabel", "vispy", "pyqtgraph"):
        with suppress(metadata.PackageNotFoundError):
            lines.append(f"{package} {metadata.version(package)}")
    return "\n".join(lines)


def _doctor(root: Path | None) -> str:
    """What `napari-medssl doctor --quick` says, in a process of its own: it imports torch."""
    flags: dict[str, Any] = {"creationflags": 0x08000000} if os.name == "nt" else {}  # no window
    command = [sys.executable, "-m", "napari_medssl.cli", "doctor", "--quick", "--folder", str(root or Path.home())]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"},
            timeout=PATIENCE,
            check=False,
            **flags,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"The doctor gave no answer ({type(error).__name__})."
    return f"{done.stdout}{done.stderr}".strip() or "The doctor said nothing."


def _log(told: Told) -> str:
    if told.root is None or not told.run:
        return "none"
    try:
        log = (told.root / "runs" / told.run / LOG_NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "It has no log."
    return "\n".join(log.strip().splitlines()[-TAIL:]) or "Its log is empty."


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
