"""The case list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from ...project import UNUSABLE
from ..caselist import Line
from ..casesdesk import AuditPlan
from ..historyview import History
from ..panels.case_dialogs import ask_audit, ask_comment, ask_reason
from ..panels.history_dialog import ask_history

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the case list."""
    panel, session = dock.cases, dock.session
    panel.opened.connect(session.cases.open)
    panel.asked.connect(partial(decide, dock))
    panel.in_sight.connect(partial(picture, dock))
    session.thumbnails.listen(panel.model.set_picture)


def decide(dock: MedSSLWidget, action: str, keys: Sequence[str]) -> None:
    """Do what was asked of the chosen cases; ask what has to be known first."""
    desk = dock.session.list
    if action in ("flag", "unflag"):
        desk.flag(keys, action == "flag")
    elif action == "comment":
        before = next((case.comment for case in dock.session.state.cases if case.name == keys[0]), "")
        words = ask_comment(dock, keys[0], before)
        if words is not None and words.strip() != before:
            desk.comment(keys[0], words)
    elif action == "exclude":
        reason = ask_reason(dock, keys)
        if reason is not None:
            desk.exclude(keys, reason)
    elif action == "include":
        desk.include(keys)
    elif action == "again":
        desk.try_again(keys)
    elif action == "forget":
        desk.forget(keys)
    elif action == "history":
        dock.session.history.read(keys[0], lambda history: QTimer.singleShot(0, partial(_history, dock, history)))
    elif action == "audit":
        # the answer comes out of the mailbox, which a dialog must not hold up
        desk.plan_audit(keys, lambda plan: QTimer.singleShot(0, partial(_audit, dock, keys, plan)))


def picture(dock: MedSSLWidget, seen: Sequence[Line]) -> None:
    """Lines are in sight: have their thumbnails made."""
    classes = dock.session.state.classes
    cases = [line.case for line in seen if line.case.status not in UNUSABLE]
    dock.session.thumbnails.want(
        [(case.name, (case.by, case.seen, case.minutes, classes)) for case in cases],
        lambda name: not dock.cases.model.has_picture(name),
    )


def _history(dock: MedSSLWidget, history: History) -> None:
    revision = ask_history(dock, history)
    if revision is not None:
        dock.session.history.restore(history, revision)


def _audit(dock: MedSSLWidget, keys: Sequence[str], plan: AuditPlan) -> None:
    if ask_audit(dock, plan):
        dock.session.list.freeze(keys)
