"""Proposals: labels, uncertainty maps and a score for each case, on the case's own grid."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray

from ..errors import MedSSLError
from ..project import Case, Project
from ..runs.events import Proposed, RunEvent, Warned
from ..runs.stop import StopToken
from .model import DeployedModel
from .predictor import Predictor
from .preprocess import to_case_space, to_network_space, undo_axes
from .uncertainty import case_score, disagreement, expected_dice, flip_variance, predictive_entropy


@dataclass(frozen=True)
class Proposition:
    """What a model says of a case, in the axis order of its file.

    `labels` (*shape) uint8 label values; `maps` (*shape) float32 in 0..1.
    """

    labels: NDArray[np.uint8]
    maps: dict[str, NDArray[np.float32]]
    score: float
    expected_dice: dict[str, float]


def propose_case(predictor: Predictor, model: DeployedModel, case: Case) -> Proposition:
    """Predict one case.

    The labels are those of the deployed member; the others and the mirrored view only make it unsure. Probabilities are
    resampled before they are turned into labels, so that edges stay smooth on a finer grid.
    """
    volume = case.read_image()
    image = to_network_space(volume, model.plan)
    main = predictor.probabilities(image)
    others = [predictor.probabilities(image, member) for member in range(1, predictor.count)]
    axes = model.plan.mirror_axes or (_left_right(model),)
    views = [main, *(predictor.probabilities(image, flip=axis) for axis in axes)]
    members = [main, *others]
    mean = sum(members) / len(members)
    fields = {
        "entropy": predictive_entropy(np.asarray(mean)),
        "disagreement": disagreement([np.asarray(m) for m in members]),
        "flips": flip_variance([np.asarray(v) for v in views]),
    }
    grid = volume.grid
    probabilities = to_case_space(main, grid, model.plan).numpy()
    classes = _largest_pieces(probabilities.argmax(axis=0).astype(np.uint8), model.plan.single_piece)
    promised = expected_dice(probabilities, classes)
    stack = np.stack(list(fields.values()))
    on_grid = to_case_space(main.new_tensor(stack), grid, model.plan).numpy()
    return Proposition(
        labels=undo_axes(np.array(model.values, np.uint8)[classes], grid).astype(np.uint8),
        maps={name: undo_axes(f, grid).astype(np.float32) for name, f in zip(fields, on_grid, strict=True)},
        score=case_score(probabilities, classes),
        expected_dice={model.class_names[index - 1]: round(d, 4) for index, d in promised.items()},
    )


def propose(
    model: DeployedModel, project: Project, run: str, cases: Sequence[str], stop: StopToken
) -> Generator[RunEvent, None, bool]:
    """Propose for each case in turn; a case that fails is warned of and left out.

    Returns
    -------
    bool
        Whether all cases were come to (nobody asked to stop).
    """
    predictor = Predictor(model.members, model.plan)
    for index, name in enumerate(cases):
        if stop():
            return False
        begin = time.monotonic()
        try:
            case = project.case(name)
            found = propose_case(predictor, model, case)
            case.save_proposal(
                run, found.labels, found.maps, found.score, {"model": model.name, "expected_dice": found.expected_dice}
            )
        except MedSSLError as error:
            yield Warned(message=str(error), case=name)
            continue
        yield Proposed(case=name, score=found.score, index=index, total=len(cases), seconds=time.monotonic() - begin)
    return True


def _left_right(model: DeployedModel) -> int:
    """The axis of network space from patient right to left: people are roughly symmetric."""
    if model.plan.net.ndim == 3:
        return 0
    return 2 if model.plan.slice_axis is None else 1


def _largest_pieces(classes: NDArray[np.uint8], single: tuple[int, ...]) -> NDArray[np.uint8]:
    """Keep the largest piece of each class that is one piece in people; the rest becomes background."""
    out = classes.copy()
    for index in single:
        mask = classes == index
        if mask.any():
            pieces = cc3d.connected_components(mask)
            sizes = cc3d.statistics(pieces)["voxel_counts"]
            sizes[0] = 0
            out[mask & (pieces != int(np.argmax(sizes)))] = 0
    return out
