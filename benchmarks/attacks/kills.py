"""kill -9 at random moments, and in the middle of single writes, while something is saved, imported, trained or mended.

What must hold after every kill: the project opens, nothing that was acknowledged is missing and nothing half counts,
`check` names nothing, locks are free; and the same command again, or a resume, ends as if there had been no kill: a
training with the same model, losses and proposals bit for bit.

Each life is a fork of this process, in which torch and the rest are loaded already.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from faulty import Disk
from little import SETTINGS, Refused, command, copy_of, flip_bits, make_old, make_project, stray, whole
from tally import Tally, main

from napari_medssl.errors import MedSSLError
from napari_medssl.inference.model import MODEL
from napari_medssl.inference.tensor_file import load_tensors
from napari_medssl.locking import held_by_another
from napari_medssl.project import Project, import_images
from napari_medssl.project.reviews import add_decisions, decide, read_decisions
from napari_medssl.runs.events import Stepped
from napari_medssl.runs.journal import JOURNAL_NAME, replay
from napari_medssl.runs.process import is_running
from napari_medssl.training import engine, execute, machine

MASKS = tuple(f"m{number:02}" for number in range(20))
RUN = "bcp-001"
Act = Callable[[Path], object]


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Kill saves `times` times, and everything else a part of that."""
    rng = random.Random(seed)
    tried: Counter[str] = Counter()
    failures: list[str] = []
    for name, kind in KINDS.items():
        wanted = max(1, times // kind.share)
        template = folder / name.replace(" ", "-").replace("--", "")
        template.mkdir(parents=True)
        kind.make(template)
        with copy_of(template) as root:
            begin = time.monotonic()
            _live(root, kind.act)
            seconds, points = time.monotonic() - begin, _points(root, kind.act, template)
            right = kind.outcome(root)
        while tried[f"kills: {name}"] < wanted:
            with copy_of(template) as root:
                for life in range(rng.randint(1, kind.lives)):
                    at = rng.randrange(points) if rng.random() < 0.5 else None
                    told, killed = _live(root, kind.again if life else kind.act, rng.uniform(0, seconds), at)
                    tried[f"kills: {name}"] += killed
                    what = f"{name}, {'write ' + str(at) if at is not None else 'some time'}, seed {seed}"
                    failures += [f"{what}: {words}" for words in (*kind.look(root, told), *_afterwards(root, kind))]
                if kind.act is not _save:
                    told, _ = _live(root, kind.again)
                    failures += [f"{what}: does not go on: {words}" for words in _no_fault(root, told)]
                    outcome = kind.outcome(root)
                    if outcome != right:
                        wrong = [key for key in right if outcome.get(key) != right[key]] or "more than there should be"
                        failures.append(f"{what}: afterwards it is another one: {wrong}")
                failures += [f"{what}, afterwards: {words}" for words in _afterwards(root, kind, old=True)]
    return Tally(dict(tried), tuple(failures))


def _live(root: Path, act: Act, seconds: float | None = None, at: int | None = None) -> tuple[list[str], bool]:
    """A life of a process; what it acknowledged, and whether it was killed: in write `at`, else after so long."""
    ears, mouth = os.pipe()
    process = os.fork()
    if process == 0:
        _be(root, act, at, mouth)
    os.close(mouth)
    if seconds is not None and at is None:
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    with os.fdopen(ears, "rb") as file:
        told = file.read().decode().split("\n")[:-1]
    _, status = os.waitpid(process, 0)
    return told, os.WIFSIGNALED(status)


def _be(root: Path, act: Act, at: int | None, mouth: int) -> None:
    """What a child does; it does not return."""
    global _say
    try:
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        _say = lambda words: os.write(mouth, f"{words}\n".encode())  # noqa: E731
        engine.CHECKPOINT_SECONDS = 0.0
        execute.probe = lambda device: machine.probe(device, measure=False)  # precision must not hang on a busy moment
        with Disk(root, at, kill=True) if at is not None else contextlib.nullcontext():
            act(root)
    except (MedSSLError, Refused) as error:
        os.write(mouth, f"refused {error}".replace("\n", " ").encode() + b"\n")
    except BaseException:
        os.write(mouth, f"fault {traceback.format_exc()[-800:]!r}\n".encode())
    finally:
        os._exit(0)


def _say(words: str) -> object:
    """Acknowledge something; in a child only."""
    return words


def _points(root: Path, act: Act, template: Path) -> int:
    """How many writes there are, at least one."""
    with copy_of(template) as root:

        def counted(root: Path) -> None:
            with Disk(root) as disk:
                act(root)
            _say(str(len(disk.points)))

        told, _ = _live(root, counted)
        numbers = [int(words) for words in told if words.isdigit()]
        return max([1, *numbers])


def _afterwards(root: Path, kind: Kind, old: bool = False) -> Iterator[str]:
    if not (root / "project.json").exists():
        yield "no project is there"
        return
    if old:  # leftovers of writers are swept when they are some days old
        make_old(root)
        with contextlib.suppress(Refused):
            command("check", root, "--repair")
        yield from (f"{name} is never swept" for name in stray(root))
    if not kind.is_damaged or old:
        yield from whole(root)
    project = Project.open(root)
    for run in project.runs():
        if is_running(project.run_folder(run)):
            yield f"{run} counts as running"
    for lock in root.rglob(".*.lock"):
        if held_by_another(lock.with_name(lock.name[1:-5])):
            yield f"{lock.name} is held"


# -- saves -------------------------------------------------------------------------------------------------------------


def _save(root: Path) -> None:
    """Save labels, decisions and comments one after the other, and acknowledge each."""
    case = Project.open(root).case("a")
    for number in range(30):
        labels = np.full(case.grid.shape, number % 2, np.uint8)
        labels.flat[0] = 0
        revision = case.save_labels(labels, author="b", origin="drawn", complete=number % 3 > 0, note=str(number))
        _say(f"labels {revision.id} {number % 2}")
        add_decisions(case, RUN, (decide("accept", "region", str(number), "b"),))
        _say(f"decision {number}")
        case.comment_on(f"comment {number}", "b")
        _say(f"comment {number}")


def _saved(root: Path, told: list[str]) -> Iterator[str]:
    case = Project.open(root).case("a")
    revisions = {one.id: one for one in case.revisions()}
    decisions = {one.what for one in read_decisions(case, RUN)}
    comments = -1 if not case.comment else int(case.comment.split()[1])
    for words in told:
        what, key, *more = words.split()
        if what == "labels":
            labels = case.read_labels(revisions[key]) if key in revisions else None
            if labels is None or labels.array.flat[-1] != int(more[0]):
                yield f"labels {key} are gone"
        elif (what == "decision" and key not in decisions) or (what == "comment" and int(key) > comments):
            yield f"{words} is gone"
        elif what in ("fault", "refused"):
            yield words
    acknowledged = sum(words.startswith("labels") for words in told)
    if len(revisions) - 1 > acknowledged + 1:
        yield f"{len(revisions) - 1} revisions, and {acknowledged} were saved"
    case.save_labels(np.zeros(case.grid.shape, np.uint8), author="b", origin="drawn", complete=False)  # locks are free


# -- commands ----------------------------------------------------------------------------------------------------------


def _import(root: Path) -> str:
    return command("labels", "import", root, root.parent / "masks")


def _imported(root: Path) -> dict[str, Any]:
    cases = Project.open(root).cases()
    return {case.name: [case.read_labels(one).array.tobytes() for one in case.revisions()] for case in cases}  # type: ignore[union-attr]


def _new(root: Path) -> str:
    scans = [root.parent / f"{name}.png" for name in MASKS]
    return command("new", root / "other", "--images", *scans, "--class", "1=bright", "--labels", root.parent / "masks")


def _new_again(root: Path) -> None:
    """Begin anew where no project is there yet; else go on with what is there."""
    if not (root / "other" / "project.json").exists():
        _new(root)
        return
    import_images(Project.open(root / "other"), [root.parent / f"{name}.png" for name in MASKS])
    with contextlib.suppress(Refused):  # all labels are there already
        command("labels", "import", root / "other", root.parent / "masks")


def _made(root: Path) -> dict[str, Any]:
    return {} if not (root / "other" / "project.json").exists() else _imported(root / "other")


def _looked_new(root: Path, told: list[str]) -> Iterator[str]:
    yield from _no_fault(root, told)
    if (root / "other" / "project.json").exists():
        yield from whole(root / "other")


def _train(method: str) -> Act:
    more = ("warmup_share=0.4",) if method == "bcp" else ()
    words = ("--method", method, "--device", "cpu", "--steps", "6", "--set", *SETTINGS, *more)
    return lambda root: command("train", root, *words)


def _resume(begin: Act) -> Act:
    def again(root: Path) -> None:
        runs = [run for run in Project.open(root).runs() if (root / "runs" / run / "spec.json").exists()]
        begun = [run for run in runs if run != "supervised-002" or begin is not _predict]
        if not begun:
            begin(root)
        for run in begun:
            try:
                command("runs", "resume", root, run)
            except Refused as refused:
                if "is completed" not in refused.said:
                    raise

    return again


def _predict(root: Path) -> str:
    return command("predict", root, "--run", "supervised-002", "--device", "cpu")


def _learnt(root: Path) -> dict[str, Any]:
    """Weights, losses of each step and proposals, whatever the run's name."""
    found: dict[str, Any] = {}
    for run in Project.open(root).runs():
        folder = root / "runs" / run
        if (folder / MODEL).exists():
            found |= {name: one.numpy().tobytes() for name, one in load_tensors(folder / MODEL)[0].items()}
        said = (one for one in replay(folder / JOURNAL_NAME) if isinstance(one, Stepped))
        found |= {f"step {one.step}": dict(one.losses) for one in said}
    for case in Project.open(root).cases():
        for proposal in case.proposals():
            if proposal.run != RUN:
                found[f"proposal {case.name} {proposal.run.split('-')[0]}"] = proposal.read_labels().array.tobytes()
    return found


def _damage(folder: Path) -> None:
    """Records with a flipped bit, labels without a record, leftovers and an empty run."""
    root = make_project(folder)
    project = Project.open(root)
    case = project.case("a")
    add_decisions(case, RUN, (decide("accept", "region", "1", "b"),))
    case.save_labels(np.ones(case.grid.shape, np.uint8), author="b", origin="drawn")
    for name in ("project.json", "cases/a/case.json", "cases/b/case.json", f"cases/a/reviews/{RUN}.json"):
        flip_bits(root / name, 40)
    flip_bits(next((root / "cases" / "b" / "labels").glob("*.json")), 30, 31)
    (root / "cases" / "c" / ".x.json.0a0a0a0a.tmp").write_bytes(b"{")
    make_old(root)


def _repaired(root: Path) -> dict[str, Any]:
    found = _imported(root)
    case = Project.open(root).case("a")
    return found | {"decisions": len(read_decisions(case, RUN)), "damage": whole(root)}


def _no_fault(root: Path, told: list[str]) -> Iterator[str]:
    yield from (words for words in told if words.startswith(("fault", "refused")))


def _twenty(labelled: int) -> Callable[[Path], object]:
    return lambda folder: make_project(folder, labelled=labelled, names=MASKS)


def _trained(folder: Path) -> None:
    _live(make_project(folder), _train("supervised"))


@dataclass(frozen=True)
class Kind:
    """Something to kill: how often beside saves, what to begin with, and what is to come of it.

    `look` says what is wrong after a kill, `again` goes on; `outcome` is compared with what comes without kills.
    """

    share: int
    make: Callable[[Path], object]
    act: Act
    again: Act
    outcome: Callable[[Path], dict[str, Any]]
    look: Callable[[Path, list[str]], Iterator[str]] = _no_fault
    lives: int = 1
    is_damaged: bool = False


KINDS = {
    "saves": Kind(1, make_project, _save, _save, lambda root: {}, _saved),
    "an import of 20 masks": Kind(4, _twenty(0), _import, _import, _imported, lives=2),
    "new": Kind(4, _twenty(0), _new, _new_again, _made, _looked_new),
    "a supervised training": Kind(
        6, make_project, _train("supervised"), _resume(_train("supervised")), _learnt, lives=3
    ),
    "a bcp training": Kind(6, make_project, _train("bcp"), _resume(_train("bcp")), _learnt, lives=3),
    "a prediction": Kind(6, _trained, _predict, _resume(_predict), _learnt, lives=2),
    "check --repair": Kind(
        4, _damage, lambda root: command("check", root, "--repair"), lambda root: command("check", root, "--repair"),
        _repaired, lives=2, is_damaged=True,
    ),
}  # fmt: skip

if __name__ == "__main__":
    main(attack)
