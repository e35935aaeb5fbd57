"""What a person's edits of the table of structures mean, and which colours are hard to tell apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from napari_medssl.errors import ProjectError
from napari_medssl.project import PALETTE
from napari_medssl.project.migration import ChangePlan
from napari_medssl.ui.classrows import (
    BACKGROUND,
    NOT_LOOKED_AT,
    ClassRow,
    advice_on,
    change_of,
    new_row,
    plan_text,
    rows_of,
    trouble_of,
)
from napari_medssl.ui.colourblind import alike_colours, colour_difference, colour_warning, free_colour
from napari_medssl.ui.facts import ClassFacts

LIVER = ClassFacts(1, "liver", "#E69F00", "1")
CYST = ClassFacts(2, "cyst", "#56B4E9", "2", locked=True)
SPLEEN = ClassFacts(3, "spleen", "#009E73", "3")


@pytest.fixture
def rows() -> list[ClassRow]:
    return rows_of([LIVER, CYST, SPLEEN])


def test_left_alone_nothing_changes(rows: list[ClassRow]) -> None:
    change = change_of(rows)
    assert change.values == {}
    assert [(c.value, c.name, c.key, c.locked, c.place) for c in change.classes] == [
        (1, "liver", "1", False, 0), (2, "cyst", "2", True, 0), (3, "spleen", "3", False, 0),
    ]  # fmt: skip


def test_names_colours_and_order_move_no_voxel(rows: list[ClassRow]) -> None:
    rows = [replace(rows[2], name="milt"), rows[0], rows[1]]
    change = change_of(rows)
    assert change.values == {}
    assert sorted((c.place, c.name) for c in change.classes) == [(0, "milt"), (1, "liver"), (2, "cyst")]


def test_what_is_drawn_goes_where_it_is_sent(rows: list[ClassRow]) -> None:
    liver, cyst, spleen = rows
    assert change_of([liver, replace(cyst, fate=str(liver.id)), spleen]).values == {2: 1}
    assert change_of([liver, replace(cyst, fate=BACKGROUND), replace(spleen, fate=NOT_LOOKED_AT)]).values == {
        2: 0,
        3: 255,
    }
    assert change_of([replace(liver, value=2), replace(cyst, value=1), spleen]).values == {1: 2, 2: 1}
    moved = change_of([replace(liver, value=9, key=""), replace(cyst, fate=str(liver.id)), spleen])
    assert moved.values == {1: 9, 2: 9}
    added = new_row(rows)
    assert (added.value, added.key, added.colour) == (4, "4", PALETTE[3])
    assert change_of([liver, replace(cyst, fate=str(added.id)), spleen, added]).values == {2: 4}


def test_what_cannot_be_is_said(rows: list[ClassRow]) -> None:
    liver, cyst, spleen = rows
    assert trouble_of(rows) == ""
    assert "label" not in trouble_of([liver, replace(cyst, value=1), spleen])
    assert "Two classes have the value 1" in trouble_of([liver, replace(cyst, value=1), spleen])
    assert "key 1" in trouble_of([liver, replace(cyst, key="1"), spleen])
    assert "'x' is no key" in trouble_of([liver, replace(cyst, key="x"), spleen])
    assert "no name" in trouble_of([liver, replace(cyst, name=" "), spleen])
    circle = [replace(liver, fate=str(cyst.id)), replace(cyst, fate=str(spleen.id)), spleen]
    assert "joins a structure that is to be removed" in trouble_of(circle)
    with pytest.raises(ProjectError):
        change_of(circle)


def test_a_plan_reads_as_sentences(rows: list[ClassRow]) -> None:
    change = change_of([rows[0], replace(rows[1], fate=BACKGROUND), rows[2]])
    words = plan_text(ChangePlan(change, {2: "cyst, small → background"}, {2: 12345}, ("a",), 2, 5, ("bcp-001",)))
    assert "cyst, small → background: 12,345 voxels" in words
    assert "1 case gets 2 new label revisions" in words
    assert "The 5 there are now stay" in words
    assert "1 run has learnt" in words
    assert "Nobody has drawn" in plan_text(ChangePlan(change, {2: "cyst → background"}, {}, (), 0, 0, ()))


def test_the_palette_can_be_told_apart() -> None:
    assert alike_colours(dict(zip("abcdefg", PALETTE, strict=True))) == []
    assert min(colour_difference(a, b)[0] for a, b in combinations(PALETTE, 2)) > 16


def test_red_and_green_of_one_lightness_are_warned_of() -> None:
    difference, sight = colour_difference("#00a000", "#c04000")
    assert difference < 10
    assert sight == "deuteranopia"
    assert colour_difference("#000000", "#ffffff")[0] == pytest.approx(100, abs=0.01)
    assert colour_difference("#123456", "#123456")[0] == 0
    words = colour_warning({"vein": "#00a000", "artery": "#c04000", "bone": "#ffffff"})
    assert words.startswith("vein and artery have colours")
    assert "bone" not in words


def test_advice_leaves_out_what_goes(rows: list[ClassRow]) -> None:
    same = [rows[0], replace(rows[1], colour=LIVER.colour), rows[2]]
    assert "liver and cyst" in advice_on(same)
    assert advice_on([same[0], replace(same[1], fate=BACKGROUND), same[2]]) == ""
    assert free_colour(PALETTE[:2]) == PALETTE[2]


def test_a_tenth_structure_needs_no_key_and_hundreds_are_fine() -> None:
    rows: list[ClassRow] = []
    while len(rows) < 254:
        rows.append(new_row(rows))
    assert trouble_of(rows) == ""
    assert [one.key for one in change_of(rows).classes[8:11]] == ["9", "", ""]
    assert len(advice_on(rows)) < 500, "most share their colour with others"
    assert "254" in trouble_of([*rows, new_row(rows)])


def test_a_key_can_be_taken_away(rows: list[ClassRow]) -> None:
    liver, cyst, spleen = rows
    assert [one.key for one in change_of([replace(liver, key=""), replace(cyst, key="1"), spleen]).classes][:2] == [
        "",
        "1",
    ]
