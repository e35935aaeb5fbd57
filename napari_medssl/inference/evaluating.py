"""Measuring a run's model on cases whose truth is at hand; what it has not proposed yet is proposed first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NO_MEMORY, MedSSLError
from .evaluation import learnt_from, measure, proposals_of, score_table
from .metrics import TOLERANCE_MM, ClassScore

if TYPE_CHECKING:
    from ..project import Project


@dataclass(frozen=True)
class Evaluation:
    """What came of measuring.

    Attributes
    ----------
    run : str
        Whose model.
    classes : mapping of int to str
        The project's.
    scores : mapping of str to mapping of int to ClassScore
        By case, then by class value.
    tolerance : float
        Of NSD, in mm.
    left_out : tuple of str
        Cases that the run learned from.
    not_measured : mapping of str to str
        Cases that could not be measured, and why.
    refused, skipped : tuple of (Path, str)
        Files that could be of several cases, or were not taken, each with why.
    notes : tuple of str
        What was made of the files.
    """

    run: str
    classes: Mapping[int, str]
    scores: Mapping[str, Mapping[int, ClassScore]]
    tolerance: float
    left_out: tuple[str, ...] = ()
    not_measured: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[tuple[Path, str], ...] = ()
    skipped: tuple[tuple[Path, str], ...] = ()
    notes: tuple[str, ...] = ()

    def table(self) -> dict[str, Any]:
        """The scores as JSON values: `cases`, `mean`, `mean_per_class`, `missed`."""
        return score_table(self.run, self.classes, self.scores)


def evaluate_run(
    project: Project,
    run: str,
    truth: Path | str | Iterable[Path | str],
    predict: Callable[[tuple[str, ...]], object],
    cases: Collection[str] | None = None,
    *,
    mapping: Mapping[int, int] | None = None,
    other: int | None = None,
    leave_out: Collection[str] = (),
    tolerance: float = TOLERANCE_MM,
    tell: Callable[[str], None] = lambda words: None,
) -> Evaluation:
    """Measure.

    Parameters
    ----------
    run : str
        Whose model: a run's name, or its folder, another project's too.
    truth : paths
        Masks, or folders of masks; each finds its case by the name of the file.
    predict : callable
        Proposes for cases with that model.
    cases : collection of str, optional
        By default every case with a truth that the run did not learn from.
    mapping, other, leave_out
        As of `import_labels`.
    tolerance : float
        Of NSD, in mm.
    tell : callable
        Told of each case that cannot be measured, when it comes up.

    Raises
    ------
    MedSSLError
        When there is nothing to measure, or nothing could be.
    """
    from ..project import find_labels, truth_reader

    found = find_labels(project, truth, leave_out)
    wanted, left_out = _wanted(found.of, learnt_from(project, run), cases)
    proposals = proposals_of(project, run)
    missing = tuple(name for name in wanted if name not in proposals)
    if missing:
        predict(missing)
        proposals = proposals_of(project, run)
    read = truth_reader(project, found, wanted, mapping, other)
    scores: dict[str, Mapping[int, ClassScore]] = {}
    failed, notes, skipped = dict[str, str](), list[str](), list(found.skipped)
    for name in wanted:
        try:
            if name not in proposals:
                raise MedSSLError(f"Case {name}: there is no proposal to measure.")
            one = read(name)
            scores[name] = measure(project, project.case(name), proposals[name], one.labels, tolerance)
            notes += one.notes
            skipped += one.skipped
        except (MedSSLError, MemoryError) as error:
            failed[name] = str(error) if isinstance(error, MedSSLError) else f"Case {name}: {NO_MEMORY}"
            tell(f"not measured: {failed[name]}")
    if not scores:
        raise MedSSLError(f"None of {len(failed)} cases could be measured. {next(iter(failed.values()))}")
    classes = {c.value: c.name for c in project.classes}
    told = (tuple(found.refused), tuple(skipped), tuple(notes))
    return Evaluation(run, classes, scores, tolerance, left_out, failed, *told)


def _wanted(
    truths: Collection[str], learned: Collection[str], cases: Collection[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cases to measure on, and those left out because the run learned from them."""
    if cases:
        without = [name for name in cases if name not in truths]
        if without:
            raise MedSSLError(f"There is no truth for case {', '.join(without[:5])}. Check --truth and --cases.")
        return tuple(cases), ()
    wanted = tuple(name for name in truths if name not in learned)
    if not wanted:
        raise MedSSLError("The run learnt from every case with a truth. Name the cases to measure on with --cases.")
    return wanted, tuple(name for name in truths if name in learned)
