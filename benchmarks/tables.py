"""Tables of the results, written into docs/benchmarks.md between their markers."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import records

DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write_real_scans(name: str) -> None:
    """Mean ± sd over seeds of each cohort, method and budget."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in records.read(name):
        groups[(row["cohort"], row["labelled"], row["minutes"], row["method"])].append(row)
    header = "| scans | labelled | minutes | method | Dice | HD95 (mm) | NSD at 2 mm | steps | seeds | test cases |"
    rows = [header, "|" + "---|" * 10]
    for (cohort, labelled, minutes, method), runs in sorted(groups.items(), key=str):
        figures = [
            _spread(runs, "dice", 3),
            _spread(runs, "hd95", 2),
            _spread(runs, "nsd", 3),
            _spread(runs, "steps", 0),
        ]
        start = f"| {cohort} | {labelled} | {minutes:g} | {method} | "
        rows.append(start + " | ".join(figures) + f" | {len(runs)} | {runs[0]['cases']} |")
    replace_between("real-scans", "\n".join(rows))


def write_methods(name: str) -> None:
    """Mean ± sd over seeds of each chain, beside its distance from supervised training alone in the same seeds."""
    groups: dict[tuple[Any, ...], dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in records.read(name):
        groups[(row["cohort"], row["labelled"], row["minutes"], row["first"], row["then"])][row["seed"]] = row
    rows = [
        "| scans | labelled | minutes | first | then | Dice | ahead of supervised alone | HD95 (mm) | steps | seeds |"
    ]
    rows.append("|" + "---|" * 10)
    for (cohort, labelled, minutes, first, then), runs in sorted(groups.items(), key=str):
        base = groups.get((cohort, labelled, minutes, "scratch", "supervised"), {})
        pairs = [{"ahead": runs[seed]["dice"] - base[seed]["dice"]} for seed in runs if seed in base]
        ahead = _spread(pairs, "ahead", 3, sign="+") if pairs and runs is not base else "–"
        lines = list(runs.values())
        steps = f"{np.mean([r['steps_before'] for r in lines]):.0f} + " if first != "scratch" else ""
        rows.append(
            f"| {cohort} | {labelled} | {minutes:g} | {first} | {then} | {_spread(lines, 'dice', 3)} | {ahead} | "
            f"{_spread(lines, 'hd95', 2)} | {steps}{np.mean([r['steps'] for r in lines]):.0f} | {len(lines)} |"
        )
    replace_between("methods", "\n".join(rows))


def write_scribbles(name: str) -> None:
    """Whole labels beside strokes, method by method; the distance is that of the same seeds."""
    groups: dict[tuple[Any, ...], dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in records.read(name):
        groups[(row["cohort"], row["labelled"], row["minutes"], row["method"], row["share"])][row["seed"]] = row
    rows = ["| scans | labelled | minutes | method | voxels labelled | Dice | against all voxels | HD95 (mm) | seeds |"]
    rows.append("|" + "---|" * 9)
    for (cohort, labelled, minutes, method, share), runs in sorted(groups.items(), key=str, reverse=True):
        whole = groups.get((cohort, labelled, minutes, method, 1.0), {})
        pairs = [{"away": runs[seed]["dice"] - whole[seed]["dice"]} for seed in runs if seed in whole]
        away = _spread(pairs, "away", 3, sign="+") if pairs and share < 1 else "–"
        lines = list(runs.values())
        rows.append(
            f"| {cohort} | {labelled} | {minutes:g} | {method} | {100 * share:g} % | {_spread(lines, 'dice', 3)} | "
            f"{away} | {_spread(lines, 'hd95', 2)} | {len(lines)} |"
        )
    replace_between("scribbles", "\n".join(rows))


def write_steps(name: str, official: dict[str, float]) -> None:
    """Newest row of each method, precision, threads and device."""
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in records.read(name):
        newest[(row["name"], row["device"], row["threads"], row["precision"])] = row
    rows = [
        "| step | precision | device, threads | s/step | as fast as the authors' | waiting for data | peak memory |"
    ]
    rows.append("|" + "---|" * 7)
    for (step, device, threads, precision), row in sorted(newest.items()):
        place = f"{device}, {threads}" if device == "cpu" else device
        faster = f"{official[step] / row['seconds']:.1f} ×" if device == "cpu" and threads == 1 else "–"
        figures = f"{row['seconds']:.2f} | {faster} | {100 * row['wait']:.0f} % | {row['gigabytes']:.1f} GB |"
        rows.append(f"| {step} | {precision} | {place} | {figures}")
    replace_between("steps", "\n".join(rows))


def write_tour(name: str) -> None:
    """Newest row of each method, kind of scans and preset."""
    newest: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in records.read(name):
        newest[(row["scans"], row["method"], row["preset"])] = row
    rows = [
        "| scans | method | preset | steps | loss, first quarter → last | paused at, resumed the same | proposals |"
    ]
    rows.append("|" + "---|" * 7)
    for (scans, method, preset), row in newest.items():
        same = f"step {row['paused_at']}, {'bit for bit' if row['same'] else '**no**'}"
        fell = f"{row['loss_first']:.3f} → {row['loss_last']:.3f}"
        rows.append(f"| {scans} | {method} | {preset} | {row['steps']} | {fell} | {same} | {row['proposals'] or '–'} |")
    replace_between("tour", "\n".join(rows))


def replace_between(marker: str, text: str) -> None:
    """Put `text` between `<!-- marker -->` and `<!-- /marker -->`."""
    document = DOCUMENT.read_text(encoding="utf-8")
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _spread(runs: list[dict[str, Any]], key: str, digits: int, sign: str = "") -> str:
    values = np.array([run[key] for run in runs], dtype=float)
    spread = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():{sign}.{digits}f}{spread}"
