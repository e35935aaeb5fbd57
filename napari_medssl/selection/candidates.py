"""What is known of a project's cases, for `ranking`."""

from __future__ import annotations

from collections.abc import Collection

from ..project import Case, Project
from .ranking import Candidate, Suggestion, rank_cases


def suggest(project: Project, avoid: Collection[str] = ()) -> list[Suggestion]:
    """The cases a person could label next, the most useful first; what the runs to `avoid` said of them does not count
    where another run said anything.
    """
    found = (candidate(case, case.status, avoid) for case in project.cases())
    return rank_cases(one for one in found if one is not None)


def candidate(case: Case, status: str, avoid: Collection[str] = ()) -> Candidate | None:
    """What is known of a case of this status; None where there is nothing to label, and for audit cases."""
    if case.role == "audit" or status not in ("new", "draft", "proposed"):
        return None
    proposal = None if status == "new" else case.latest_proposal(avoid)
    if proposal is None:
        return Candidate(case.name, draft=status == "draft")
    expected = dict(proposal.info.get("expected_dice") or {})
    return Candidate(case.name, proposal.score, expected, draft=status == "draft")
