"""Muon: gradient descent whose steps on kernels go equally far in all directions.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024 (https://kellerjordan.github.io/posts/muon).
The momentum of a kernel, seen as a matrix of outputs x (inputs, space), is replaced by the nearest matrix with
orthonormal rows or columns, so that no direction is drowned by a few strong ones. PyTorch's own takes matrices only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)  # of the source: singular values from 0.02 to 1 end up between 0.7 and 1.2
ITERATIONS = 5
FEWEST_OUTPUTS = 8  # kernels with fewer give the result, not features
TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """Muon for kernels between features; momentum with Nesterov's look ahead for all else.

    The rest, which is norms, biases, a first kernel of one channel and a last one of few outputs, has no directions to
    be evened out. (The last kernel of a network that folds has enough, and is evened out, too.)

    Parameters
    ----------
    groups : iterable of dict
        With `params`, `lr` and `weight_decay`, as every optimiser takes them. One rate serves both kinds: a step
        changes a kernel by about `lr` of its size.
    momentum : float
        0 to 1.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], momentum: float = 0.9) -> None:
        super().__init__(groups, {"lr": 0.05, "momentum": momentum, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override] # gradients are the engine's: no closure
        """Change all weights that have a gradient."""
        for group in self.param_groups:
            rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                speed = state["momentum_buffer"]
                if is_kernel(weight):
                    speed.mul_(momentum).add_(weight.grad)
                    ahead = weight.grad.add(speed, alpha=momentum)
                    weight.mul_(1 - rate * decay).add_(even_out(ahead), alpha=-rate)
                else:
                    gradient = weight.grad.add(weight, alpha=decay)
                    speed.mul_(momentum).add_(gradient)
                    weight.add_(gradient.add(speed, alpha=momentum), alpha=-rate)


def is_kernel(weight: Tensor) -> bool:
    """Whether weights lead from several features to several features through space."""
    return weight.ndim > 2 and weight.shape[0] >= FEWEST_OUTPUTS and weight.shape[1] > 1


def even_out(change: Tensor) -> Tensor:
    """The change of a kernel with all its singular values near 1, its channels last in memory.

    Newton and Schulz's iteration X <- a X + b (X X') X + c (X X')^2 X multiplies X from the left by polynomials of X X'
    only. They are collected in a small square matrix, and the large one is touched twice instead of ten times.

    Parameters
    ----------
    change : Tensor, (outputs, inputs, *space)

    Returns
    -------
    Tensor
        A matrix with more rows than columns is longer by the root of their ratio, so that outputs change alike.
    """
    moved = change.movedim(1, -1)  # as the engine lays kernels in memory: nothing is copied; columns have no order
    rows = moved.flatten(1).float()
    outputs, columns = rows.shape
    flat = outputs > columns
    matrix = rows.T if flat else rows
    matrix = matrix / (matrix.norm() + TINY)
    gram = matrix @ matrix.T
    product = one = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        factor = a * one + b * gram + c * (gram @ gram)
        product = factor @ product
        gram = factor @ gram @ factor
    even: Tensor = product @ matrix
    even = (even.T if flat else even) * max(1.0, outputs / columns) ** 0.5
    return even.reshape(moved.shape).movedim(-1, 1)
