"""The structures as lines of a table that a person edits, and what their edits mean. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from ..errors import ProjectError
from ..imaging import UNSEEN
from ..project import ClassInfo
from ..project.classes import check_classes
from ..project.migration import ChangePlan, ClassChange
from .colourblind import colour_warning, free_colour
from .facts import ClassFacts

STAYS, BACKGROUND, NOT_LOOKED_AT = "stays", "background", "not looked at"
_numbers = count(1)


@dataclass(frozen=True)
class ClassRow:
    """A line.

    Parameters
    ----------
    id : int
        Tells it from the others, whatever is changed in it.
    before : int or None
        The label that its voxels have now; None for a new structure.
    fate : str
        What becomes of what is drawn with it: "stays", "background", "not looked at", or the id of the line that it
        joins.
    """

    id: int
    before: int | None
    value: int
    name: str
    colour: str
    key: str = ""
    locked: bool = False
    fate: str = STAYS

    @property
    def stays(self) -> bool:
        """Whether there is still such a structure afterwards."""
        return self.fate == STAYS


def rows_of(classes: Sequence[ClassFacts]) -> list[ClassRow]:
    """A line for each structure, in their order."""
    return [ClassRow(next(_numbers), c.value, c.value, c.name, c.colour, c.key, c.locked) for c in classes]


def new_row(rows: Sequence[ClassRow]) -> ClassRow:
    """A line for one more structure, with a label, a colour and a key that are free."""
    taken = {row.value for row in rows} | {row.before for row in rows}
    value = next((v for v in range(1, UNSEEN) if v not in taken), UNSEEN)  # beyond 254 it cannot be saved
    keys = {row.key for row in rows if row.stays}
    key = next((digit for digit in "123456789" if digit not in keys), "")
    colour = free_colour([row.colour for row in rows if row.stays])
    return ClassRow(next(_numbers), None, value, f"structure {value}", colour, key)


def change_of(rows: Sequence[ClassRow]) -> ClassChange:
    """What the lines ask for.

    Raises
    ------
    ProjectError
        If two structures clash, one cannot be, or one joins a structure that goes itself.
    """
    kept = [row for row in rows if row.stays]
    in_value_order = [row.value for row in kept] == sorted(row.value for row in kept)
    classes = check_classes(
        ClassInfo(row.value, row.name.strip(), row.colour, row.key, row.locked, 0 if in_value_order else place)
        for place, row in enumerate(kept)
    )
    targets = {BACKGROUND: 0, NOT_LOOKED_AT: UNSEEN} | {str(row.id): row.value for row in kept}
    values = {}
    for row in rows:
        if row.before is None:
            continue
        if not row.stays and row.fate not in targets:
            raise ProjectError(f"{row.name} joins a structure that is to be removed. Choose another one for it.")
        new = row.value if row.stays else targets[row.fate]
        if new != row.before:
            values[row.before] = new
    return ClassChange(classes, values)


def key_clash(rows: Sequence[ClassRow]) -> str:
    """What is wrong with the keys, in words; empty where nothing is."""
    tally = Counter(row.key for row in rows if row.stays and row.key)
    twice = [key for key, number in tally.items() if number > 1]
    if twice:
        return f"Two structures have the key {twice[0]}. Give each its own, or none."
    wrong = [row.key for row in rows if row.stays and row.key and row.key not in "123456789"]
    return f"{wrong[0]!r} is no key for a structure: use a digit from 1 to 9, or none." if wrong else ""


def trouble_of(rows: Sequence[ClassRow]) -> str:
    """Why the lines cannot be saved as they are; empty where they can."""
    clash = key_clash(rows)
    if clash:
        return clash
    try:
        change_of(rows)
    except ProjectError as error:
        return str(error)
    return ""


def advice_on(rows: Sequence[ClassRow]) -> str:
    """What to think over before saving: colours that are hard to tell apart. Names that occur twice are no colours."""
    return colour_warning({row.name: row.colour for row in rows if row.stays})


def plan_text(plan: ChangePlan) -> str:
    """A plan for a person who has to say yes or no."""
    lines = [f"{words}: {plan.voxels.get(value, 0):,} voxels" for value, words in plan.moves.items()]
    cases, revisions = len(plan.cases), plan.revisions
    if cases:
        lines.append(
            f"\n{cases} {'case gets' if cases == 1 else 'cases get'} {revisions} new label "
            f"revision{'s' if revisions != 1 else ''} in your name. The {plan.kept} there are now stay as they are."
        )
    else:
        lines.append("\nNobody has drawn with these structures: no labels change.")
    if plan.runs:
        number = len(plan.runs)
        lines.append(
            f"\n{number} {'run has' if number == 1 else 'runs have'} learnt the structures as they are now "
            f"({', '.join(plan.runs[:4])}{', …' if number > 4 else ''}). Their models and proposals are not used any "
            "more; what was learnt without labels stays of use. Train again afterwards."
        )
    return "\n".join(lines)
