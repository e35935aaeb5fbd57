"""The doctor finds what is wrong and says what to do."""

from __future__ import annotations

import json
import os
import sys

import pytest

from napari_medssl import cli, doctor
from napari_medssl.doctor import Finding, check_qt, examine
from napari_medssl.errors import SpecError
from napari_medssl.training import machine


@pytest.fixture
def _known_machine(monkeypatch):
    """Measuring the machine takes seconds on a busy one; one test below does it."""
    monkeypatch.setattr(machine, "probe", lambda device: machine.Machine("cpu", 2, 8_000_000_000))


@pytest.mark.parametrize(
    ("versions", "verdict", "says"),
    [
        ({}, "note", "napari-medssl[all]"),
        ({"PySide6": "6.12.0"}, "bad", "!=6.12.0"),
        ({"PySide6": "6.11.1"}, "note", "6.11"),
        ({"PySide6": "6.10.2"}, "ok", ""),
        ({"PyQt6": "6.9.1"}, "ok", ""),
        ({"PySide6": "6.10.2", "PyQt5": "5.15.11"}, "note", "QT_API=pyside6"),
    ],
)
def test_qt_bindings_are_judged(versions, verdict, says):
    found = check_qt(versions)
    assert found.verdict == verdict
    assert says in found.remedy


@pytest.mark.usefixtures("_known_machine")
def test_a_machine_in_order_has_nothing_bad(tmp_path):
    findings = {f.key: f for f in examine(tmp_path, "cpu", training=False)}
    assert {"python", "napari", "qt", "memory", "writing", "disk", "torch", "device", "precision"} <= findings.keys()
    assert not [f for f in findings.values() if f.verdict == "bad"]
    assert "cores" in findings["device"].value
    assert list(tmp_path.iterdir()) == []  # the trial file is gone


@pytest.mark.usefixtures("_known_machine")
def test_a_folder_that_is_not_there_is_bad(tmp_path):
    findings = {f.key: f for f in examine(tmp_path / "none", "cpu", training=False)}
    assert findings["writing"].verdict == "bad"
    assert findings["writing"].remedy


@pytest.mark.usefixtures("_known_machine")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_bad(tmp_path):
    tmp_path.chmod(0o500)
    findings = {f.key: f for f in examine(tmp_path, "cpu", training=False)}
    assert findings["writing"].verdict == "bad"


def test_torch_that_cannot_be_imported_ends_the_examination_kindly(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    findings = list(examine(tmp_path, "cpu"))
    assert findings[-1].key == "torch"
    assert findings[-1].verdict == "bad"


def test_a_device_that_is_not_there_is_bad(tmp_path):
    findings = {f.key: f for f in examine(tmp_path, "cuda:77")}
    assert findings["device"].verdict == "bad"
    assert "training" not in findings


@pytest.mark.usefixtures("_known_machine")
@pytest.mark.parametrize("error", [SpecError("no labels"), RuntimeError("a bug")])
def test_a_training_that_fails_is_a_finding(error, tmp_path, monkeypatch):
    def fail(place, device):
        raise error

    monkeypatch.setattr(doctor, "_train_in", fail)
    found = list(examine(tmp_path, "cpu"))[-1]
    assert (found.key, found.verdict) == ("training", "bad")
    assert str(error) in found.value


@pytest.mark.parametrize(("verdict", "code"), [("ok", 0), ("note", 0), ("bad", 2)])
def test_the_exit_code_says_whether_all_is_well(verdict, code, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda *_, **__: [Finding("x", "Thing", "value", verdict, "mend it")])
    assert cli.main(["doctor", "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] == (code == 0)
    assert told["findings"]["x"] == {"value": "value", "verdict": verdict, "remedy": "mend it"}
    cli.main(["doctor"])
    assert "mend it" in capsys.readouterr().out


def test_the_short_training_trains_validates_and_proposes(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "TRIAL_MINUTES", 0.05)
    found = doctor._training("cpu")
    assert found.verdict == "ok", found
    assert "Dice" in found.value
    assert "proposal" in found.value
