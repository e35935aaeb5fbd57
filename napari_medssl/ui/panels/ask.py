"""Asks one question and waits for the answer; from what a person does only, never from a message of the mailbox."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from ..questions import Question, Reply
from .parts import literal, named


def make_box(question: Question, parent: QWidget | None = None) -> QMessageBox:
    """The question as a dialog; Return and Escape leave everything as it is."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(question.title)
    box.setText(question.words)
    box.setIcon(QMessageBox.Icon.Question)
    for answer in question.answers:
        role = QMessageBox.ButtonRole.RejectRole if answer.reply == "no" else QMessageBox.ButtonRole.AcceptRole
        button = named(box.addButton(literal(answer.words), role), answer.words, answer.tip)
        button.setProperty("reply", answer.reply)
        if answer.reply == "no":
            box.setDefaultButton(button)
            box.setEscapeButton(button)
    return box


def ask(parent: QWidget | None, question: Question) -> Reply:
    """What a person answers."""
    box = make_box(question, parent)
    box.exec_()
    clicked = box.clickedButton()
    box.deleteLater()
    reply: Reply = "no" if clicked is None else clicked.property("reply") or "no"
    return reply
