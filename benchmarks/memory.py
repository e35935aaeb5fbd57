"""What a prediction takes of memory, and what tiles that see less than all change.

`python benchmarks/memory.py networks` holds `bytes_per_voxel` against the measured peak of every architecture.
`python benchmarks/memory.py scan --stages 5` proposes, with random weights, for a scan of 300 x 512 x 512 at its own
spacing and tells the peak beside the budget of a tile. Each measurement is a process of its own; Linux only, for only
there can the mark of the peak be set back.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from napari_medssl.inference import tiling
from napari_medssl.inference.predictor import Predictor, View
from napari_medssl.nets.build import build_net
from napari_medssl.nets.fuse import fuse_batchnorm
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan

ONE, TWO = (1, 1, 1), (2, 2, 2)
NETS = {
    "U-Net, 4 stages": NetSpec("unet", 3, 1, 3, (16, 32, 64, 128), (ONE, *(TWO,) * 3)),
    "U-Net, 5 stages": NetSpec("unet", 3, 1, 3, (16, 32, 64, 128, 256), (ONE, *(TWO,) * 4)),
    "U-Net, 6 stages": NetSpec("unet", 3, 1, 3, (16, 32, 64, 128, 256, 320), (ONE, *(TWO,) * 5)),
    "U-Net, folded": NetSpec("unet", 3, 1, 3, (32, 64, 128), (TWO,) * 3),
    "U-Net, instance norm": NetSpec("unet", 3, 1, 3, (16, 32, 64, 128), (ONE, *(TWO,) * 3), norm="instance"),
    "U-Net, 3 branches": NetSpec("unet", 3, 1, 3, (16, 32, 64, 128), (ONE, *(TWO,) * 3), branches=("csa", "sa", "ca")),
    "V-Net": NetSpec("vnet", 3, 1, 3, (16, 32, 64, 128, 256), (ONE, *(TWO,) * 4)),
    "DeSD's ResNet": NetSpec("desd-resnet", 3, 1, 3, (16, 64, 128, 256, 512), ((2, 2, 1), *(TWO,) * 4)),
    "PCRLv2's U-Net": NetSpec("pcrl-unet3d", 3, 1, 3, (32, 64, 128, 256), (ONE, *(TWO,) * 3)),
    "U-Net, 7 stages, 2-D": NetSpec("unet", 2, 1, 3, (32, 64, 128, 256, 320, 320, 320), ((1, 1), *((2, 2),) * 6)),
    "BCP's U-Net, 2-D": NetSpec("bcp-unet2d", 2, 1, 3, (16, 32, 64, 128, 256), ((1, 1), *((2, 2),) * 4)),
    "PCRLv2's ResNet-18, 2-D": NetSpec("pcrl-resnet18", 2, 1, 3, (64, 64, 128, 256, 512), ((2, 2),) * 5),
}
SIDE = {2: 768, 3: 96}  # of what each network is shown: what their strides divide, as the predictor pads it


def peak_of(work: Callable[[], object]) -> int:
    """Bytes by which the memory of this process grows at most while it works."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def per_voxel(name: str) -> float:
    """Measured bytes per voxel of a network over what the formula says."""
    net = NETS[name]
    member = fuse_batchnorm(build_net(net))
    member = member.to(memory_format=torch.channels_last_3d if net.ndim == 3 else torch.channels_last)  # type: ignore
    image = torch.randn(1, 1, *(SIDE[net.ndim],) * net.ndim)

    def look(x: torch.Tensor) -> object:
        return member.branch_logits(x) if net.branches else member(x)  # type: ignore[operator]

    with torch.inference_mode():
        look(image[(..., *(slice(0, 32 if net.ndim == 3 else 128),) * net.ndim)].contiguous())  # what is loaded once
        measured = peak_of(lambda: look(image)) / image.numel()
    return measured / tiling.bytes_per_voxel(net, max(1, len(net.branches)))


def scan(stages: int, width: int, shape: Sequence[int], views: int) -> None:
    """Predict a whole scan, and tell the peak beside the budget."""
    net = NetSpec("unet", 3, 1, 3, tuple(min(width * 2**k, 64) for k in range(stages)), (ONE, *(TWO,) * (stages - 1)))
    torch.manual_seed(0)
    predictor = Predictor([build_net(net)], Plan(net, (1.0,) * 3, (64,) * 3, 1))
    image = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float16)
    looks = [View(flip=axis) if axis else View() for axis in range(views)]
    budget = tiling.tile_budget()
    cut = tiling.choose_cut(tuple(shape), net, budget, views)
    begin = time.process_time()

    def run() -> None:
        for _ in predictor.parts(image, looks):
            pass

    predictor.probabilities(image[:, :32, :32, :32])
    peak = peak_of(run)
    by_formula = np.prod(cut.size, dtype=float) * tiling.bytes_per_voxel(net, views)
    whole = np.prod(shape, dtype=float) * tiling.bytes_per_voxel(net, views)
    print(
        f"{stages} stages, {width} channels, {views} look(s), {tuple(shape)}: tiles {cut.size}, margin {cut.margin}; "
        f"peak {peak / 1e9:.2f} GB, by the formula {by_formula / 1e9:.2f} GB (budget {budget.most / 1e9:.1f} GB, "
        f"in one tile {whole / 1e9:.1f} GB); {time.process_time() - begin:.0f} s CPU"
    )


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["networks", "network", "scan"])
    parser.add_argument("--name", choices=NETS)
    parser.add_argument("--stages", type=int, default=5)
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--views", type=int, default=1)
    parser.add_argument("--shape", type=int, nargs=3, default=[300, 512, 512])
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "networks":
        for name in NETS:
            subprocess.run([sys.executable, __file__, "network", "--name", name], check=True)
    elif given.what == "network":
        print(f"{given.name:25} measured / formula: {per_voxel(given.name):.2f}", flush=True)
    else:
        scan(given.stages, given.width, given.shape, given.views)


if __name__ == "__main__":
    main()
