"""How the command line behaves whatever the command: exit codes, one clear line, JSON alone on stdout, a fast start."""

from __future__ import annotations

import errno
import json
import subprocess
import sys

import pytest

from napari_medssl import cli
from napari_medssl.commands import status as status_command
from napari_medssl.errors import ProjectError, RunError
from napari_medssl.terminal.following import RunFault
from napari_medssl.terminal.screen import Screen, cell_text, without_nan

HEAVY = ("torch", "napari", "nibabel", "scipy", "skimage", "rich", "numpy")


def test_building_the_parser_imports_nothing_heavy():
    code = f"import sys, napari_medssl.cli as c; c.make_parser(); print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_commands_that_only_read_a_project_do_without_torch(tmp_path):
    from napari_medssl.project import Project

    Project.create(tmp_path / "p")
    for words in (["status"], ["suggest"], ["runs", "list"], ["labels", "history"]):
        code = (
            f"import sys, napari_medssl.cli as c; code = c.main({[*words, str(tmp_path / 'p')]!r}); "
            "print([m for m in ('torch', 'napari') if m in sys.modules], code)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[] 0", (words, done.stderr)


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["paint"],
        ["new"],
        ["new", "p"],
        ["train"],
        ["train", "p", "--minutes", "soon"],
        ["train", "p", "--minutes", "1", "--steps", "5"],
        ["runs"],
        ["runs", "stop", "p"],
        ["evaluate", "p", "--run", "r"],
        ["suggest", "p", "-k", "0"],
        ["status", "no-such-folder"],
        ["train", "no-such-folder", "--set", "learning_rate"],
        ["demo", "--minutes", "0"],
    ],
)
def test_bad_use_is_one_line_and_exit_code_2(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("napari-medssl: ")


def test_with_json_an_error_is_one_object_on_stdout(capsys, tmp_path):
    assert cli.main(["status", str(tmp_path / "none"), "--json"]) == 2
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["exit"] == 2
    assert told["error"] in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProjectError("mend this"), 2),
        (RunFault("A fault of the program: ValueError"), 1),
        (RunError("memory ran out"), 2),
        (ValueError("a bug"), 1),
        (OSError(errno.ENOSPC, "No space left on device", "somewhere"), 2),
        (OSError(errno.EIO, "broken disk"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes_of_errors(error, code, capsys, monkeypatch):
    def fail(arguments, screen):
        raise error

    monkeypatch.setattr(status_command, "run", fail)
    assert cli.main(["status", "anywhere"]) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("napari-medssl: ")


def test_what_libraries_print_does_not_spoil_the_json(capsys, monkeypatch):
    def chatty(arguments, screen):
        print("a library says hello")
        screen.say("a line for people")
        return {"value": float("nan"), "nested": [float("inf"), 1.5]}

    monkeypatch.setattr(status_command, "run", chatty)
    assert cli.main(["status", "anywhere", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"value": None, "nested": [None, 1.5]}
    assert "hello" in err
    assert "a line for people" in err


def test_people_get_lines_and_tables_on_stdout_and_no_json(capsys):
    screen = Screen(machine=False)
    screen.say("hello")
    screen.table("title", ["name", ">number"], [["[red]a[/red]", 0.12345], ["b", None]])
    screen.result({"a": 1})
    out, err = capsys.readouterr()
    assert out.startswith("hello\n")
    assert "[red]a[/red]" in out  # names are shown as they are, not taken for markup
    assert "0.123" in out
    assert "{" not in out
    assert err == ""


def test_cells_and_numbers():
    assert cell_text(None) == cell_text(float("nan")) == "–"
    assert cell_text(0.5) == "0.500"
    assert cell_text(3) == "3"
    assert without_nan({1: (float("nan"), "x")}) == {"1": [None, "x"]}
