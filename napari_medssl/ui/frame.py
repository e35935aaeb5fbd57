"""How the dock is put together: tour, header, the welcome or the case list above the pages, and below what to say."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from .panels.header import Header


def lay_out(
    dock: QWidget, tour: QWidget, header: Header, welcome: QWidget, cases: QWidget, pages: QWidget, *below: QWidget
) -> QStackedWidget:
    """Fill the dock; returns what shows the welcome (0) or, once a project is open, cases and pages (1)."""
    split = QSplitter(Qt.Orientation.Vertical)
    split.addWidget(cases)
    split.addWidget(pages)
    split.setStretchFactor(0, 0)  # a message below takes its room from the pages, whose upper end stays where it is
    split.setStretchFactor(1, 1)
    split.setChildrenCollapsible(False)
    split.setSizes([300, 360])
    home = QStackedWidget()
    home.addWidget(welcome)
    home.addWidget(split)
    layout = QVBoxLayout(dock)
    layout.setContentsMargins(6, 6, 6, 6)
    layout.setSpacing(6)
    layout.addWidget(tour)
    layout.addWidget(header)
    layout.addWidget(home, 1)
    for one in below:
        layout.addWidget(one)
    layout.addWidget(header.message)
    dock.setMinimumWidth(330)
    dock.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)  # else napari may stretch below
    return home
