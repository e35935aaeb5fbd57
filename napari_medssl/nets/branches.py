"""One encoder and several decoders, each a branch with an opinion of its own; the first one predicts.

A network without named branches has one decoder, called `decoder` as in every other network, so that weights go from
one to the other: see `fitting`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from .attention import ATTENTIONS, Gate, make_gate
from .spec import NetSpec

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

    def attended(self, branch: str, features: Any) -> Any:
        """What a branch looks at, where that is its difference."""
        return features

    def gates_of(self, branch: str) -> list[Gate]:
        """The attention of a branch, in the order of its stages."""
        return [part for part in self.decoders[branch].modules() if isinstance(part, Gate)]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes, *space) of the branch that predicts, the first."""
        return self._say(0, self.shared(x), x.shape[2:])

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
        for index in range(len(self.branches) or 1):
            seen = self.disturbed(features, noise) if noise > 0 and index > 0 else features
            out.append(self._say(index, seen, x.shape[2:]))
        return out

    def _say(self, index: int, features: Any, size: torch.Size) -> Tensor:
        if not self.branches:
            return self.decode(self.decoder, features, size)
        branch = self.branches[index]
        return self.decode(self.decoders[branch], self.attended(branch, features), size)

    def disturbed(self, features: Any, noise: float) -> Any:
        """`features` with noise on the deepest."""
        raise NotImplementedError


class PyramidNet(Branched):
    """Decoders that go up from a feature pyramid, finest level first."""

    encoder: nn.Module

    def shared(self, x: Tensor) -> list[Tensor]:
        """The encoder's features."""
        features: list[Tensor] = self.encoder(x)
        return features

    def disturbed(self, features: list[Tensor], noise: float) -> list[Tensor]:
        """With noise on the deepest."""
        return [*features[:-1], disturb(features[-1], noise)]

    def decode(self, decoder: nn.Module, features: list[Tensor], size: torch.Size) -> Tensor:
        """Logits (B, classes, *space) of one decoder."""
        out: Tensor = decoder(features)
        return out


class AttentivePyramid(PyramidNet):
    """Any network of an encoder and a decoder, with branches: each sees all levels but the finest through attention.

    Parameters
    ----------
    spec : NetSpec
    make : callable
        The network with one decoder: `encoder`, and `decoder` from a pyramid to logits.
    """

    def __init__(self, spec: NetSpec, make: Callable[[NetSpec], nn.Module]) -> None:
        super().__init__(spec.branches)
        plain = replace(spec, branches=())
        first: Any = make(plain)
        self.encoder = first.encoder
        decoders = iter([first.decoder, *(_decoder(make(plain)) for _ in spec.branches[1:])])
        self.set_decoders(lambda _: next(decoders))
        self.gates = nn.ModuleDict(
            {
                name: nn.ModuleList(make_gate(name, width, spec.ndim) for width in spec.widths[1:])
                for name in spec.branches
            }
        )

    def attended(self, branch: str, features: list[Tensor]) -> list[Tensor]:
        """Features through the gates of a branch."""
        gates: Any = self.gates[branch]
        return [features[0], *(gate(f) for gate, f in zip(gates, features[1:], strict=True))]

    def gates_of(self, branch: str) -> list[Gate]:
        """The attention of a branch, finest stage first."""
        return [part for part in self.gates[branch].modules() if isinstance(part, Gate)]


def _decoder(net: Any) -> nn.Module:
    decoder: nn.Module = net.decoder
    return decoder


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
