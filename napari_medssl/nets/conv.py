"""Convolutions that are right for small inputs, too.

oneDNN's bfloat16 kernels (torch 2.13, AVX-512) read and write beyond their buffers where an input is shorter than the
kernel: gradients of weights become garbage, now and then the process dies. Its float32 kernels do not, and at such
sizes precision costs no time; so those convolutions leave autocast. The deepest stages of small patches, local views
and thin stacks of slices are of that kind.

Its float32 kernels for AVX2 write beyond their buffers, too, where a 1×1 convolution strides over few channels laid out
channels-last; the process dies later, anywhere. Such a convolution looks at every second voxel only: taking those
first and not striding gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LARGE = 7  # kernels of this size want an input that is larger than they are; smaller kernels, one that is as large


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d`, in float32 where the input is shorter than the kernel; a 1×1 kernel never strides."""

    def forward(self, x: Tensor) -> Tensor:
        """As the parent's."""
        if _only_skips(self, x):
            return F.conv2d(_every(x, self.stride), self.weight, self.bias, groups=self.groups)
        if _leaves_autocast(x, self.kernel_size, self.dilation):
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


class Conv3d(nn.Conv3d):
    """`torch.nn.Conv3d`, in float32 where the input is shorter than the kernel; a 1×1 kernel never strides."""

    def forward(self, x: Tensor) -> Tensor:
        """As the parent's."""
        if _only_skips(self, x):
            return F.conv3d(_every(x, self.stride), self.weight, self.bias, groups=self.groups)
        if _leaves_autocast(x, self.kernel_size, self.dilation):
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


def _leaves_autocast(x: Tensor, kernel: Sequence[int], dilation: Sequence[int]) -> bool:
    if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return False
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    return any(n < e or (n == e and e >= LARGE) for n, e in zip(x.shape[2:], extents, strict=True))


def _only_skips(conv: nn.Conv2d | nn.Conv3d, x: Tensor) -> bool:
    """Whether a convolution on the CPU uses some of the voxels of its input only, each by itself."""
    pads = isinstance(conv.padding, str) or any(conv.padding)
    return x.device.type == "cpu" and not pads and max(conv.kernel_size) == 1 and max(conv.stride) > 1


def _every(x: Tensor, stride: Sequence[int]) -> Tensor:
    return x[(slice(None), slice(None), *(slice(None, None, step) for step in stride))]
