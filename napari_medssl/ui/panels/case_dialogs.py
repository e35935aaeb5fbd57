"""Questions about cases: a comment, a reason for leaving them out, whether to set them aside for good."""

from __future__ import annotations

import html
from collections.abc import Sequence

from qtpy.QtWidgets import (
    QDialog,
    QInputDialog,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from ..casesdesk import AuditPlan
from .parts import answers, checkbox, formatted, named, plain

REASONS = ("Poor image quality", "Wrong region or series", "Not needed for this question")


class CommentDialog(QDialog):
    """A comment on a case."""

    def __init__(self, case: str, before: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Comment on {case}")
        self.words = named(QPlainTextEdit(before), "Comment", "Others who open the project read it. Empty removes it.")
        box, _ = answers(self, ("OK", "Keep the comment with the project."), ("Cancel", "Leave the comment as it was."))
        layout = QVBoxLayout(self)
        layout.addWidget(self.words)
        layout.addWidget(box)

    def value(self) -> str:
        """What was written."""
        return str(self.words.toPlainText())


class AuditDialog(QDialog):
    """Says what it means to set patients aside, and why it cannot be where it cannot."""

    def __init__(self, plan: AuditPlan, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Set aside for audit")
        self.setMinimumWidth(420)
        layout = QVBoxLayout(self)
        self.words = formatted(audit_words(plan))
        layout.addWidget(self.words)
        if plan.refusal:
            box, ok = answers(self, None, ("Close", "Nothing is changed."))
        else:
            no = ("Cancel", "Set nothing aside.")
            box, ok = answers(self, ("Set aside", "Fix the audit set, for good. First tick the line above."), no)
        self.sure = checkbox("I know that this cannot be changed later", "The audit set is fixed once, for good.")
        if ok is not None:
            ok.setEnabled(False)
            self.sure.toggled.connect(ok.setEnabled)
            layout.addWidget(self.sure)
        layout.addWidget(box)


def audit_words(plan: AuditPlan) -> str:
    """What setting aside means, in plain words, as HTML."""
    if plan.refusal:
        return f"<b>These cases cannot be set aside.</b><p>{html.escape(plan.refusal)}</p>"
    who = html.escape(", ".join(plan.patients[:12])) + (" …" if len(plan.patients) > 12 else "")
    scans = "1 scan" if len(plan.cases) == 1 else f"{len(plan.cases)} scans"
    return (
        f"<p><b>{len(plan.patients)} patient{'s' if len(plan.patients) != 1 else ''}, {scans}:</b> {who}</p>"
        "<p>No model will ever learn from them. All models are measured on them, so that the numbers are honest. "
        "Later scans of the same patients are set aside, too. Label them like other cases: without labels nothing can "
        "be measured.</p>"
        f"<p>{plan.left} cases are left to learn from.</p>"
        "<p><b>This is done once. It cannot be added to, changed or taken back.</b></p>"
    )


def ask_comment(parent: QWidget, case: str, before: str) -> str | None:
    """What a person writes about a case; None when it is left as it was."""
    dialog = CommentDialog(case, before, parent)
    return dialog.value() if dialog.exec_() == QDialog.DialogCode.Accepted else None


def ask_reason(parent: QWidget, names: Sequence[str]) -> str | None:
    """Why cases are left out; None when they are not."""
    what = names[0] if len(names) == 1 else f"{len(names)} cases"
    words, yes = QInputDialog.getItem(
        parent, "Leave out", plain(f"Why is {what} left out? Choose or write."), list(REASONS), 0, True
    )
    return str(words).strip() or "no reason given" if yes else None


def ask_audit(parent: QWidget, plan: AuditPlan) -> bool:
    """Whether to set patients aside."""
    return bool(AuditDialog(plan, parent).exec_() == QDialog.DialogCode.Accepted)
