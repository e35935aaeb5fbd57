"""The checksum of a JSON text tells damage, and puts a single changed bit right."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from napari_medssl.disk import read_json, read_record, write_json
from napari_medssl.errors import DamagedFileError
from napari_medssl.sealing import is_sealed, put_right, seal, unseal

VALUES = {"name": "Ünïcode – µ", "list": [1, 2.5, None], "nested": {"crc32": "00000000"}}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_record_with_one_changed_bit_reads_as_it_was_written(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "x.json"
    write_json(path, VALUES, indent)
    good = path.read_bytes()
    for at in range(len(good) * 8):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        path.write_bytes(bad)
        assert {key: value for key, value in (read_record(path) or {}).items() if key in VALUES} == VALUES
        assert path.read_bytes() == bad  # nothing is written unasked


def test_more_damage_than_a_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"of": list(range(120))})
    good = path.read_bytes()
    draw = random.Random(0)
    for _ in range(60):
        bad = bytearray(good)
        for at in draw.sample(range(len(good) - 40), 3):
            bad[at] ^= 1 << draw.randrange(8)
        path.write_bytes(bad)
        with pytest.raises(DamagedFileError):
            read_record(path)
    for size in range(0, len(good) - 2, 7):
        path.write_bytes(good[:size])
        with pytest.raises(DamagedFileError):
            read_record(path)


def test_an_unsealed_text_cannot_be_put_right(tmp_path: Path) -> None:
    assert put_right(b'{"a": 1') is None
    assert put_right(b"") is None
    assert not is_sealed(b'{"a": 1}')
    assert is_sealed(seal('{"a": 1}').encode())
    path = tmp_path / "x.json"
    path.write_text('{"a": 1}')
    assert read_record(path) == read_json(path) == {"a": 1}
    assert read_record(tmp_path / "none.json") is None


def test_a_line_without_a_newline_is_put_right_too() -> None:
    good = seal('{"kind": "stepped", "step": 12}').encode()
    for at in range(len(good) * 8):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        found = put_right(bytes(bad))
        assert found == good
        assert unseal(found) == {"kind": "stepped", "step": 12}
