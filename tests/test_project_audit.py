"""The audit set is drawn once, by patient, and stays."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from napari_medssl.errors import ProjectError
from napari_medssl.project import Project, draw_audit, freeze_audit, read_audit


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Ten cases of five patients."""
    project = Project.create(tmp_path / "project")
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)), tmp_path / "scan.nii")
    for number in range(10):
        project.add_case(tmp_path / "scan.nii", name=f"case {number}", patient=f"patient {number // 2}")
    return project


def audit_cases(project: Project) -> set[str]:
    return {case.name for case in project.cases() if case.role == "audit"}


def test_both_scans_of_a_patient_are_in_or_out(project: Project) -> None:
    audit = draw_audit(project, 0.4, seed=3, author="Dr A")
    assert len(audit.patients) == 2
    names = audit_cases(Project.open(project.root))
    assert len(names) == 4
    assert {case.patient for case in project.cases() if case.name in names} == set(audit.patients)
    assert {case.patient for case in project.cases() if case.name not in names}.isdisjoint(audit.patients)


def test_it_is_drawn_once(project: Project) -> None:
    first = draw_audit(project, seed=1)
    before = audit_cases(project)
    for again in (lambda: draw_audit(project, seed=2), lambda: freeze_audit(project, ["case 0"])):
        with pytest.raises(ProjectError, match="already"):
            again()
    assert read_audit(project.root) == first
    assert audit_cases(Project.open(project.root)) == before


def test_the_same_seed_draws_the_same(project: Project, tmp_path: Path) -> None:
    first = draw_audit(project, 0.4, seed=5).patients
    (project.root / "audit.json").unlink()
    project.refresh()
    assert draw_audit(project, 0.4, seed=5).patients == first
    seen = set()
    for seed in range(10):
        (project.root / "audit.json").unlink()
        project.refresh()
        seen.add(draw_audit(project, 0.4, seed=seed).patients)
    assert len(seen) > 1


def test_a_later_scan_of_an_audit_patient_is_an_audit_case(project: Project, tmp_path: Path) -> None:
    freeze_audit(project, ["case 0"])
    assert audit_cases(project) == {"case 0", "case 1"}
    late = project.add_case(tmp_path / "scan.nii", name="late", patient="patient 0")
    assert late.role == "audit"


def test_patients_a_model_has_learnt_from_are_not_drawn(project: Project) -> None:
    learnt = [f"case {number}" for number in range(0, 8, 2)]  # one scan each of patients 0 to 3
    assert draw_audit(project, 0.2, learnt=learnt).patients == ("patient 4",)


def test_too_few_patients_is_one_clear_line(project: Project) -> None:
    with pytest.raises(ProjectError, match="Add scans"):
        draw_audit(project, 0.4, learnt=[f"case {number}" for number in range(8)])
    with pytest.raises(ProjectError, match="share"):
        draw_audit(project, 1.5)
    with pytest.raises(ProjectError, match="at least one"):
        freeze_audit(project, [])
    with pytest.raises(ProjectError, match="no case"):
        freeze_audit(project, ["nobody"])
    assert read_audit(project.root) is None


def test_a_case_cannot_leave_the_audit_set_by_another_patient_name(project: Project) -> None:
    freeze_audit(project, ["case 0"])
    with pytest.raises(ProjectError, match="frozen"):
        project.case("case 0").set_patient("somebody else")
    assert project.case("case 0").role == "audit"
    project.case("case 4").set_patient("patient 0")
    assert Project.open(project.root).case("case 4").role == "audit"


def test_a_damaged_audit_file_is_never_taken_for_none(project: Project) -> None:
    freeze_audit(project, ["case 0"])
    (project.root / "audit.json").write_text("{")
    with pytest.raises(ProjectError, match=r"audit\.json.*damaged"):
        audit_cases(Project.open(project.root))
