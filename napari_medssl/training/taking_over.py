"""What a run begins with: the weights of another, as far as they fit, and words for what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from ..errors import SpecError
from ..inference.model import load_model
from ..methods.base import Learner
from ..methods.catalog import method_info
from ..project import Project
from ..runs.presets import overruled
from ..runs.request import find_start, start_run_folder
from ..runs.spec import RunSpec

# Parts of networks by what their tensors' names hold, the first that fits; and the order in which they are told
PARTS = {"gates": "attention", "attention": "attention", "encoder": "encoder", "pooling": "pooling"}
PARTS |= {"decoders": "decoders", "decoder": "decoder"}
ORDER = ("encoder", "pooling", "decoder", "decoders", "attention")


def take_over(spec: RunSpec, project: Project, learner: Learner) -> str:
    """Give a learner what fits of the model that a run begins with.

    Returns
    -------
    str
        What was taken over, what is new, and what of the recipe that model decides, for a person; empty where the run
        begins with nothing.

    Raises
    ------
    SpecError
        When nothing fits.
    RunError
        When that model cannot be read.
    """
    before = find_start(project, spec.start_from)
    if before is None or spec.start_from is None:
        return ""
    (state, *_), _ = load_model(start_run_folder(project, spec.start_from))
    left = learner.initialise_from(state)
    member = learner.members()[0]
    if member.state_dict().keys() <= set(left):
        raise SpecError(
            f"Nothing of the model of run {before.run} fits this network: it may have been changed by hand. Start "
            "without it."
        )
    author = method_info(before.method).short_title
    source = f"run {before.run} ({author})" if author else f"run {before.run}"
    told = f"Begins with what {source} learnt: {transfer_text(member, left, state)}"
    decided = overruled(method_info(spec.method), spec.preset, before)
    return told + (f" As published but for {decided}, which {before.run} decides." if decided else "")


def transfer_text(network: nn.Module, left: Iterable[str], state: Mapping[str, Tensor]) -> str:
    """What of a network was taken over, what is new in it, and what was of no use.

    Parameters
    ----------
    network : nn.Module
    left : iterable of str
        Names of the network's tensors that nothing fitted, and of `state` that fitted nothing.
    state : mapping
        What was taken from.
    """
    out = set(left)
    weights = {name: value.numel() for name, value in network.named_parameters()}
    taken, new = (_parts(name for name in weights if (name in out) == is_new) for is_new in (False, True))
    whole = [f"part of the {part}" if part in new else f"the {part}" for part in taken]
    share = sum(size for name, size in weights.items() if name not in out) / max(1, sum(weights.values()))
    text = f"{_listed(whole)}, {_percent(share)} of the network's weights."
    if new:
        text += f" New: {_listed([f'the rest of the {part}' if part in taken else f'the {part}' for part in new])}."
    unused = _parts(name for name in out if name in state and name not in weights)
    return text + (f" Not needed: {_listed([f'the {part}' for part in unused if part not in new])}." if unused else "")


def _parts(names: Iterable[str]) -> list[str]:
    """The parts of a network that tensors belong to."""
    found = {next((part for key, part in PARTS.items() if key in name), name.split(".")[0]) for name in names}
    return [*(part for part in ORDER if part in found), *sorted(found.difference(ORDER))]


def _listed(things: list[str]) -> str:
    return " and ".join(", ".join(things).rsplit(", ", 1))


def _percent(share: float) -> str:
    """Whole per cents; all and nothing only where it is so."""
    return "all" if share == 1 else f"{min(99, max(1, round(100 * share)))} %"
