"""Options of CDMA, and the network that they ask for. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

from ..nets.spec import NetSpec
from .averaged_options import AveragedOptions
from .options import Options, option

BRANCHES = ("csa", "sa", "ca")  # the first one predicts


@dataclass(frozen=True)
class CDMAOptions(AveragedOptions):
    """Options of cross distillation of multiple attentions (Zhong et al., MICCAI 2023)."""

    # the model it starts from has learnt from labels already
    CONTINUING: ClassVar[Mapping[str, Any]] = MappingProxyType({"warmup_share": 0.15})

    learning_rate: float = option(
        0.1, "Learning rate", "Step size of the optimiser at its highest, for the encoder.", low=1e-6, high=1.0
    )
    schedule: str = option(
        "poly",
        "Schedule of the learning rate",
        "How the learning rate falls; 'drops': by a factor after about a quarter, half and three quarters of the run "
        "(epochs 37, 75 and 112 of 150).",
        choices=("constant", "poly", "cosine", "step", "drops"),
    )
    schedule_gamma: float = option(
        0.1,
        "Drop",
        "With the schedules 'step' and 'drops': factor of the learning rate at each drop.",
        low=0.0,
        high=1.0,
    )
    warmup_share: float = option(
        0.7,
        "Share of time on labels first",
        "Part of the run that learns from labelled scans only; a tenth in the paper's code.",
        low=0.0,
        high=0.9,
        advanced=False,
    )
    warmup_steps: int = option(
        1000,
        "Steps on labels first",
        "Length of the first phase where neither minutes nor steps are given.",
        low=0,
        unit="steps",
    )
    distillation_weight: float = option(
        0.1,
        "Weight of agreement",
        "How much each branch shall agree with the others (lambda 1 in the paper).",
        low=0.0,
        high=5.0,
        advanced=False,
    )
    certainty_weight: float = option(
        0.1,
        "Weight of certainty",
        "How much the branches' mean shall be certain (lambda 2 in the paper).",
        low=0.0,
        high=5.0,
        advanced=False,
    )
    temperature: float = option(
        10.0,
        "Temperature",
        "How far predictions are softened before branches learn from each other (T in the paper).",
        low=1.0,
        high=100.0,
    )
    ramp_up: float = option(
        0.4,
        "Rise of agreement and certainty",
        "Part of the second phase in which the weights of agreement and certainty rise from nearly nothing; 0 switches "
        "them on at once, as in the paper's code.",
        low=0.0,
        high=1.0,
    )
    feature_noise: float = option(
        0.0,
        "Noise between encoder and decoders",
        "All branches but the first see the deepest features times 1 + U(-x, x). The paper draws such noise, and its "
        "code makes it with 0.3 but never uses it; 0 is off, as in the code.",
        low=0.0,
        high=1.0,
    )
    third_norm: bool = option(
        False,
        "Third norm",
        "Normalise after the second convolution of each decoder of the paper's network. Its code makes this norm and "
        "never uses it.",
    )
    decoder_rate: float = option(
        1.5,
        "Learning rate of decoders",
        "As a multiple of the encoder's. Each decoder has a third of the loss, and learns three times as fast as "
        "in the other methods to make up for it; 10 in the paper's code, whose encoder was pre-trained.",
        low=0.01,
        high=100.0,
    )
    gate_rate: float = option(
        0.1,
        "Learning rate of attention",
        "As a multiple of the decoders'; 1 in the paper's code. All places of a scan pull at a gate's few weights: "
        "at the decoders' own rate it shuts for good within a hundred steps.",
        low=0.001,
        high=10.0,
    )
    bias_rate: float = option(
        1.0, "Learning rate of biases", "As a multiple of the weights'; 2 in the paper's code.", low=0.01, high=100.0
    )


def cdma_net(options: Options, net: NetSpec) -> NetSpec:
    """The network with CDMA's branches."""
    assert isinstance(options, CDMAOptions)
    return replace(net, branches=BRANCHES, third_norm=options.third_norm)
