"""What commands print reaches every pipe, steers no terminal, and can be pasted where it is a command."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from fixtures import CLASSES, made_run, make_project

from napari_medssl import cli
from napari_medssl.project import ClassInfo
from napari_medssl.project.audit import draw_audit
from napari_medssl.runs.events import PhaseStarted, Proposed, RunFinished, Stepped, Warned
from napari_medssl.terminal.following import follow
from napari_medssl.terminal.screen import Screen

ENCODINGS = ("cp932", "cp949", "cp850", "cp437", "latin-1", "ascii", "cp1252")
#: sets the title, rings, turns text round, a C1 control, clears the screen
STEERING = "a\x1b]0;t\x07\x1b[2Jb\u202ec\x9b31md\x85e"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose runs are marked with a warning sign, with names in other scripts and names that steer."""
    project = make_project(tmp_path_factory.mktemp("output") / "my project’s", "raster", labelled=7, unlabelled=3)
    draw_audit(project, 0.4, seed=1)
    made_run(project, "supervised", 0.9)
    made_run(project, "bcp", 0.5)
    scan = project.cases()[0].images[0]
    case = project.add_case(scan, name="患者–腹部⚠")
    case.save_labels(np.ones(case.grid.shape, np.uint8), author=f"Ω{STEERING}", origin="drawn")
    project.set_classes([*CLASSES, ClassInfo(3, f"λ{STEERING}")])
    project.cases()[1].flag(True, "x")
    settings = project.root / "project.json"
    values = json.loads(settings.read_text())
    values.pop("crc32", None)
    settings.write_text(json.dumps({**values, "name": f"Δ{STEERING}"}))
    return project.root


def commands(root: Path) -> list[list[str]]:
    """All commands that do not train, and errors of all kinds."""
    return [
        ["--help"],
        *([name, "--help"] for name in cli.COMMANDS),
        ["runs", "list", "--help"],
        ["status", str(root)],
        ["check", str(root)],
        ["classes", str(root)],
        ["progress", str(root)],
        ["methods"],
        ["methods", str(root)],
        ["methods", "--options", "bcp"],
        ["runs", "list", str(root)],
        ["suggest", str(root)],
        ["labels", "history", str(root)],
        ["use", str(root), "--automatic"],
        ["classes", str(root), "--turn", "1=7"],
        ["status", f"–⚠{STEERING}"],
        ["runs", "stop", str(root), STEERING],
        ["train", str(root), "--method", f"⚠{STEERING}"],
        ["train", str(root), f"--{STEERING}"],
        ["status", str(root), STEERING],
        ["new", str(root / "new"), "--images", f"/nowhere/{STEERING}"],
        [STEERING],
    ]


def run(words: list[str], encoding: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """A command whose output goes to pipes of an encoding: exit code, stdout, stderr."""
    pipes = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n") for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", pipes[0])
    monkeypatch.setattr(sys, "stderr", pipes[1])
    try:
        code = cli.main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        monkeypatch.undo()
    texts = []
    for pipe in pipes:
        pipe.flush()
        buffer = pipe.buffer
        assert isinstance(buffer, io.BytesIO)
        texts.append(buffer.getvalue().decode(encoding))
    return code, texts[0], texts[1]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_command_fails_for_want_of_a_letter(root: Path, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in commands(root):
        for more in ([], ["--json"]):
            code, out, err = run([*words, *more], encoding, monkeypatch)
            assert code in (0, 2), (words, err)
            assert "Traceback" not in err
            assert "fault of the program" not in err
            assert not RAW.search(out + err), (words, RAW.findall(out + err))
            if more and code == 0 and out.startswith("{"):
                json.loads(out)


def test_the_warning_sign_is_printed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, sign in (("utf-8", "⚠ worse"), ("cp1252", "! worse")):
        code, out, _ = run(["runs", "list", str(root)], encoding, monkeypatch)
        assert code == 0
        assert sign in out


def test_in_a_process_of_its_own(root: Path) -> None:
    env = {**os.environ, "PYTHONIOENCODING": "cp437"}
    command = [sys.executable, "-m", "napari_medssl.cli", "status", str(root)]
    done = subprocess.run(command, capture_output=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert b"! worse" in done.stdout


def test_json_keeps_what_is_in_names(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = run(["status", str(root), "--json"], "ascii", monkeypatch)
    assert json.loads(out)["name"] == f"Δ{STEERING}"
    assert "患者–腹部⚠" in [case["case"] for case in json.loads(out)["cases"]]


def test_a_fault_is_told_without_what_steers(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_medssl.commands import status

    def fail(arguments: object, screen: object) -> dict[str, object]:
        raise ValueError(f"a bug at {STEERING}")

    monkeypatch.setattr(status, "run", fail)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    assert cli.main(["status", "x"]) == 1
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    told = stream.buffer.getvalue().decode()
    assert "Traceback" in told
    assert not RAW.search(told)


def test_a_run_that_is_followed_steers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "dumb")
    events = [
        PhaseStarted(phase="p", index=0, title=f"[/red]{STEERING}"),
        Stepped(step=1, phase="p", losses={"total": 0.1}, progress=1.0, eta_seconds=0.0),
        Warned(message=f"[/] {STEERING}"),
        Proposed(case=f":smile: [/]{STEERING}", index=0, total=1, score=0.1),
        RunFinished(reason="completed", message=STEERING, step=1),
    ]
    follow(Screen(machine=False), iter(events))
    said = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", out.getvalue()).replace("\r", "")  # what the bar itself writes
    assert "[2Jb" in said
    assert not RAW.search(said)


def test_tables_show_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(machine=False).table(f"t{STEERING}", [f"c{STEERING}"], [[":smile: [red]x[/red]"], [STEERING]])
    out = capsys.readouterr().out
    assert ":smile: [red]x[/red]" in out
    assert not RAW.search(out)


@pytest.fixture
def spaced(tmp_path: Path) -> Path:
    """A project whose folder has to be quoted."""
    (tmp_path / "my scans").mkdir()
    for number in range(2):
        image = np.random.default_rng(number).normal(size=(8, 8, 8)).astype(np.float32)
        nib.save(nib.Nifti1Image(image, np.eye(4)), tmp_path / "my scans" / f"s{number}.nii.gz")
    return tmp_path / "it's (my) project"


def test_suggested_commands_can_be_pasted(spaced: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", str(spaced), "--images", str(spaced.parent / "my scans"), "--class", "1=a"]) == 0
    capsys.readouterr()
    assert cli.main(["predict", str(spaced)]) == 2
    said = capsys.readouterr().err.strip()
    assert shlex.split(said[said.index("napari-medssl train") :]) == ["napari-medssl", "train", str(spaced)]


def test_the_suggested_comparison_can_be_pasted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path / "my projects", "raster", labelled=7, unlabelled=3)
    draw_audit(project, 0.4, seed=1)
    made_run(project, "bcp", 0.5)
    assert cli.main(["status", str(project.root), "--json"]) == 0
    command = shlex.split(json.loads(capsys.readouterr().out)["compare_with"])
    assert command[:3] == ["napari-medssl", "train", str(project.root)]
    known = cli.make_parser().parse_args(command[1:])
    assert known.method == "supervised"
    assert cli.main(["runs", "list", str(project.root)]) == 0
    said = capsys.readouterr().out.strip().splitlines()[-1]
    assert shlex.split(said[said.index("napari-medssl train") :]) == command


def test_no_hint_ends_in_a_full_stop_that_sticks(repository: Path) -> None:
    """`napari-medssl train p.` fails where it is pasted; so does `pip install torch.`."""
    names = "|".join(cli.COMMANDS)
    hint = re.compile(rf"(?<!`)\b(napari-medssl (?:{names})\b|pip install )[^`\"]*\.\"")
    for path in sorted((repository / "napari_medssl").rglob("*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert '"""' in line or not hint.search(line), f"{path}: {line.strip()}"
