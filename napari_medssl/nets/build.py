"""From a spec to a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

import torch
from torch import Tensor, nn

from ..errors import SpecError
from .bcp_unet2d import BCPUNet2d
from .branches import AttentivePyramid
from .desd_resnet import DeSDResNet
from .mtnet import MTNet
from .pcrl import PCRLResNet18, PCRLUNet3d
from .spec import Architecture, NetSpec
from .unet import UNet
from .vnet import VNet

BRANCHED = ("unet", "mtnet")  # networks with attention of their own in the decoders
STRIDING_STEMS = ("unet", "desd-resnet", "mtnet", "pcrl-resnet18")  # whose first stage may be coarser than the image


def is_state_of(state: Mapping[str, Tensor], build: Callable[[NetSpec], nn.Module], spec: NetSpec) -> bool:
    """Whether these are the weights of the network that `build` makes.

    Found out without making it: what a spec from elsewhere asks for takes memory only where the weights are there.
    """
    with torch.device("meta"):
        wanted = {name: tensor.shape for name, tensor in build(spec).state_dict().items()}
    return wanted == {name: tensor.shape for name, tensor in state.items()}


def build_encoder(spec: NetSpec) -> nn.Module:
    """An encoder with fresh weights: images (B, in_channels, *space) to the features of every stage, finest first.

    The same one that `build_net` gives its network as `encoder`, so that weights go from one to the other by name.
    """
    encoder: nn.Module = build_net(spec).encoder  # type: ignore[assignment]
    return encoder


def build_net(spec: NetSpec) -> nn.Module:
    """A network with fresh weights: images (B, in_channels, *space) to logits (B, classes, *space).

    Raises
    ------
    SpecError
        When the parts of the spec contradict each other.
    """
    if len(spec.widths) != len(spec.strides):
        raise SpecError(f"{len(spec.widths)} widths but {len(spec.strides)} strides; give one of each per stage.")
    if any(len(stride) != spec.ndim for stride in spec.strides):
        raise SpecError(f"Strides of a {spec.ndim}-D network need {spec.ndim} numbers each, not {spec.strides}.")
    if spec.architecture not in STRIDING_STEMS and any(stride > 1 for stride in spec.strides[0]):
        raise SpecError("The first stage of a network does not down-sample: its strides must all be 1.")
    if spec.branches and spec.architecture not in BRANCHED:
        return AttentivePyramid(spec, build_net)
    match spec.architecture:
        case "unet":
            return UNet(spec)
        case "vnet":
            return VNet(spec)
        case "bcp-unet2d":
            return BCPUNet2d(spec)
        case "desd-resnet":
            return DeSDResNet(spec)
        case "mtnet":
            return MTNet(spec)
        case "pcrl-unet3d":
            return PCRLUNet3d(spec)
        case "pcrl-resnet18":
            return PCRLResNet18(spec)
    raise SpecError(f"There is no network {spec.architecture!r}; there are: {', '.join(get_args(Architecture))}.")
