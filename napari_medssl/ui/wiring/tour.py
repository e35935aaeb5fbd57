"""The tour: its panel, its frame, and which control each of its steps means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..panels.tour import Controls, Pointer
from .help import show_page

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the tour."""
    tour = dock.session.tour
    for signal in (dock.header.tour, dock.welcome.tour, dock.tour.wanted):
        signal.connect(tour.start)
    for signal in (dock.welcome.no_tour, dock.tour.declined):
        signal.connect(tour.decline)
    dock.tour.skipped.connect(tour.skip)
    dock.tour.left.connect(tour.leave)
    dock.tour.more.connect(lambda page: show_page(dock, page))
    for signal in (dock.header.keys, dock.header.documentation):
        signal.connect(lambda: tour.opened("help"))
    dock.header.progress.connect(lambda: tour.opened("progress"))
    tour.look()


def make_pointer(dock: MedSSLWidget) -> Pointer:
    """The frame that shows what to press."""
    return Pointer(dock, controls(dock))


def controls(dock: MedSSLWidget) -> Controls:
    """The controls that steps name; they are looked up when they are wanted, since some come and go."""
    head, label, train, review = dock.header, dock.label_page, dock.train_page, dock.review_page
    return {
        "welcome.sample": lambda: dock.welcome.sample,
        "header.Open": lambda: head.verbs["Open"],
        "header.Label": lambda: head.verbs["Label"],
        "header.Train": lambda: head.verbs["Train"],
        "header.Review": lambda: head.verbs["Review"],
        "header.Next": lambda: head.verbs["Next"],
        "header.question": lambda: head.question,
        "cases.table": lambda: dock.cases.table,
        "label.structures": lambda: label._classes.checkedButton(),
        "label.save": lambda: label._save,
        "train.start": lambda: train.start,
        "train.run": lambda: train.card,
        "review.region": lambda: review.regions.next,
        "review.decide": lambda: review.regions.verbs["accept"],
        "review.correct": lambda: review.correct_button,
        "review.accept": lambda: review.accept_next,
    }
