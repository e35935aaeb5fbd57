"""Proposals: labels, uncertainty maps and a score for each case, on the case's own grid."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import NO_MEMORY, MedSSLError, NotFiniteError, NotSavedError
from ..project import Case, Project
from ..runs.events import Proposed, RunEvent, Warned
from ..runs.stop import StopToken
from .case_space import slab_axis, slabs, to_case_space
from .looks import turns
from .memory import is_out_of_memory, release
from .model import DeployedModel
from .pieces import smaller_pieces
from .predictor import Predictor, View, with_less
from .preprocess import network_shape, to_network_space
from .uncertainty import (
    Overlap,
    case_score,
    disagreement,
    expected_dice,
    flip_variance,
    overlap,
    predictive_entropy,
)

VOXELS_AT_ONCE = 1_000_000  # of which opinions are summed up: that takes several times what they take
ANOTHER = "Choose another run's model, or train again."
MAPS = ("entropy", "disagreement", "flips")  # the last where mirrored scans were learnt from


@dataclass(frozen=True)
class Proposition:
    """What a model says of a case, in the axis order of its file.

    `labels` (*shape) uint8 label values; `maps` (*shape) float16 in 0..1, which is four times finer than the 256 steps
    that are kept of them.
    """

    labels: NDArray[np.uint8]
    maps: dict[str, NDArray[np.float16]]
    score: float
    expected_dice: dict[str, float]


def propose_case(predictor: Predictor, model: DeployedModel, case: Case) -> Proposition:
    """Predict one case.

    The labels are those of the deployed member's first branch, from the mean of its looks at the scan: as it is, turned
    (`looks.turns`), and mirrored where it has learnt from mirrored scans. The other members and branches only make it
    unsure. A mirrored view that it has not learnt from says nothing: left and right structures would trade places.

    Probabilities are resampled before they are turned into labels, so that edges stay smooth on a finer grid. They are
    never all in memory: tile by tile they become uncertainty maps, and slab by slab labels.
    """
    volume = case.read_image()
    grid, image = volume.grid, to_network_space(volume, model.plan)
    del volume  # as large as all that follows
    members = [View(member, every=True) for member in range(predictor.count)]
    turned = [View(turn=turn) for turn in turns(model.plan)]
    mirrored = [View(flip=axis) for axis in model.plan.mirror_axes]
    again = turned + mirrored
    learnt = len(again) if model.plan.looks > 1 else len(turned)  # of `again`
    names = MAPS if mirrored else MAPS[:-1]

    def summed_up(found: list[Tensor]) -> Tensor:
        axis = slab_axis((found[0].shape[1], found[0].shape[2], found[0].shape[3])) + 1
        rows = max(1, VOXELS_AT_ONCE * found[0].shape[axis] // found[0][0].numel())
        parts = zip(*(one.split(rows, axis) for one in found), strict=True)
        return torch.cat([of_rows(list(some)) for some in parts], dim=axis)

    def of_rows(found: list[Tensor]) -> Tensor:
        count = len(found) - len(again)
        opinions, others = found[:count], found[count:]
        looks = [opinions[0], *others[:learnt]]
        mean = torch.stack(looks).mean(dim=0) if learnt else opinions[0]
        return torch.cat((mean, _unsure(opinions, others[len(turned) :])))

    parts = ((where, summed_up(found)) for where, found in predictor.parts(image, [*members, *again]))
    classes, maps = np.empty(grid.shape, np.uint8), {name: np.empty(grid.shape, np.float16) for name in names}
    sure = np.empty(grid.shape if model.plan.single_piece else 0, np.float16)
    turn = grid.canonical().apply
    sums: Overlap | None = None
    for window, found in to_case_space(slabs(parts, network_shape(grid, model.plan)), grid, model.plan):
        probabilities, unsure = found[: -len(names)].numpy(), found[-len(names) :].numpy()
        chosen = probabilities.argmax(axis=0).astype(np.uint8)
        turn(classes)[window] = chosen
        for field, values in zip(maps.values(), unsure, strict=True):
            turn(field)[window] = values
        if model.plan.single_piece:
            turn(sure)[window] = probabilities.max(axis=0)
        here = overlap(probabilities, chosen)
        sums = here if sums is None else sums + here
    assert sums is not None
    for index in model.plan.single_piece:
        lost = smaller_pieces(classes == index)
        sums = sums.without(index, sure[lost])
        classes[lost] = 0
    return Proposition(
        labels=np.array(model.values, np.uint8)[classes],
        maps=maps,
        score=case_score(sums),
        expected_dice={model.class_names[index - 1]: round(d, 4) for index, d in expected_dice(sums).items()},
    )


def propose(
    model: DeployedModel, project: Project, run: str, cases: Sequence[str], stop: StopToken
) -> Generator[RunEvent, None, bool]:
    """Propose for each case in turn; a case that fails is warned of and left out.

    Where memory runs out, a case is begun anew in smaller tiles, then on the processor in place of a GPU, with a
    warning.

    Raises
    ------
    NotSavedError
        When the disk does not take a proposal; those made before stay.

    Returns
    -------
    bool
        Whether all cases were come to (nobody asked to stop).
    """
    predictor = yield from _ready(model)
    for index, name in enumerate(cases):
        if stop():
            return False
        begin = time.monotonic()
        predictor.begin_anew()
        try:
            score = yield from _proposed(predictor, model, project, run, name)
        except NotFiniteError as error:
            yield Warned(message=f"Nothing is proposed for {name}. {error} ({model.name}). {ANOTHER}", case=name)
        except NotSavedError:  # the fault of the disk, not of this case: the run ends, and can be resumed
            raise
        except MedSSLError as error:
            yield Warned(message=str(error), case=name)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            yield Warned(message=f"Nothing is proposed for {name}. {NO_MEMORY}", case=name)
        else:
            yield Proposed(case=name, score=score, index=index, total=len(cases), seconds=time.monotonic() - begin)
    return True


def _ready(model: DeployedModel) -> Generator[RunEvent, None, Predictor]:
    """The model's networks on its device, or on the processor where they do not fit there."""
    try:
        return Predictor(model.members, model.plan)
    except RuntimeError as error:
        if model.plan.device == "cpu" or not is_out_of_memory(error):
            raise
    release(model.plan.device)
    yield Warned(message="The model does not fit into the GPU's free memory; the processor takes longer.")
    return Predictor(model.members, replace(model.plan, device="cpu", precision="float32"))


def _proposed(
    predictor: Predictor, model: DeployedModel, project: Project, run: str, name: str
) -> Generator[RunEvent, None, float]:
    """Propose for a case, with less memory where there is too little; its score."""
    case = project.case(name)
    work = with_less(predictor, lambda: propose_case(predictor, model, case))
    while True:
        try:
            less = next(work)
        except StopIteration as done:
            found: Proposition = done.value
            break
        yield Warned(message=f"Memory ran out over {name}; going on with {less}.", case=name)
    info = {"model": model.name, "expected_dice": found.expected_dice}
    case.save_proposal(run, found.labels, found.maps, found.score, info)
    return found.score


def _unsure(members: list[Tensor], views: list[Tensor]) -> Tensor:
    """The maps (number, d, h, w) of a part, from probabilities (K, d, h, w); "flips" where there are views."""
    arrays = [member.numpy() for member in members]
    fields = {
        "entropy": predictive_entropy(np.asarray(sum(arrays) / len(arrays))),
        "disagreement": disagreement(arrays),
    }
    if views:
        fields["flips"] = flip_variance([arrays[0], *(view.numpy() for view in views)])
    return torch.from_numpy(np.stack([fields[name] for name in MAPS if name in fields]))
