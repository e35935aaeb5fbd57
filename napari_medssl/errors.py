"""The errors people see.

Every message says what happened, to which file or case, and what to do about it. Anything else that escapes is a
fault of the program and is shown as such.
"""

from __future__ import annotations

from pathlib import Path

NO_MEMORY = "There is not enough free memory for this. Close other programs, or use a machine with more memory."


class MedSSLError(Exception):
    """Something a person can mend: bad input, a full disk, an option out of range."""


class BadFileError(MedSSLError):
    """A file that cannot be used.

    Parameters
    ----------
    path : Path
        The file.
    rule : str
        What is wrong with it, as a clause: "the gzip checksum does not match".
    remedy : str
        What to do: "copy the file again from its source".
    """

    def __init__(self, path: Path | str, rule: str, remedy: str) -> None:
        self.path = Path(path)
        self.rule = rule
        self.remedy = remedy
        super().__init__(f"{self.path}: {rule}. {remedy[:1].upper()}{remedy[1:]}.")


class DamagedFileError(BadFileError):
    """A file of the project's own whose content is not what was written: cut short, bits changed, edited by hand."""


class UnreadableFileError(DamagedFileError):
    """A file of the project's own that is there and that this person may not read; it may be as whole as ever."""

    def __init__(self, path: Path | str, error: OSError) -> None:
        super().__init__(path, f"it cannot be read ({error.strerror or error})", "ask for the right to read it")


class TooLargeError(BadFileError):
    """A file that is good and does not fit into the memory there is now; another day, or elsewhere, it may.

    Parameters
    ----------
    path : Path
        The file.
    size : int
        Bytes that its voxels need, where that is known.
    """

    def __init__(self, path: Path | str, size: int = 0) -> None:
        needed = f"{size / 2**30:.1f} GiB, more" if size else "more memory"
        remedy = "close other programs, use a machine with more memory, or crop the scan"
        super().__init__(path, f"its voxels need {needed} than there is", remedy)


class ProjectError(MedSSLError):
    """The project on disk cannot be used as asked: newer schema, read-only, locked, no such case."""


class NotSavedError(ProjectError):
    """The disk did not take something: full, read-only, away. Whatever is saved next would fare the same."""


class SpecError(MedSSLError):
    """A run was asked for that cannot be: unknown method, option out of range, no labels."""


class RunError(MedSSLError):
    """A run ended in a way a person can mend: out of memory, a process that died."""


class NotFiniteError(RunError):
    """A network's answer is no number: something broke it while it learnt, and nothing it says may be used."""
