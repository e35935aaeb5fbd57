"""Tables of the results, written into docs/benchmarks.md between their markers."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write_real_scans(results: Path) -> None:
    """Mean ± sd over seeds of each cohort, method and budget."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for line in results.read_text(encoding="utf-8").splitlines() if results.exists() else []:
        row = json.loads(line)
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


def replace_between(marker: str, text: str) -> None:
    """Put `text` between `<!-- marker -->` and `<!-- /marker -->`."""
    document = DOCUMENT.read_text(encoding="utf-8")
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _spread(runs: list[dict[str, Any]], key: str, digits: int) -> str:
    values = np.array([run[key] for run in runs], dtype=float)
    spread = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"
