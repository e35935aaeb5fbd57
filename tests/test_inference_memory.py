"""Memory while proposing: per voxel of the scan, not per voxel and class and look at it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHAPE = (640, 100, 96)

#: Says by how many bytes per voxel of an int16 scan the memory grows at most. Tiles and slabs are as small beside the
#: scan as those of everyday size are beside a scan of 150 million voxels.
CHILD = """
import resource, sys
import nibabel as nib
import numpy as np
import torch
from napari_medssl.inference import case_space, predictor, tiling
from napari_medssl.inference.model import DeployedModel
from napari_medssl.inference.propose import propose_case
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project import ClassInfo, Project
from napari_medssl.runs.spec import Plan

root, coarser, *shape = sys.argv[1:]
shape, coarser = tuple(map(int, shape)), float(coarser)
tiling.BYTES_PER_TILE, case_space.BYTES_PER_SLAB = 20_000_000, 1_000_000

class Bands(torch.nn.Module):
    def forward(self, x):
        return torch.cat((-x.square(), 2 * x - 1, 4 * x - 4, -2 * x - 1), dim=1)

net = NetSpec("unet", 3, 1, 4, (4, 8), ((1, 1, 1), (2, 2, 2)))
plan = Plan(net, (coarser,) * 3, (16,) * 3, 2, normalisation="ct", clip=(-99, 99), mean=0.0, sd=33.0, single_piece=(1,))
ramp = np.linspace(-99, 99, shape[0]).astype(np.int16)[:, None, None]
nib.save(nib.Nifti1Image(np.broadcast_to(ramp, shape), np.eye(4)), root + "/scan.nii")
classes = tuple(ClassInfo(n, f"class {n}", "#e69f00", str(n)) for n in (1, 2, 3))
case = Project.create(root + "/project", classes=classes).add_case(root + "/scan.nii")
model = DeployedModel("made-001", [Bands(), Bands()], plan, (0, 1, 2, 3), ("a", "b", "c"), {})
torch.nn.functional.interpolate(torch.zeros(1, 1, 2, 2, 2), (4, 4, 4), mode="trilinear")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = propose_case(predictor.Predictor(model.members, plan), model, case)
case.save_proposal("made-001", found.labels, found.maps, found.score, {})
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert set(np.unique(found.labels)) == {0, 1, 2, 3}
print((peak - before) * 1024 / np.prod(shape))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is told in kilobytes on Linux only")
@pytest.mark.parametrize("coarser", [1.0, 2.0], ids=["as fine", "coarser"])
def test_memory_does_not_grow_with_classes_and_views(tmp_path: Path, coarser: float) -> None:
    """The scan takes 2 bytes per voxel, twice 4 on its way to network space, 2 there, labels 2 and maps 6: at most 18.
    Only the probabilities of three views of four classes would take 48."""
    words = [sys.executable, "-c", CHILD, str(tmp_path), str(coarser), *map(str, SHAPE)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "1000000"}
    told = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert told.returncode == 0, told.stderr
    assert float(told.stdout) < 26
