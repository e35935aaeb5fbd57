"""Look inside the model of a run with one case: everything there is to see, and why the rest is not."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import NO_MEMORY
from ..inference.memory import is_out_of_memory
from ..project import Project
from .findings import Inspection
from .look import prepare
from .parts import Seen, see_attention, see_features, see_predictions, see_restoration

PARTS = (
    ("features", see_features),
    ("restoration", see_restoration),
    ("attention", see_attention),
    ("predictions", see_predictions),
)


def inspect_case(
    project: Project,
    run: str,
    case: str,
    *,
    stage: int | None = None,
    device: str = "auto",
    tell: Callable[[str], None] = lambda line: None,
) -> Inspection:
    """All pictures of a case that the model of a run gives. The same run, case and stage give the same pictures.

    Parameters
    ----------
    run : str
        Name or folder of a run; of one that only predicted, the model it predicted with is looked at.
    stage : int, optional
        Of the encoder, for the feature picture; 1 is the finest. By default the deepest that can still be recognised.
    tell : callable
        Told what is being looked at.

    Raises
    ------
    MedSSLError
        When there is no such case or run, the run has no model, or they do not fit.
    """
    look = prepare(project, run, case, stage, device)
    seen = {}
    for name, see in PARTS:
        tell(f"Looking at {name} …")
        try:
            seen[name] = see(look)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            seen[name] = Seen(missing=(f"No {name}: {NO_MEMORY}",))
    return Inspection(
        run=look.spec.run,
        case=case,
        stage=look.stage,
        stages=len(look.plan.net.strides),
        pictures=tuple(picture for part in seen.values() for picture in part.pictures),
        bars=tuple(bars for part in seen.values() for bars in part.bars),
        missing=tuple(line for part in seen.values() for line in part.missing),
        facts={name: part.facts for name, part in seen.items() if part.facts is not None},
    )
