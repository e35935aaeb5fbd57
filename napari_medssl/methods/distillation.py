"""How branches of one network teach each other (CDMA, MICCAI 2023): softened predictions, and certainty of their mean.

Zhong et al., "Semi-supervised Pathological Image Segmentation via Cross Distillation of Multiple Attentions".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

TEMPERATURE = 10.0  # published
EPSILON = 1e-6  # of the authors' logarithm: a certain prediction gives a hair less than 0


def distillation(student: Tensor, teacher: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """T^2 times the mean over places of KL(softmax(teacher / T) || softmax(student / T)).

    Parameters
    ----------
    student, teacher : Tensor, (B, K, *space)
        Logits; the teacher learns nothing from this.
    temperature : float

    Returns
    -------
    Tensor
        Scalar, float32. T^2 keeps the size of its gradient independent of T.
    """
    own = torch.log_softmax(student.float() / temperature, dim=1)
    other = torch.log_softmax(teacher.detach().float() / temperature, dim=1)
    return _divergence(own, other) * temperature**2


def cross_distillation(logits: Sequence[Tensor], temperature: float = TEMPERATURE) -> Tensor:
    """Every branch taught by every other one: the sum over ordered pairs divided by the number of branches.

    Parameters
    ----------
    logits : sequence of Tensor, (B, K, *space)
    temperature : float
    """
    soft = [torch.log_softmax(z.float() / temperature, dim=1) for z in logits]
    fixed = [s.detach() for s in soft]
    total = soft[0].new_zeros(())
    for i, student in enumerate(soft):
        for j, teacher in enumerate(fixed):
            if i != j:
                total = total + _divergence(student, teacher)
    return total * (temperature**2 / len(logits))


def uncertainty(probabilities: Tensor) -> Tensor:
    """Mean over places of the entropy divided by its highest value, ln K.

    Parameters
    ----------
    probabilities : Tensor, (B, K, *space)
    """
    entropy = -(probabilities * torch.log(probabilities + EPSILON)).sum(dim=1)
    return entropy.mean() / math.log(probabilities.shape[1])


def _divergence(own: Tensor, other: Tensor) -> Tensor:
    """Mean over places of KL(exp(other) || exp(own)) of log-probabilities."""
    return (other.exp() * (other - own)).sum(dim=1).mean()
