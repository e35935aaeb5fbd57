"""Text that can be shown anywhere, and commands that can be pasted."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.plain import command_line, one_line, plain, prepare

ENCODINGS = ("cp932", "cp949", "cp850", "cp437", "latin-1", "ascii", "cp1252", "utf-8", "utf-16")
OURS = "– — … ⚠ × · → ≥ ± ² ✓ ⚑ λ"


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=st.text(st.characters(exclude_categories=())))
def test_every_text_can_be_written_in_every_encoding(encoding: str, text: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    prepare(stream)
    stream.write(text)
    stream.flush()


def test_signs_have_a_fallback_and_what_can_be_written_stays() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii", newline="\n")
    prepare(stream)
    stream.write("1–2 ⚠ worse … 3×4 liver λ M\udcfcller")
    stream.flush()
    assert written.getvalue() == b"1-2 ! worse ... 3x4 liver ? M\\xfcller"
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="cp1252", newline="\n")
    prepare(stream)
    stream.write("Müller – ⚠")
    stream.flush()
    assert written.getvalue().decode("cp1252") == "Müller – !"


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    shown = plain(text)
    assert not [c for c in shown if (ord(c) < 32 and c not in "\t\n") or ord(c) in range(0x7F, 0xA0)]
    assert not [c for c in shown if ord(c) in range(0xD800, 0xE000)]
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")
    assert "\n" not in one_line(text)
    assert plain(shown) == shown


def test_letters_of_all_scripts_are_left_alone() -> None:
    for text in ("Müller", "患者 腹部", "مريض", "חולה", "Ω\u200d✓ e\u0301", "a\tb\nc"):
        assert plain(text) == text


@pytest.mark.skipif(sys.platform == "win32", reason="quotes as POSIX shells read them")
@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1), min_size=1))
def test_commands_can_be_pasted(words: list[str]) -> None:
    assert shlex.split(command_line(*words)) == ["napari-medssl", *words]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("name", ["my project", "it's", 'a"b', "$HOME", "a;b", "Ödem (2)", "!x", "a\\b", "~"])
def test_a_shell_reads_them_as_they_were(tmp_path: Path, name: str) -> None:
    command = command_line("train", tmp_path / name).replace("napari-medssl", "printf '%s\\n'", 1)
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["train", str(tmp_path / name)]
