"""The pages of the documentation, to be read without a browser or a network."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QDialog, QHBoxLayout, QTextBrowser, QVBoxLayout, QWidget

from .parts import button, named


class Reader(QDialog):
    """Shows a page; links to other pages stay here, links to the web go to the browser.

    Parameters
    ----------
    folder : Path
        Where the pages lie; `index.md` is the first.
    """

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Documentation")
        self.resize(760, 780)
        self._folder = folder
        self.page = named(
            QTextBrowser(), "Documentation", "A page of the documentation. Ctrl and the wheel change size."
        )
        self.page.setOpenLinks(False)
        self.page.anchorClicked.connect(self._go)
        self.page.setSearchPaths([str(folder)])
        self.back = button("◀ Back", "The page before.", self.page.backward)
        self.back.setEnabled(False)
        self.page.backwardAvailable.connect(self.back.setEnabled)
        line = QHBoxLayout()
        line.addWidget(self.back)
        line.addWidget(button("Contents", "The list of all pages.", lambda: self.open("index.md")))
        line.addStretch(1)
        line.addWidget(button("Close", "Close the documentation.", self.close))
        layout = QVBoxLayout(self)
        layout.addLayout(line)
        layout.addWidget(self.page, 1)

    def open(self, name: str) -> None:
        """Show a page, such as "uncertainty.md"."""
        self.page.setSource(QUrl.fromLocalFile(str(self._folder / name)))

    def _go(self, link: QUrl) -> None:
        target = self.page.source().resolved(link)
        if target.isLocalFile() and target.path().endswith(".md"):
            self.page.setSource(target)
        elif target.scheme() in ("https", "http"):
            QDesktopServices.openUrl(target)
