"""One encoder and several decoders, each a branch with an opinion of its own; the first one predicts.

A network without named branches has one decoder, called `decoder` as in every other network, so that weights go from
one to the other: see `fitting`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .attention import ATTENTIONS

ONE, MANY = "decoder.", "decoders."


class Branched(nn.Module):
    """Encoder and one decoder per branch.

    Parameters
    ----------
    branches : tuple of str
        Names; none is one decoder.
    """

    def __init__(self, branches: tuple[str, ...]) -> None:
        super().__init__()
        self.branches = branches

    def set_decoders(self, make: Callable[[str | None], nn.Module]) -> None:
        """Make a decoder per branch, or one for None."""
        if self.branches:
            self.decoders = nn.ModuleDict({name: make(name) for name in self.branches})
        else:
            self.decoder = make(None)

    def each_decoder(self) -> Iterator[nn.Module]:
        """The decoders in the order of the branches."""
        yield from (self.decoders[name] for name in self.branches) if self.branches else (self.decoder,)

    def shared(self, x: Tensor) -> Any:
        """What all decoders look at."""
        raise NotImplementedError

    def decode(self, decoder: nn.Module, features: Any, size: torch.Size) -> Tensor:
        """Logits of one decoder for an image of this size."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes, *space) of the branch that predicts, the first."""
        return self.decode(next(self.each_decoder()), self.shared(x), x.shape[2:])

    def branch_logits(self, x: Tensor, noise: float = 0.0) -> list[Tensor]:
        """Logits of every branch from one pass of the encoder.

        Parameters
        ----------
        x : Tensor, (B, C, *space)
        noise : float
            All branches but the first see each value of the deepest shared features times 1 + U(-noise, noise); one
            draw per branch for the whole batch.
        """
        features = self.shared(x)
        out = []
        for index, decoder in enumerate(self.each_decoder()):
            seen = self.disturbed(features, noise) if noise > 0 and index > 0 else features
            out.append(self.decode(decoder, seen, x.shape[2:]))
        return out

    def disturbed(self, features: Any, noise: float) -> Any:
        """`features` with noise on the deepest."""
        raise NotImplementedError


def disturb(x: Tensor, noise: float) -> Tensor:
    """x times 1 + U(-noise, noise), the same for the whole batch."""
    return x * (1 + noise * (2 * torch.rand_like(x[:1]) - 1))


def fitting(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """What fits of another network's state.

    By name and shape; a single decoder starts every branch, and the first branch a single decoder.

    Parameters
    ----------
    own, state : mapping
        State to fill, and state to take from.

    Returns
    -------
    dict, list of str
        What fits, under the names of `own`; names of `own` that nothing fits and of `state` that fit nothing.
    """
    first = next((f"{MANY}{b}." for b in ATTENTIONS if any(n.startswith(f"{MANY}{b}.") for n in state)), None)
    fits, used = {}, set()
    for name, value in own.items():
        sources = [name]
        if name.startswith(MANY):
            sources.append(ONE + name.split(".", 2)[2])
        elif name.startswith(ONE) and first:
            sources.append(first + name.removeprefix(ONE))
        for source in sources:
            if source in state and state[source].shape == value.shape:
                fits[name] = state[source]
                used.add(source)
                break
    left = {name for name in state if name not in used and not _other_branch(name, first, own)}
    return fits, sorted((own.keys() - fits.keys()) | left)


def _other_branch(name: str, first: str | None, own: Mapping[str, Tensor]) -> bool:
    """Whether a name belongs to a branch that a network of one decoder has no use for."""
    wants_one = not any(n.startswith(MANY) for n in own)
    return wants_one and first is not None and name.startswith(MANY) and not name.startswith(first)
