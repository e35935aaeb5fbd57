"""What can be learnt with: titles, options, needs. Readable without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from ..errors import SpecError
from ..nets.spec import NetSpec
from .averaged_options import SupervisedOptions
from .bcp_options import BCPOptions
from .bcp_paper import bcp_paper, supervised_paper
from .cdma_options import CDMAOptions, cdma_net
from .cdma_paper import cdma_paper
from .desd_options import DeSDOptions
from .desd_paper import desd_paper
from .options import Options
from .pcrlv2_options import PCRLv2Options
from .pcrlv2_paper import pcrlv2_paper

if TYPE_CHECKING:
    from .base import Method

Kind = Literal["supervised", "self-supervised", "semi-supervised"]


def plain_net(options: Options, net: NetSpec) -> NetSpec:
    """The network with one decoder."""
    return replace(net, branches=())


@dataclass(frozen=True)
class MethodInfo:
    """One line of the catalog.

    Attributes
    ----------
    title, summary, not_when : str
        For a clinician: what it does, and when not to use it.
    needs_labelled, needs_unlabelled : int
        Least number of cases of each kind. To a self-supervised method every scan is an unlabelled one.
    implementation : str
        "module:class" of the `Method`.
    paper : callable
        Settings of the paper preset (names of options or of plan fields, as JSON values) for 2-D or 3-D scans.
    net : callable
        The plan's network as the method needs it.
    """

    name: str
    kind: Kind
    title: str
    summary: str
    not_when: str
    options: type[Options]
    implementation: str
    paper: Callable[[int], dict[str, Any]]
    needs_labelled: int = 1
    needs_unlabelled: int = 0
    net: Callable[[Options, NetSpec], NetSpec] = plain_net

    @property
    def segments(self) -> bool:
        """Whether its models find structures; those of self-supervised methods are there to start from."""
        return self.kind != "self-supervised"

    @property
    def short_title(self) -> str:
        """What its authors call it, such as "DeSD"; empty where it has no such name."""
        return self.title.partition(" – ")[2]

    def load(self) -> Method:
        """The method itself; imports torch."""
        module, _, name = self.implementation.partition(":")
        method: Method = getattr(import_module(module), name)()
        return method


CATALOG: Mapping[str, MethodInfo] = {
    info.name: info
    for info in (
        MethodInfo(
            "supervised",
            "supervised",
            "Learn from the labelled scans only",
            "Trains on the labelled scans and nothing else: the baseline that every other method must beat.",
            "When there are many unlabelled scans and few labels, another method usually does better.",
            SupervisedOptions,
            "napari_medssl.methods.supervised:Supervised",
            supervised_paper,
        ),
        MethodInfo(
            "bcp",
            "semi-supervised",
            "Learn from labelled and unlabelled scans together – BCP",
            "Pastes boxes of labelled scans into unlabelled ones and back, and learns from both: labels where a "
            "person drew them, its own averaged prediction elsewhere.",
            "When fewer than two scans are labelled, or the unlabelled ones show another body part or scanner type.",
            BCPOptions,
            "napari_medssl.methods.bcp:BCP",
            bcp_paper,
            needs_labelled=2,
            needs_unlabelled=2,
        ),
        MethodInfo(
            "desd",
            "self-supervised",
            "Learn from all scans before labelling – DeSD",
            "Looks at each scan twice, cut and lit differently, until both looks mean the same to it at every depth of "
            "the network. Needs no labels; a later training that begins with it needs fewer.",
            "When most scans are labelled already, or there are only a few scans: it cannot segment by itself, and its "
            "time is then better spent on a method that learns from labels.",
            DeSDOptions,
            "napari_medssl.methods.desd:DeSD",
            desd_paper,
            needs_labelled=0,
            needs_unlabelled=2,
        ),
        MethodInfo(
            "cdma",
            "semi-supervised",
            "Learn from all scans with three opinions that teach each other – CDMA",
            "One network with three endings that look for different things: each learns from the labels and from the "
            "other two, and where they disagree the map of doubt shows it. Made for microscope images of tissue.",
            "When a single scan is labelled, or there are only a few minutes: a step takes about twice as long as with "
            "the other methods.",
            CDMAOptions,
            "napari_medssl.methods.cdma:CDMA",
            cdma_paper,
            needs_labelled=1,
            needs_unlabelled=1,
            net=cdma_net,
        ),
        MethodInfo(
            "pcrlv2",
            "self-supervised",
            "Learn from all scans before labelling – PCRLv2",
            "Hides and distorts parts of your scans and learns to restore them, and to recognise the same place in "
            "different views. It finds no structures itself: a training on labels begins with what it learnt.",
            "When there are only a few scans, or a few minutes: a training on labels gives a first result sooner.",
            PCRLv2Options,
            "napari_medssl.methods.pcrlv2:PCRLv2",
            pcrlv2_paper,
            needs_labelled=0,
            needs_unlabelled=2,
        ),
    )
}


def method_info(name: str) -> MethodInfo:
    """The catalog's entry.

    Raises
    ------
    SpecError
        When there is no such method.
    """
    try:
        return CATALOG[name]
    except KeyError:
        raise SpecError(f"There is no method {name!r}; there are: {', '.join(CATALOG)}.") from None
