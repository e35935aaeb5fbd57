"""The folder of reference arrays holds nothing that no test reads, and a test that does not understand a file fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import reference_arrays
import test_golden_bcp
import test_golden_cdma
import test_golden_desd
import test_golden_pcrlv2

TESTS = {
    "bcp": test_golden_bcp,
    "cdma": test_golden_cdma,
    "desd": test_golden_desd,
    "pcrlv2": test_golden_pcrlv2,
}


def test_each_method_has_files_and_every_file_belongs_to_one() -> None:
    assert [method for method, tests in TESTS.items() if not tests.FILES] == []  # type: ignore[attr-defined]
    read = {path for tests in TESTS.values() for path in tests.FILES}  # type: ignore[attr-defined]
    unread = [path.name for path in sorted(reference_arrays.FOLDER.glob("*.npz")) if path not in read]
    assert not unread, f"no test reads {unread}"


@pytest.mark.parametrize("method", TESTS)
def test_file_of_unknown_keys(method: str, tmp_path: Path) -> None:
    path = tmp_path / f"{method}_unknown.npz"
    np.savez(path, something=np.zeros(3))
    with pytest.raises(
        AssertionError, match=rf"{path.name}: its keys say nothing that this test understands.*something"
    ):
        TESTS[method].test_numbers_of_the_authors_code(path)  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", TESTS)
def test_known_file_with_one_key_more(method: str, tmp_path: Path) -> None:
    files = TESTS[method].FILES  # type: ignore[attr-defined]
    small = min(files, key=lambda path: path.stat().st_size)
    with np.load(small) as file:
        np.savez(tmp_path / small.name, **file, something=np.zeros(3))
    with pytest.raises(AssertionError, match=rf"{small.name}: nothing looked at \['something'\]"):
        TESTS[method].test_numbers_of_the_authors_code(tmp_path / small.name)  # type: ignore[attr-defined]
