"""Reading all scans of a folder or a project, to find out what is odd before work begins (see `checking`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadFileError, MedSSLError, TooLargeError
from ..imaging import UNSEEN, Header, case_stem, count_classes, in_pieces, read_grid, read_labels
from .channel_names import channel_hint
from .checking import compare
from .classes import voxel_counts
from .describing import StoppedError, describe_case, describe_file
from .findings import LEVELS, Finding, Mask, Scan
from .images import read_headers
from .importing import OnProgress
from .matching import match_files
from .patients import guess_patients

if TYPE_CHECKING:
    from .case import Case
    from .project import Project

SAMPLE = 200_000  # voxels, to tell the range of values from


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes
    ----------
    findings : tuple of Finding
        Worst first.
    scans : int
        Scans that were read.
    whole : bool
        Nobody stopped the check.
    patients : mapping of str to str
        Key of a scan to the patient that it seems to share with others.
    """

    findings: tuple[Finding, ...]
    scans: int
    whole: bool
    patients: dict[str, str]

    @property
    def leave_out(self) -> dict[str, str]:
        """Scans that errors speak against, by key, each with why."""
        return {key: one.what for one in self.findings if one.level == "error" for key in one.leave_out}


def check_files(
    images: Sequence[Path],
    labels: Sequence[Path] = (),
    on_progress: OnProgress | None = None,
    stop: Callable[[], bool] = lambda: False,
    left: Sequence[tuple[Path, str]] = (),
    on_part: Callable[[str, float], None] = lambda name, share: None,
) -> Report:
    """Read scans, and labels that lie beside them, and compare them.

    Parameters
    ----------
    left : sequence of (Path, str)
        Files beside them that are not taken, each with why.
    on_progress : callable, optional
        Called with (done, total).
    stop : callable
        Asked between files, and within long ones; what was read until then is compared.
    on_part : callable
        Called with a scan that takes long to read, and the part of it that was read, 0 to 1.
    """

    def going_on(name: str, share: float) -> bool:
        on_part(name, share)
        return not stop()

    scans, masks, findings, done = [], [], [*_not_taken(left), *_channels(images)], 0
    total = len(images) + len(labels)
    matches = match_files(labels, {str(path): (path,) for path in images})
    scan_of = {file: scan for scan, files in matches.of.items() for file in files}
    why = dict((*matches.unmatched, *matches.ambiguous))
    for path in (*images, *labels):
        if stop():
            break
        _tell(on_progress, done, total)
        done += 1
        try:
            if done <= len(images):
                scans.append(replace(describe_file(path, going_on), notes=_notes(read_grid(path))))
            else:
                masks.append(_mask(path, scan_of.get(path, ""), why.get(path, "")))
        except StoppedError:
            done -= 1
            break
        except MemoryError:
            findings.append(_unreadable(path.name, TooLargeError(path), str(path) if done <= len(images) else None))
        except BadFileError as error:
            findings.append(_unreadable(path.name, error, str(path) if done <= len(images) else None))
    _tell(on_progress, done, total)
    folders = {path.parent for path in images}
    guessed = guess_patients(
        {str(path): (path.parent.name if len(folders) > 1 else "", case_stem(path)) for path in images}
    )
    return _report(scans, masks, findings, None, guessed, done == total)


def check_project(
    project: Project,
    on_progress: OnProgress | None = None,
    stop: Callable[[], bool] = lambda: False,
    on_part: Callable[[str, float], None] = lambda name, share: None,
) -> Report:
    """Read all scans of a project that are not left out, and their newest labels, and compare them.

    Parameters
    ----------
    on_progress, stop, on_part : callable
        As for `check_files`.
    """

    def going_on(name: str, share: float) -> bool:
        on_part(name, share)
        return not stop()

    scans, masks, findings, done = [], [], [], 0
    cases = [case for case in project.cases() if case.excluded is None and case.fault is None]  # see `integrity`
    for case in cases:
        if stop():
            break
        _tell(on_progress, done, len(cases))
        done += 1
        try:
            scan = describe_case(case, going_on)
            notes = dict.fromkeys(
                note for header in read_headers(case.image_refs, case.images) for note in _notes(header)
            )
        except StoppedError:
            done -= 1
            break
        except MemoryError:
            findings.append(_unreadable(case.name, TooLargeError(case.images[0]), case.name))
            continue
        except BadFileError as error:
            findings.append(_unreadable(case.name, error, case.name))
            continue
        scans.append(replace(scan, audit=case.role == "audit", notes=tuple(notes)))
        try:
            masks += _drawn(case)
        except MedSSLError as error:
            findings.append(Finding("error", "labels", (case.name,), str(error), "Earlier labels are still there."))
    _tell(on_progress, done, len(cases))
    guessed = guess_patients({case.name: ("", case_stem(case.images[0])) for case in cases})
    told = {case.name: case.patient for case in cases if case.patient != case.name}
    return _report(
        scans, masks, findings, {one.value: one.name for one in project.classes}, guessed | told, done == len(cases)
    )


def _notes(header: Header) -> tuple[str, ...]:
    """What a header leaves to be told; that it knows no orientation is a finding of its own."""
    return header.notes if header.grid.oriented or header.grid.unit == "pixel" else ()


def _mask(path: Path, scan: str, why: str) -> Mask:
    large = in_pieces(path)
    if large is not None and large.channels == 1:
        counts, grid = count_classes(large), large.grid
    else:
        labels = read_labels(path)
        counts, grid = voxel_counts(labels.array), labels.grid
    return Mask(str(path), path.name, scan, grid, _values(counts), _unseen(counts), why)


def _drawn(case: Case) -> list[Mask]:
    revision = case.latest()
    if revision is None:
        return []
    large = in_pieces(revision.path)
    labels = None if large is not None else case.read_labels(revision)
    counts = count_classes(large) if large is not None else voxel_counts(labels.array) if labels is not None else {}
    unseen = _unseen(counts) if revision.complete else 0.0  # of a draft, much is not looked at yet
    return [Mask(case.name, case.name, case.name, case.grid, _values(counts), unseen)]


def _unseen(counts: Mapping[int, int]) -> float:
    return counts.get(UNSEEN, 0) / max(1, sum(counts.values()))


def _not_taken(left: Sequence[tuple[Path, str]]) -> Iterator[Finding]:
    """A line for each reason for which files are not taken."""
    by_reason: dict[str, list[str]] = {}
    for path, why in left:
        by_reason.setdefault(why, []).append(path.name)
    for why, names in by_reason.items():
        files = "1 file is" if len(names) == 1 else f"{len(names)} files are"
        yield Finding("warning", "not-taken", tuple(names), f"{files} not taken.", f"{why[:1].upper()}{why[1:]}.")


def _channels(images: Sequence[Path]) -> Iterator[Finding]:
    hint = channel_hint(images)
    if hint:
        what, _, todo = hint.partition(". ")
        yield Finding("warning", "channels", tuple(path.name for path in images), f"{what}.", todo)


def _values(counts: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(sorted(value for value in counts if value not in (0, UNSEEN)))


def _unreadable(name: str, error: BadFileError, key: str | None) -> Finding:
    todo = f"{error.remedy[:1].upper()}{error.remedy[1:]}."
    rule = "unreadable" if key is not None else "label-unreadable"
    return Finding("error", rule, (name,), f"{error.rule[:1].upper()}{error.rule[1:]}.", todo, (key,) if key else ())


def _report(
    scans: list[Scan],
    masks: list[Mask],
    findings: list[Finding],
    known: Mapping[int, str] | None,
    patients: dict[str, str],
    whole: bool,
) -> Report:
    named = [replace(scan, patient=patients.get(scan.key, "")) for scan in scans]
    compared = compare(named, masks, known)
    found = sorted((*findings, *compared), key=lambda finding: LEVELS.index(finding.level))
    return Report(tuple(found), len(scans), whole, patients)


def _tell(on_progress: OnProgress | None, done: int, total: int) -> None:
    if on_progress is not None:
        on_progress(done, total)
