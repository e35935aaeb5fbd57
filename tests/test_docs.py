"""The documents say what the program does: options tables are those of the code, every flag is described."""

from __future__ import annotations

import argparse
import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from napari_medssl.methods.catalog import CATALOG, MethodInfo


@pytest.mark.parametrize("info", CATALOG.values(), ids=list(CATALOG))
def test_each_method_has_a_page_with_its_options(info: MethodInfo, repository: Path) -> None:
    page = (repository / "docs" / "methods" / f"{info.name}.md").read_text(encoding="utf-8")
    assert f"<!-- options: {info.name} -->\n| option |" in page, "the page has no table of options"
    with_table = runpy.run_path(str(repository / "docs" / "options_tables.py"))["with_table"]
    assert with_table(page, info) == page, "renew it: python docs/options_tables.py"


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


def test_the_keys_are_those_described(repository: Path) -> None:
    page = (repository / "docs" / "in-napari.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| ((?:Ctrl\+)?Alt\+[A-Z])\b", page, re.MULTILINE))
    sources = (repository / "napari_medssl" / "ui" / "wiring").glob("*.py")
    pattern = r'"((?:Ctrl-)?Alt-[A-Z])":'
    bound = {key for source in sources for key in re.findall(pattern, source.read_text(encoding="utf-8"))}
    assert told == {key.replace("-", "+") for key in bound}


def _nav(entry: object) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:  # type: ignore[attr-defined]
            yield from _nav(inner)


def test_every_page_is_in_the_site(repository: Path) -> None:
    nav = yaml.safe_load((repository / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    pages = {page.relative_to(repository / "docs").as_posix() for page in (repository / "docs").rglob("*.md")}
    named = list(_nav(nav))
    assert set(named) == pages
    assert len(named) == len(pages), "a page is there twice"


def test_the_tutorials_pictures_are_those_that_the_script_makes(repository: Path) -> None:
    script = ast.parse((repository / "docs" / "make_pictures.py").read_text(encoding="utf-8"))
    (made,) = [
        ast.literal_eval(line.value)
        for line in script.body
        if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "PICTURES"
    ]
    page = (repository / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert re.findall(r"\(images/tutorial-([a-z]+)\.png\)", page) == list(made), "all of them, in their order"
    images = repository / "docs" / "images"
    assert {path.name for path in images.glob("tutorial-*")} == {f"tutorial-{name}.png" for name in made}
    for picture in images.glob("*.png"):
        assert picture.stat().st_size <= 200_000, f"{picture.name} is too heavy"


def test_the_card_and_the_page_tell_the_same_keys(repository: Path) -> None:
    from napari_medssl.ui.keycard import described

    page = (repository / "docs" / "in-napari.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| ((?:Ctrl\+|Shift\+)?Alt\+[A-Z])", page, re.MULTILINE))
    assert told == {key.replace("-", "+") for key in described() if not key[-1].isdigit()}
