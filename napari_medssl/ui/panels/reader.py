"""The pages of the documentation, to be read without a browser or a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QColor, QDesktopServices, QImage, QPalette, QTextCharFormat, QTextCursor, QTextDocument
from qtpy.QtWidgets import QDialog, QHBoxLayout, QTextBrowser, QVBoxLayout, QWidget

from .parts import button, named

LINKS = {False: "#0b57a4", True: "#7cc4ff"}  # on light, on dark


class Page(QTextBrowser):
    """Pictures are as wide as the page at most."""

    def __init__(self) -> None:
        super().__init__()
        self.sourceChanged.connect(lambda _: self._colour_links())

    def _colour_links(self) -> None:
        """Qt writes links in the blue of a light theme, which cannot be read on a dark one."""
        self.ensurePolished()
        is_dark = self.palette().color(QPalette.ColorRole.Text).lightness() > 127
        look = QTextCharFormat()
        look.setForeground(QColor(LINKS[is_dark]))
        block = self.document().begin()
        while block.isValid():
            for piece in block:
                fragment = piece.fragment()
                if fragment.charFormat().isAnchor():
                    cursor = QTextCursor(self.document())
                    cursor.setPosition(fragment.position())
                    cursor.setPosition(fragment.position() + fragment.length(), QTextCursor.MoveMode.KeepAnchor)
                    cursor.mergeCharFormat(look)
            block = block.next()

    def loadResource(self, kind: int, name: QUrl) -> Any:
        """A page or a picture."""
        found = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return found
        image = QImage(self.source().resolved(name).toLocalFile())
        room = max(200, self.viewport().width() - 30)
        if image.width() > room:
            return image.scaledToWidth(room, Qt.TransformationMode.SmoothTransformation)
        return image


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
        self.page = named(Page(), "Documentation", "A page of the documentation. Ctrl and the wheel change size.")
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
