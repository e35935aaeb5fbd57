"""The documents say what the program does: options tables are those of the code, every flag is described."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_medssl.methods.catalog import CATALOG, MethodInfo


def _table(info: MethodInfo) -> str:
    """The options of a method as a Markdown table."""
    rows = ["| option | default | range | what it is |", "|---|---|---|---|"]
    for field in dataclasses.fields(info.options):
        meta = field.metadata
        if meta["choices"]:
            span = ", ".join(meta["choices"])
        elif meta["low"] is not None or meta["high"] is not None:
            low = "" if meta["low"] is None else f"from {meta['low']:g}"
            high = "" if meta["high"] is None else f"to {meta['high']:g}"
            span = f"{low} {high}".strip() + (f" {meta['unit']}" if meta["unit"] else "")
        else:
            span = "on, off"
        default = f"{field.default:.3g}" if isinstance(field.default, float) else str(field.default)
        default = {"True": "on", "False": "off"}.get(default, default)
        rows.append(f"| `{field.name}` | {default} | {span} | {meta['title']}. {meta['help']} |")
    return "\n".join(rows)


@pytest.mark.parametrize("info", CATALOG.values(), ids=list(CATALOG))
def test_each_method_has_a_page_with_its_options(info: MethodInfo, repository: Path) -> None:
    page = (repository / "docs" / "methods" / f"{info.name}.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- options: {info.name} -->\n(.*?)\n?<!-- end -->", page, re.DOTALL)
    assert found, "the page has no place for the options"
    assert found.group(1) == _table(info), f"put this between the two comments:\n{_table(info)}"


def _commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    subparsers = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not subparsers:
        yield name.strip(), parser
    for action in subparsers:
        for word, inner in action.choices.items():
            yield from _commands(inner, f"{name} {word}")


def test_every_command_and_flag_is_described(repository: Path) -> None:
    from napari_medssl.cli import make_parser

    page = (repository / "docs" / "command-line.md").read_text(encoding="utf-8")
    parser = make_parser()
    names = []
    for name, command in _commands(parser):
        names.append(name)
        section = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
        assert section, f"docs/command-line.md has no section '## {name}'"
        for action in command._actions:
            for flag in action.option_strings:
                if flag.startswith("--") and flag not in ("--help", "--json"):
                    assert f"`{flag}" in section.group(1), f"{name} {flag} is not described"
    told = re.findall(r"^## ([a-z ]+)$", page, re.MULTILINE)
    assert set(told) == set(names)


def test_no_page_names_a_module_that_is_gone(repository: Path) -> None:
    for page in (repository / "README.md", *sorted((repository / "docs").rglob("*.md"))):
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", page.read_text(encoding="utf-8")):
            assert (repository / name).exists() or (repository / "napari_medssl" / name).exists(), (
                f"{page.name}: {name}"
            )
