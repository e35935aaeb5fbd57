"""The mailbox, the autosave's clock and the lanes of work."""

from __future__ import annotations

import threading

import pytest

from napari_medssl.ui.autosave import IDLE, LONGEST, QUIET, RETRY, Autosave
from napari_medssl.ui.jobs import ThreadJobs
from napari_medssl.ui.mailbox import Mailbox


def test_word_of_one_subject_is_replaced_and_the_rest_keeps_its_order() -> None:
    box, heard = Mailbox(), []
    for number in range(1000):
        box.post(lambda n=number: heard.append(n), subject="run")
    box.post(lambda: heard.append("a"))
    box.post(lambda: heard.append("b"))
    assert box.drain() == 3
    assert heard == [999, "a", "b"]
    assert box.drain() == 0


def test_a_message_may_post_another_for_the_next_time() -> None:
    box, heard = Mailbox(), []
    box.post(lambda: (heard.append(1), box.post(lambda: heard.append(2))))
    box.drain()
    assert heard == [1]
    box.drain()
    assert heard == [1, 2]


def test_messages_behind_one_that_fails_wait_for_the_next_time() -> None:
    box, heard = Mailbox(), []

    def fail() -> None:
        box.post(lambda: heard.append("run, newer"), subject="run")
        box.post(lambda: heard.append("later"))
        raise ValueError("a fault of the program")

    box.post(lambda: heard.append("first"))
    box.post(fail)
    box.post(lambda: heard.append("a save is done"))
    box.post(lambda: heard.append("run, older"), subject="run")
    with pytest.raises(ValueError, match="fault"):
        box.drain()
    assert heard == ["first"]
    assert box.drain() == 3
    assert heard == ["first", "a save is done", "run, newer", "later"]


def test_a_draft_is_due_when_strokes_cease_or_never_cease() -> None:
    auto = Autosave()
    assert not auto.due(100.0)
    auto.edited(0.0)
    assert not auto.due(QUIET - 0.1)
    assert auto.due(QUIET)
    now = 0.0
    while now < LONGEST + 1:
        now += 1.0
        auto.edited(now)
    assert auto.due(now)
    auto.taken()
    assert not auto.due(now + 100)


def test_a_failed_save_is_tried_again_later() -> None:
    auto = Autosave()
    auto.edited(0.0)
    auto.taken()
    auto.failed(5.0)
    assert not auto.due(5.0 + RETRY - 1)
    assert auto.due(5.0 + RETRY)


def test_minutes_count_work_and_leave_out_pauses() -> None:
    auto = Autosave()
    for now in (0.0, 10.0, 20.0, 20.0 + IDLE + 100, 30.0 + IDLE + 100):
        auto.edited(now)
    assert auto.minutes() == (10 + 10 + 10) / 60
    assert auto.minutes() == 0.0


def test_work_in_a_lane_keeps_its_order_and_answers_on_the_drain() -> None:
    box = Mailbox()
    jobs = ThreadJobs(box)
    done: list[int] = []
    errors: list[Exception] = []
    gate = threading.Event()
    jobs.submit("disk", lambda: gate.wait(5), lambda _: done.append(0), errors.append)
    for number in (1, 2):
        jobs.submit("disk", lambda n=number: n, done.append, errors.append)
    jobs.submit("disk", lambda: 1 / 0, lambda _: None, errors.append)
    assert done == []
    gate.set()
    jobs.close()  # waits for the disk
    assert done == [], "answers wait for the drain, which is on the screen's thread"
    box.drain()
    assert done == [0, 1, 2]
    assert isinstance(errors[0], ZeroDivisionError)


def test_closing_does_not_wait_for_work_that_only_looks() -> None:
    jobs = ThreadJobs(Mailbox())
    gate = threading.Event()
    jobs.submit("look", lambda: gate.wait(30), lambda _: None, lambda _: None)
    jobs.close()
    gate.set()
