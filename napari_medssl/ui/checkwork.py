"""Checking scans before anything starts: in a lane of its own, with progress, to be stopped at any time. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..project.examining import Report, check_files, check_project
from ..project.findings import Finding
from .jobs import Jobs


class Checking:
    """A check under way; its numbers may be read from any thread."""

    def __init__(self) -> None:
        self.done, self.total = 0, 0
        self.stopped = False

    def progress(self, done: int, total: int) -> None:
        """So many of so many files were read."""
        self.done, self.total = done, total

    def stop(self) -> None:
        """After the file that is being read."""
        self.stopped = True

    def is_stopped(self) -> bool:
        """Whether somebody stopped it."""
        return self.stopped


class CheckDesk:
    """At most one check is under way."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._now: Checking | None = None

    def files(
        self,
        images: Sequence[Path],
        labels: Sequence[Path],
        then: Callable[[Report], None],
        failed: Callable[[Exception], None],
    ) -> Checking:
        """Check scans, and labels beside them, of which a project could be made."""
        return self._begin(lambda now: check_files(images, labels, now.progress, now.is_stopped), then, failed)

    def project(self, root: Path, then: Callable[[Report], None], failed: Callable[[Exception], None]) -> Checking:
        """Check the scans of a project."""

        def work(now: Checking) -> Report:
            from ..project import Project

            return check_project(Project.open(root), now.progress, now.is_stopped)

        return self._begin(work, then, failed)

    def stop(self) -> None:
        """End the check that is under way."""
        if self._now is not None:
            self._now.stop()

    def _begin(
        self, work: Callable[[Checking], Report], then: Callable[[Report], None], failed: Callable[[Exception], None]
    ) -> Checking:
        self.stop()
        now = self._now = Checking()
        self._jobs.submit("check", lambda: work(now), then, failed)
        return now


def reasons(findings: Sequence[Finding], keys: Sequence[str]) -> dict[str, str]:
    """Why each of these scans is left out: the worst that was found about it."""
    found: dict[str, str] = {}
    for finding in findings:
        for key in finding.leave_out:
            found.setdefault(key, finding.what)
    return {key: found.get(key, "left out at the check") for key in keys}
