"""What an import took and what it did not, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..terminal.screen import Screen

if TYPE_CHECKING:
    from ..project import ImportReport

SHOWN = 5  # files of one reason, for people; machines get all
MOST_NOTES = 8


def tell_report(report: ImportReport, screen: Screen) -> None:
    """A line for each file that was refused, for each reason for which others were left, and for each note."""
    for _, reason in report.refused:
        screen.note(f"left out: {reason}")
    tell_skipped(report.skipped, screen)
    for _, words in report.offers[:1]:
        screen.note(
            f"{len(report.offers)} of these can be brought over to the grid of their scan exactly, with --bring-over "
            f"({words})."
        )
    tell_notes(report.notes, screen)


def tell_skipped(skipped: Sequence[tuple[Path, str]], screen: Screen) -> None:
    """A line for each reason why files were left alone."""
    for reason, paths in _by_reason(skipped).items():
        names = ", ".join(str(path) for path in paths[:SHOWN])
        more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        screen.note(f"not taken: {names}{more}: {reason.rstrip('.')}.")


def tell_notes(notes: Sequence[str], screen: Screen) -> None:
    """A line for each note; where there are many, for the first ones."""
    for note in notes[:MOST_NOTES]:
        screen.note(note)
    if len(notes) > MOST_NOTES:
        screen.note(f"… and {len(notes) - MOST_NOTES} notes like these; --json has all of them.")


def report_values(*reports: ImportReport) -> dict[str, Any]:
    """What was not taken, and what a person should know, as JSON values."""

    def listed(kind: str) -> list[dict[str, str]]:
        found = (pair for report in reports for pair in getattr(report, kind))
        return [{"path": str(path), "reason": why} for path, why in dict.fromkeys(found)]

    return {
        "refused": listed("refused"),
        "skipped": listed("skipped"),
        "notes": [note for report in reports for note in report.notes],
    }


def none_of(report: ImportReport, what: str) -> str:
    """Why nothing at all was taken."""
    if not report.refused:
        return f"None of the {what} was taken. {report.skipped[0][0]}: {report.skipped[0][1]}."
    offer = " Or bring them over: --bring-over." if report.offers else ""
    return f"None of {len(report.refused)} {what} can be used. {report.refused[0][1]}{offer}"


def _by_reason(skipped: Sequence[tuple[Path, str]]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path, reason in dict.fromkeys(skipped):
        found.setdefault(reason, []).append(path)
    return found
