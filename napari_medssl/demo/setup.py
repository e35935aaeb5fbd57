"""A project made of a generated cohort: for the demo, the doctor's trial and napari's sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .cohort import Cohort, make_cohort

if TYPE_CHECKING:
    from ..project import Project


@dataclass(frozen=True)
class Demo:
    """A project and the truth that it does not know. `truth` maps case names to label files."""

    project: Project
    cohort: Cohort
    truth: dict[str, Path]

    def unlabelled(self) -> list[str]:
        """Names of the cases that nobody has labelled and that are not for measuring, sorted."""
        return [c.name for c in self.project.cases() if c.latest() is None and c.role != "audit"]


def make_demo_project(
    folder: Path, cases: int = 24, labelled: int = 3, *, audit: int = 0, seed: int = 0, name: str = "project"
) -> Demo:
    """Generate a cohort in `folder`/scans and make a project of it in `folder`/`name`.

    Parameters
    ----------
    labelled : int
        The first so many cases get their truth as labels.
    audit : int
        So many more get it too, and are set aside for measuring.
    """
    return open_cohort(make_cohort(folder / "scans", cases, seed=seed), folder / name, labelled, audit=audit)


def open_cohort(cohort: Cohort, root: Path, labelled: int = 3, *, audit: int = 0) -> Demo:
    """Make a project in `root` of a cohort that is on disk; see `make_demo_project`."""
    from ..imaging import case_stem
    from ..project import ClassInfo, Project, freeze_audit, import_images, import_labels

    classes = [ClassInfo(value, name) for value, name in cohort.classes.items()]
    project = Project.create(root, name="MedSSL demo", classes=classes)
    import_images(project, cohort.images)
    import_labels(project, cohort.labels[: labelled + audit], author="expert")
    truth = {case_stem(path): path for path in cohort.labels}
    if audit:
        freeze_audit(project, [case_stem(path) for path in cohort.labels[labelled : labelled + audit]])
    return Demo(project, cohort, truth)
