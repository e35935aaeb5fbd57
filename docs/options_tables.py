"""Write the tables of options in `docs/methods/*.md` from the code: `python docs/options_tables.py`.

`tests/test_docs.py` fails while they differ.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from napari_medssl.commands.describing import range_text, value_text
from napari_medssl.methods.catalog import CATALOG, MethodInfo

PAGES = Path(__file__).parent / "methods"


def options_table(info: MethodInfo) -> str:
    """The options of a method as a Markdown table."""
    rows = ["| option | default | values | what it is |", "|---|---|---|---|"]
    for field in dataclasses.fields(info.options):
        told = f"{field.metadata['title']}. {field.metadata['help']}"
        rows.append(f"| `{field.name}` | {value_text(field.default)} | {range_text(field.metadata)} | {told} |")
    return "\n".join(rows)


def with_table(page: str, info: MethodInfo) -> str:
    """A page with its table of options renewed."""
    place = re.compile(rf"(<!-- options: {info.name} -->\n).*?(<!-- end -->)", re.DOTALL)
    return place.sub(lambda found: f"{found[1]}{options_table(info)}\n{found[2]}", page)


if __name__ == "__main__":
    for method in CATALOG.values():
        path = PAGES / f"{method.name}.md"
        path.write_text(with_table(path.read_text(encoding="utf-8"), method), encoding="utf-8")
