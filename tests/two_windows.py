"""Two windows of two people on one project, without a screen."""

from __future__ import annotations

from pathlib import Path

from test_ui_session import World

from napari_medssl.project import Project
from napari_medssl.ui.session import Session

CASE = "case-2"


class Windows:
    """Two windows of two people on one project, as two computers have them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.anna, self.ben = World(root), World(root)
        for name, world in (("anna", self.anna), ("ben", self.ben)):
            _rename(world.session, name)

    def open(self, name: str = CASE) -> None:
        """Both open the case."""
        for world in (self.anna, self.ben):
            world.session.cases.open(name)

    def revisions(self) -> list[tuple[str, bool, bool]]:
        """Author, complete, beside of all revisions, oldest first; read anew."""
        return [(one.author, one.complete, bool(one.beside)) for one in self.case.revisions()]

    @property
    def case(self):  # type: ignore[no-untyped-def]
        return Project.open(self.root).case(CASE)


def _rename(session: Session, name: str) -> None:
    for desk in (session, session.cases, session.cases.saver, session.others, session.history):
        desk._author = name  # type: ignore[attr-defined]
    session.board.set(author=name)
