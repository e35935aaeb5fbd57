"""What the demo tells: a table per round, a page with pictures, and the same as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..terminal.screen import Screen, cell_text
from .rounds import METHODS, Outcome, Round

if TYPE_CHECKING:
    from .setup import Demo

SHOWN = 3  # cases in a round's picture


def round_columns(classes: Sequence[str]) -> list[str]:
    """Headings of a round's table; ">" stands for columns of numbers."""
    return ["method", ">labelled", ">minutes", ">steps", ">Dice", ">HD95 mm", ">NSD", *(f">Dice {c}" for c in classes)]


def round_rows(entry: Round) -> list[list[object]]:
    """One row per method."""
    return [
        [
            METHODS[outcome.method],
            entry.labelled,
            f"{entry.minutes:.1f}",
            outcome.steps,
            outcome.scores["mean"]["dice"],
            f"{outcome.scores['mean']['hd95']:.1f}",
            outcome.scores["mean"]["nsd"],
            *(mean["dice"] for mean in outcome.scores["mean_per_class"].values()),
        ]
        for outcome in entry.outcomes.values()
    ]


def round_title(entry: Round) -> str:
    """What the table shows."""
    return f"Round {entry.number}: {entry.labelled} labelled, measured on the {entry.unlabelled} unlabelled cases"


def show_round(screen: Screen, entry: Round, classes: Sequence[str]) -> None:
    """The table for people, and what the reader did."""
    screen.table(round_title(entry), round_columns(classes), round_rows(entry))
    if entry.corrections:
        screen.say("The reader corrected " + "; ".join(_told(c) for c in entry.corrections) + ".")


def verdict(rounds: Sequence[Round]) -> str:
    """One honest sentence: which method was better, and by how much."""
    last = rounds[-1]
    ours, base = (last.outcomes[name].scores["mean"] for name in ("bcp", "supervised"))
    gain = ours["dice"] - base["dice"]
    word = "more" if gain >= 0 else "less"
    return (
        f"With {last.labelled} labelled cases and the same time, BCP reached Dice {ours['dice']:.3f}, "
        f"{abs(gain):.3f} {word} than supervised only ({base['dice']:.3f}); HD95 {ours['hd95']:.1f} against "
        f"{base['hd95']:.1f} mm."
    )


def as_json(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """The rounds as JSON values."""
    return [
        {
            "round": entry.number,
            "labelled": entry.labelled,
            "unlabelled": entry.unlabelled,
            "minutes": round(entry.minutes, 3),
            "methods": {
                name: {
                    "run": outcome.run,
                    "steps": outcome.steps,
                    "seconds": round(outcome.seconds, 1),
                    **outcome.scores["mean"],
                    "per_class": outcome.scores["mean_per_class"],
                    "missed": outcome.scores["missed"],
                }
                for name, outcome in entry.outcomes.items()
            },
            "corrected": [
                {"case": c.case, "expected_error": c.score, "dice_to_proposal": c.dice} for c in entry.corrections
            ],
        }
        for entry in rounds
    ]


def write_page(out: Path, rounds: Sequence[Round], classes: Sequence[str], pictures: Sequence[Path]) -> Path:
    """`report.md` beside the pictures."""
    lines = ["# napari-medssl demo", "", verdict(rounds), ""]
    for entry in rounds:
        columns = round_columns(classes)
        lines += [f"## {round_title(entry)}", "", "| " + " | ".join(c.removeprefix(">") for c in columns) + " |"]
        lines.append("|" + "|".join("--:" if c.startswith(">") else "--" for c in columns) + "|")
        lines += ["| " + " | ".join(cell_text(cell) for cell in row) + " |" for row in round_rows(entry)]
        if entry.corrections:
            lines += ["", "Corrected: " + "; ".join(_told(c) for c in entry.corrections) + "."]
        lines.append("")
    lines += [f"![{path.stem}]({path.relative_to(out).as_posix()})\n" for path in pictures]
    page = out / "report.md"
    page.write_text("\n".join(lines), encoding="utf-8")
    return page


def picture_round(demo: Demo, outcome: Outcome, path: Path) -> Path:
    """Picture of the worst, the middle and the best proposal of a run, by Dice."""
    from ..drawing.tiles import save
    from ..imaging import read_labels, read_map
    from .pictures import CasePicture, draw_cases

    ranked = sorted(outcome.scores["cases"], key=lambda case: _mean(case["dice"]))
    chosen = {c["case"]: c for c in (ranked[0], ranked[len(ranked) // 2], ranked[-1])[:SHOWN]}
    pictures = []
    for name, score in chosen.items():
        case = demo.project.case(name)
        proposal = next(p for p in reversed(case.proposals()) if p.run == outcome.run)
        pictures.append(
            CasePicture(
                f"{name}: Dice {_mean(score['dice']):.2f}, expected error {proposal.score:.2f}",
                case.grid,
                case.read_image().array[0],
                read_labels(proposal.labels_path).array,
                read_labels(demo.truth[name]).array,
                read_map(proposal.maps["entropy"]),
            )
        )
    colours = {c.value: c.colour for c in demo.project.classes}
    return save(draw_cases(pictures, colours, {c.value: c.name for c in demo.project.classes}), path)


def picture_curves(rounds: Sequence[Round], path: Path) -> Path:
    """Losses of all runs over time, and Dice per round."""
    from ..drawing.charts import draw_bars, draw_curves, stack
    from ..drawing.tiles import save

    charts = [
        draw_curves(
            f"Loss in round {entry.number}",
            {METHODS[o.method]: [(p.seconds / 60, p.value) for p in o.loss] for o in entry.outcomes.values()},
            "minutes",
            "loss",
        )
        for entry in rounds
    ]
    dice = {title: [entry.outcomes[name].scores["mean"]["dice"] for entry in rounds] for name, title in METHODS.items()}
    groups = [f"round {entry.number}: {entry.labelled} labelled" for entry in rounds]
    return save(stack([draw_bars("Dice of the unlabelled cases", groups, dice, "Dice"), *charts]), path)


def _mean(values: dict[str, float]) -> float:
    return sum(values.values()) / max(len(values), 1)


def _told(correction: Any) -> str:
    dice = "" if correction.dice is None else f" (proposal was Dice {correction.dice:.2f})"
    return f"{correction.case}{dice}"
