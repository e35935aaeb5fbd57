"""Whose scans these seem to be, by their names and folders, and what follows for what is measured."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from .findings import Finding, Scan

MOST_OF_A_PATIENT = 12  # scans; more under one name are a series of patients, not one
_VISIT = re.compile(r"(.*\d.*?)[-_ ](?:[a-z]?\d{1,2}|pre|post|baseline|follow-?up\d*)", re.IGNORECASE)


def guess_patients(scans: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Whose scans these seem to be, by their names (P01_1 and P01_2) or, where each has a folder, by the folder.

    Parameters
    ----------
    scans : mapping of str to (str, str)
        Key to the folder and the name of each scan.

    Returns
    -------
    dict of str to str
        Key to patient, of scans that seem to share theirs with another; empty where nothing speaks for it.
    """
    by_name = {key: match[1] for key, (_, name) in scans.items() if (match := _VISIT.fullmatch(name))}
    by_folder = {key: folder for key, (folder, _) in scans.items() if folder}
    for guess in (by_folder if len(set(by_folder.values())) > 1 else {}, by_name):
        sizes = Counter(guess.values())
        shared = {key: patient for key, patient in guess.items() if sizes[patient] > 1}
        if shared and len(sizes) > 1 and max(sizes.values()) <= MOST_OF_A_PATIENT:
            return shared
    return {}


def shared_patients(scans: Sequence[Scan]) -> Iterator[Finding]:
    """Patients with several scans, and those on both sides of the line between learning and measuring."""
    groups = defaultdict(list)
    for scan in scans:
        if scan.patient:
            groups[scan.patient].append(scan)
    shared = {patient: same for patient, same in groups.items() if len(same) > 1}
    for patient, same in shared.items():
        aside = [scan.name for scan in same if scan.audit]
        if aside and len(aside) < len(same):
            rest = [scan for scan in same if not scan.audit]
            yield Finding(
                "warning", "audit-line", tuple(scan.name for scan in same),
                f"All seem to be of patient {patient}, and only {', '.join(aside)} is set aside for the audit.",
                "Leave the others out, or models are measured on patients that they have learnt from.",
                tuple(scan.key for scan in rest),
            )  # fmt: skip
    if shared:
        count = sum(len(same) for same in shared.values())
        some = "; ".join(f"{patient}: {len(same)}" for patient, same in list(shared.items())[:4])
        yield Finding(
            "info", "patients", tuple(scan.name for same in shared.values() for scan in same),
            f"{count} scans seem to be of {len(shared)} patients ({some}{' …' if len(shared) > 4 else ''}).",
            "Scans of one patient are kept together when models are measured.",
        )  # fmt: skip
