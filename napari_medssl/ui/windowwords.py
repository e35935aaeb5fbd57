"""Reasons as the window says them: where the command line has an option, the window has a place. Pure."""

from __future__ import annotations

import re

IMPORT = "under Open ▸ Import labels …"
_HERE = "WHERE"
_OPTIONS = (
    (re.compile(r": --map \S+?(?: \([^)]*\))?(?=\.(?: |$))"), f" {_HERE}"),  # "say which: --map 255=1 (1 for liver)."
    (re.compile(r" \(--map [^)]*\)"), f" {_HERE}"),
    (re.compile(r" with --map \S+ \([^)]*\)"), f" {_HERE}"),
    (re.compile(r" \(--class [^)]*\)"), " (Structures …)"),
    (re.compile(r" \(--leave-out [^)]*\)"), ""),
)


def in_window(reason: str, where: str = IMPORT) -> str:
    """A reason without the options of the command line.

    Parameters
    ----------
    where : str
        Where a person can say what values mean.
    """
    for form, words in _OPTIONS:
        reason = form.sub(words, reason)
    return reason.replace(f"{_HERE}.", f"{where}." if where[-1] != "…" else where).replace(_HERE, where)
