"""The store: cases, classes, label revisions, proposals, runs, the audit set. No torch, no Qt."""

from .audit import AuditSet, draw_audit, freeze_audit, read_audit
from .case import UNUSABLE, Case, Status
from .classes import PALETTE, ClassInfo
from .creation import new_project
from .drafting import Draft, who_drafts
from .importing import ImportReport, import_images
from .importing_labels import import_labels, truth_reader
from .label_files import LabelFiles, find_labels, label_values, match_labels
from .lease import Holder, Lease
from .planning_labels import LabelPlan, PlannedLabels, import_planned, plan_labels
from .project import Project
from .proposals import Proposal, choose_proposal
from .refused import Refused, forget_refused, read_refused
from .restoring import restore_revision
from .revisions import Revision
from .saving import NewerRevision
from .settings import SCHEMA

__all__ = [
    "PALETTE",
    "SCHEMA",
    "UNUSABLE",
    "AuditSet",
    "Case",
    "ClassInfo",
    "Draft",
    "Holder",
    "ImportReport",
    "LabelFiles",
    "LabelPlan",
    "Lease",
    "NewerRevision",
    "PlannedLabels",
    "Project",
    "Proposal",
    "Refused",
    "Revision",
    "Status",
    "choose_proposal",
    "draw_audit",
    "find_labels",
    "forget_refused",
    "freeze_audit",
    "import_images",
    "import_labels",
    "import_planned",
    "label_values",
    "match_labels",
    "new_project",
    "plan_labels",
    "read_audit",
    "read_refused",
    "restore_revision",
    "truth_reader",
    "who_drafts",
]
