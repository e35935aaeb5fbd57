"""The command line: a driver like any other. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import argparse
import errno
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any, NoReturn

from . import __version__
from .errors import NO_MEMORY, MedSSLError
from .plain import one_line, plain, prepare
from .terminal.following import RunFault
from .terminal.screen import Screen

DONE, FAULT, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
COMMANDS = (
    "demo", "new", "check", "classes", "status", "progress", "methods", "train", "runs", "use",
    "predict", "labels", "evaluate", "inspect", "suggest", "doctor",
)  # fmt: skip

# What the machine refuses and a person can mend; other operating system errors are faults.
_MENDABLE = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EROFS: "this place is read-only; choose a folder you may write to",
    errno.EACCES: "permission denied; choose a place you may read and write",
    errno.EPERM: "not permitted; choose a place you may read and write",
    errno.ENOENT: "there is no such file or folder; check the path",
    errno.ENOTDIR: "a part of this path is no folder; check the path",
    errno.EISDIR: "this is a folder, not a file; check the path",
    errno.EEXIST: "there is something of this name already; choose another name",
    errno.ENAMETOOLONG: "this name is too long for the disk; choose a shorter one",
    errno.ELOOP: "links lead round in a circle here; check the path",
    errno.ENXIO: "this is a device or a pipe, not a file; check the path",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}. See: {self.prog} --help")


class UsageError(MedSSLError):
    """The command was written in a way it does not have."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 bad use or bad input (one line on stderr), 1 a fault."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    prepare(sys.stdout, sys.stderr)
    screen = Screen("--json" in arguments)
    try:
        if any("\0" in word for word in arguments):
            raise UsageError("An argument holds a NUL character, which no name can have. Write it without.")
        known = make_parser().parse_args(arguments)
        with redirect_stdout(sys.stderr if screen.machine else sys.stdout):  # libraries that print must not spoil JSON
            result: dict[str, Any] = known.run(known, screen)
        screen.result(result)
    except RunFault as error:
        return _complain(screen, str(error), FAULT)
    except MedSSLError as error:
        return _complain(screen, str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _complain(screen, "Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone: nothing to say, nobody to say it to
        return FAULT
    except OSError as error:
        if error.errno in _MENDABLE:
            place = f"{error.filename}: " if error.filename else ""
            return _complain(screen, f"{place}{_MENDABLE[error.errno]}.", BAD_INPUT)
        return _fault(screen, error)
    except MemoryError:
        return _complain(screen, NO_MEMORY, BAD_INPUT)
    except Exception as error:
        return _fault(screen, error)
    code: int = result.get("exit", DONE)
    return code


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; cheap."""
    parser = Parser(
        prog="napari-medssl",
        description="Segment medical scans from a few labelled ones.",
        epilog="Exit codes: 0 done, 2 bad use or bad input, 1 a fault of the program.",
    )
    parser.add_argument("--version", action="version", version=f"napari-medssl {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        module = import_module(f".commands.{name}", __package__)
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        if not any(isinstance(action, argparse._SubParsersAction) for action in command._actions):
            command.add_argument("--json", action="store_true", help="print one JSON object, for machines")
            command.set_defaults(run=module.run)
    return parser


def _complain(screen: Screen, message: str, code: int) -> int:
    line = one_line(message)
    print(f"napari-medssl: {line}", file=sys.stderr)
    screen.result({"error": line, "exit": code})
    return code


def _fault(screen: Screen, error: BaseException) -> int:
    print(plain(traceback.format_exc()), file=sys.stderr)
    return _complain(screen, f"a fault of the program ({type(error).__name__}: {error}); please report it.", FAULT)


if __name__ == "__main__":
    raise SystemExit(main())
