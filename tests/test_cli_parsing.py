"""What is typed and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.commands.parsing import (
    parse_classes,
    parse_label_cases,
    parse_mapping,
    parse_settings,
    parse_value_map,
    pick_cases,
    read_names,
)
from napari_medssl.errors import MedSSLError

NAMES = st.text(st.characters(categories=("L", "N"), include_characters=" -_"), min_size=1).map(str.strip).filter(bool)


@given(st.dictionaries(st.integers(1, 254), NAMES, max_size=6).filter(lambda d: len(set(d.values())) == len(d)))
def test_classes_come_back_as_they_were_written(classes):
    assert parse_classes(f"{value}={name}" for value, name in classes.items()) == classes


@pytest.mark.parametrize("words", [["liver"], ["0=x"], ["255=x"], ["1="], ["a=x"], ["1=x", "1=y"], ["1=x", "2=x"]])
def test_classes_that_cannot_be_are_refused(words):
    with pytest.raises(MedSSLError, match="--class"):
        parse_classes(words)


def test_settings_are_json_or_text():
    words = ["batch=4", "learning_rate=0.02", "largest_component=false", "patch=[32, 32, 16]", "augmentation=none"]
    words.append("a=b=c")
    assert parse_settings(words) == {
        "batch": 4,
        "learning_rate": 0.02,
        "largest_component": False,
        "patch": [32, 32, 16],
        "augmentation": "none",
        "a": "b=c",
    }
    with pytest.raises(MedSSLError, match="OPTION=VALUE"):
        parse_settings(["fast"])


def test_mappings():
    assert parse_mapping(["4=1", "5=255"]) == {4: 1, 5: 255}
    assert parse_mapping(["1024=1", "-1=255", "255=1"]) == {1024: 1, -1: 255, 255: 1}
    assert parse_value_map(["17=1", "other=0"]) == ({17: 1}, 0)
    assert parse_value_map(["17=1"]) == ({17: 1}, None)
    with pytest.raises(MedSSLError, match="--map"):
        parse_value_map(["other=x"])
    with pytest.raises(MedSSLError, match="--turn"):
        parse_mapping(["1"], "--turn")
    for bad in ("4", "a=1", "4=b", "4=256", "4=-1", "--1=1", "²=1", "4=", "=1", "1e3=1"):
        with pytest.raises(MedSSLError, match="--map"):
            parse_mapping([bad])


def test_label_cases_are_a_number_names_or_a_file(tmp_path):
    assert parse_label_cases(None) is None
    assert parse_label_cases("4") == 4
    assert parse_label_cases("a, b_label.nii.gz,c") == ["a", "b", "c"]
    listed = tmp_path / "list.txt"
    listed.write_text("case-1\n\ncase-2_image.nii.gz\n")
    assert parse_label_cases(str(listed)) == ["case-1", "case-2"]
    with pytest.raises(MedSSLError, match="at least one"):
        parse_label_cases(" , ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_lists_are_read_as_programs_write_them(tmp_path, encoding):
    listed = tmp_path / "list.txt"
    listed.write_bytes('ana\r\n\r\nMüller\r\n"Smith, John"\r\nDoe, Jane\r\n'.encode(encoding))
    assert read_names(str(listed)) == ["ana", "Müller", "Smith, John", "Doe, Jane"]


@pytest.mark.parametrize("content", [bytes(range(256)), b"\x1f\x8b\x08\x00abc", b"\xff\xfea", b"a\x00\x00b\x01"])
def test_a_file_that_is_no_list_is_one_line(tmp_path, content):
    (tmp_path / "junk").write_bytes(content)
    with pytest.raises(MedSSLError, match="no list of names"):
        read_names(str(tmp_path / "junk"))


def test_a_file_named_like_a_case_does_not_replace_the_case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ana").write_bytes(bytes(range(256)))
    assert pick_cases(["ana", "bob"], ["ana"]) == ("ana",)
    assert parse_label_cases("ana", ["ana", "bob"]) == ["ana"]


def test_names_with_commas_can_be_given():
    known = ["Smith, John", "bob", "a,b"]
    assert pick_cases(known, ["Smith, John"]) == ("Smith, John",)
    assert pick_cases(known, ['"Smith, John", bob']) == ("Smith, John", "bob")
    assert parse_label_cases('bob,"a,b"', known) == ["bob", "a,b"]


def test_255_is_no_class_and_the_remedy_is_named():
    with pytest.raises(MedSSLError, match=r"--class 1=vessel --map 255=1"):
        parse_classes(["255=vessel"])


def test_cases_are_checked(tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("c\na\n")
    assert pick_cases(["a", "b", "c"], ["b,a", str(listed)]) == ("b", "a", "c")
    assert pick_cases(["a_0000x"], ["a_0000x"]) == ("a_0000x",)
    with pytest.raises(MedSSLError, match="'d'"):
        pick_cases(["a"], ["d"])
