"""Text that can be shown anywhere, and commands that can be pasted, whatever is in the names people gave.

Names come from files, folders and other people's projects. Shown raw, a control character in one of them would steer
the terminal (its title, its colours, what stood there before), and a letter that a code page lacks would end the
command that only wanted to tell about it.
"""

from __future__ import annotations

import codecs
import os
import re
import shlex
from collections.abc import Sequence
from typing import TextIO

#: controls other than tab and newline, what turns the direction of text round, line ends of Unicode, and bytes of file
#: names that are no text
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: what our own texts use and some code pages lack
_INSTEAD = {
    "–": "-", "—": "-", "−": "-", "…": "...", "⚠": "!", "×": "x", "·": "-", "→": "->", "▸": ">", "≥": ">=", "≤": "<=",
    "±": "+-", "≈": "~", "µ": "u", "²": "2", "³": "3", "’": "'", "‘": "'", "“": '"', "”": '"', "•": "*", "✓": "v",
}  # fmt: skip
FALLBACK = "napari-medssl.fallback"
MOST_NAMES = 6  # in a sentence


def plain(text: str) -> str:
    """A text whose steering characters are shown instead of obeyed: an escape becomes ``\\x1b``."""
    return _STEERING.sub(lambda found: _shown(found[0]), text)


def one_line(text: str) -> str:
    """The same on one line."""
    return plain(" ".join(text.split()))


def prepare(*streams: TextIO) -> None:
    """Let streams write other characters for those that their encoding lacks, instead of failing."""
    codecs.register_error(FALLBACK, _fall_back)
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=FALLBACK)


def listed(names: Sequence[str], last: str = "and") -> str:
    """ "liver", "liver and tumour", "a, b, c and 4 more"."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) > MOST_NAMES:
        return f"{', '.join(names[:MOST_NAMES])} {last} {len(names) - MOST_NAMES:,} more"
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def command_line(*words: object) -> str:
    """A command of ours that can be pasted into a terminal; in a message, nothing may follow it on its line."""
    texts = ["napari-medssl", *map(str, words)]
    if os.name == "nt":
        from subprocess import list2cmdline

        return list2cmdline(texts)
    return shlex.join(texts)


def _shown(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _fall_back(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    written = (_shown(letter) if _STEERING.match(letter) else _INSTEAD.get(letter, "?") for letter in lacking)
    return "".join(written), error.end
