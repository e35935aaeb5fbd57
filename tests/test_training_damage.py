"""Models, states and cached arrays are what was written, or they are not used."""

from __future__ import annotations

import json
import math
import random
import shutil
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from fixtures import SPACING, finished, make_project, quick_spec, run_inline
from safetensors.torch import save_file

from napari_medssl.errors import RunError, SpecError
from napari_medssl.inference.model import MODEL, load_deployed, load_model
from napari_medssl.inference.tensor_file import load_tensors, save_tensors
from napari_medssl.inspection.findings import Inspection, Picture, read_findings, write_findings
from napari_medssl.inspection.networks import load_encoder
from napari_medssl.project import Project
from napari_medssl.runs.spec import read_spec, write_spec
from napari_medssl.training.cache import Cache
from napari_medssl.training.checkpoint import read_progress
from napari_medssl.training.kept import is_kept, read_kept
from napari_medssl.training.resolve import resolve

TENSORS = {
    "0/a": torch.arange(24.0).reshape(2, 3, 4),
    "0/half": torch.ones(5, dtype=torch.bfloat16),
    "0/count": torch.tensor(7),
    "0/none": torch.zeros(0, 3),
}


def flipped(data: bytes, at: int) -> bytes:
    bad = bytearray(data)
    bad[at // 8] ^= 1 << at % 8
    return bytes(bad)


@pytest.mark.parametrize("only_text", [False, True])
def test_a_flipped_bit_of_a_model_is_refused_or_changes_nothing(tmp_path: Path, only_text: bool) -> None:
    path = tmp_path / MODEL
    save_tensors(path, TENSORS, json.dumps({"members": 1}))
    good = path.read_bytes()
    refused = 0
    for at in range(0, len(good) * 8, 5):
        path.write_bytes(flipped(good, at))
        try:
            found, meta = load_tensors(path, tensors=not only_text)
        except RunError:
            refused += 1
            continue
        assert meta == json.dumps({"members": 1})
        assert only_text or all(torch.equal(found[name], value) for name, value in TENSORS.items())
    if not only_text:
        assert refused > len(good) * 8 / 5 / 2


def test_a_model_without_a_checksum_is_loaded(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / MODEL, {"medssl": json.dumps({"members": 1})})
    (state,), _ = load_model(tmp_path)
    assert torch.equal(state["a"], TENSORS["0/a"])


@pytest.mark.parametrize("members", [10**9, "x", None, 2, 0])
def test_a_header_that_claims_other_networks_takes_no_memory(tmp_path: Path, members: object) -> None:
    save_file({"0/a": torch.zeros(2)}, tmp_path / MODEL, {"medssl": json.dumps({"members": members})})
    tracemalloc.start()
    with pytest.raises(RunError, match="damaged"):
        load_model(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "value"),
    [("phase", math.inf), ("step", 1.5), ("step", -1), ("phase_step", True), ("seconds", math.nan), ("best", "x")],
)
def test_a_state_that_stands_nowhere_is_refused(tmp_path: Path, name: str, value: object) -> None:
    progress = {"step": 1, "phase": 0, "phase_step": 1, "seconds": 1.0, "phase_seconds": 1.0, "best": None, "bad": 0}
    for values in (progress, {**progress, name: value}):
        save_tensors(tmp_path / "checkpoint.safetensors", TENSORS, json.dumps({"progress": values}))
        if values is progress:
            assert read_progress(tmp_path).step == 1
            continue
        with pytest.raises(RunError, match="does not say where the run stands"):
            read_progress(tmp_path)


@pytest.mark.parametrize("text", ["7", "[]", "{", "[" * 100_000, "{}"])
def test_a_header_that_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    save_tensors(tmp_path / MODEL, TENSORS, text)
    save_tensors(tmp_path / "checkpoint.safetensors", TENSORS, text)
    with pytest.raises(RunError, match="damaged"):
        load_model(tmp_path)
    with pytest.raises(RunError, match="damaged"):
        read_progress(tmp_path)


@pytest.mark.parametrize("data", [b"", b"x" * 20, struct.pack("<Q", 1 << 60) + b"{}", struct.pack("<Q", 2) + b"[]"])
def test_what_is_no_model_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / MODEL).write_bytes(data)
    with pytest.raises(RunError):
        load_tensors(tmp_path / MODEL)


# --- the cache


@pytest.fixture
def trained(tmp_path: Path, quick_machine: None) -> tuple[Project, Cache]:
    project = make_project(tmp_path, "raster")
    spec = quick_spec(project, "supervised", "raster", steps=2)
    assert finished(run_inline(project, spec.run)).reason == "completed"
    plan = read_spec(project.run_folder(spec.run)).plan
    assert plan is not None
    return project, Cache(project, plan)


def test_a_flipped_bit_in_the_cache_is_never_learnt_from(trained: tuple[Project, Cache]) -> None:
    _, cache = trained
    whole = np.array(cache.image("case-0"))
    path = cache.folder / "case-0.npy"
    good = path.read_bytes()
    draw = random.Random(0)
    for at in (*range(0, 128 * 8, 61), *(draw.randrange(len(good) * 8) for _ in range(40)), len(good) * 8 - 9):
        path.write_bytes(flipped(good, at))
        np.testing.assert_array_equal(cache.image("case-0"), whole)
        assert path.read_bytes() == good


@pytest.mark.parametrize("encoder", [False, True])
def test_a_spec_of_another_network_makes_none(tmp_path: Path, encoder: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path, "raster")
    run = quick_spec(project, "supervised", "raster", steps=1).run
    run_inline(project, run)
    folder = project.run_folder(run)
    spec = read_spec(folder)
    assert spec.plan is not None
    wide = replace(spec.plan, net=replace(spec.plan.net, widths=(4096, 4096)))  # 3 GB where it was made
    write_spec(folder, replace(spec, plan=wide))
    monkeypatch.setattr(torch.nn.Conv2d, "reset_parameters", not_on_a_device)
    with pytest.raises(RunError, match="the model does not fit its spec"):
        load_encoder(folder, wide) if encoder else load_deployed(folder, "cpu", 1, "float32")


def not_on_a_device(layer: torch.nn.Conv2d) -> None:
    assert layer.weight.is_meta


def test_patches_that_the_network_cannot_take_are_refused_when_a_run_is_resumed(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster")
    spec = resolve(quick_spec(project, "supervised", "raster", steps=1), project)
    assert spec.plan is not None
    bent = replace(spec.plan, net=replace(spec.plan.net, strides=((1, 2, 3), (2, 2))))
    with pytest.raises(SpecError, match="not those of a 2-D one"):
        resolve(replace(spec, plan=bent), project)
    for patch in ((16, 15), (16, 16, 16)):
        odd = replace(spec, plan=replace(spec.plan, patch=patch))
        with pytest.raises(SpecError, match=r"do not fit this run's network: .* multiples of \(2, 2\)"):
            resolve(odd, project)


@pytest.mark.parametrize("array", [np.arange(6.0), np.zeros((0, 4), np.int32), np.arange(6).reshape(2, 3)])
def test_the_cache_of_an_older_version_is_no_damage(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "a.npy"
    np.save(path, array)
    assert is_kept(path)
    assert read_kept(path, "of something") is None  # but not used
    for bad in (path.read_bytes()[:-1], path.read_bytes()[:90], b"", b"no array"):
        path.write_bytes(bad)
        assert not is_kept(path)


def test_another_scan_under_the_name_of_an_earlier_one_is_read_anew(trained: tuple[Project, Cache]) -> None:
    project, cache = trained
    before = np.array(cache.image("case-3"))
    shutil.rmtree(project.root / "cases" / "case-3")
    other = project.case("case-0").images[0]
    again = Project.open(project.root)
    again.add_case(other, name="case-3")
    fresh = Cache(again, cache._plan)
    assert not np.array_equal(fresh.image("case-3"), before)
    np.testing.assert_array_equal(fresh.image("case-3"), fresh.image("case-0"))


def test_labels_of_another_content_are_read_anew(trained: tuple[Project, Cache]) -> None:
    project, cache = trained
    spec = read_spec(project.run_folder(project.runs()[0]))
    one, other = spec.labelled
    labels = np.array(cache.labels(other))
    shutil.copy(cache.folder / f"{one.case}@{one.revision}.npy", cache.folder / f"{other.case}@{other.revision}.npy")
    np.testing.assert_array_equal(Cache(project, cache._plan).labels(other), labels)


@pytest.mark.parametrize("at", [1, 3])
def test_a_run_goes_on_when_the_cache_is_deleted(tmp_path: Path, quick_machine: None, at: int) -> None:
    project = make_project(tmp_path, "3d")
    spec = quick_spec(project, "bcp", "3d", steps=8, settings={"warmup_share": 0.3})
    from napari_medssl.runs.drivers import InlineDriver

    events = []
    for event in InlineDriver().run(project.root, spec.run):
        events.append(event)
        if len(events) >= at and (project.root / "cache").exists():
            shutil.rmtree(project.root / "cache")
    assert finished(events).reason == "completed"


def test_the_same_model_comes_of_a_damaged_cache(tmp_path: Path, quick_machine: None) -> None:
    models = []
    for damage in (False, True):
        project = make_project(tmp_path / str(damage), "3d")
        run_inline(project, quick_spec(project, "supervised", "3d", steps=1).run)
        for path in (project.root / "cache").rglob("*.npy") if damage else ():
            path.write_bytes(flipped(path.read_bytes(), path.stat().st_size * 4))
        spec = quick_spec(project, "supervised", "3d", steps=4)
        assert finished(run_inline(project, spec.run)).reason == "completed"
        models.append(load_tensors(project.run_folder(spec.run) / MODEL)[0])
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])


# --- other arrays


def test_a_picture_of_the_inside_of_a_model_that_changed_is_not_shown(tmp_path: Path) -> None:
    picture = Picture("edges", "features", "grey", "Edges", np.arange(60, dtype=np.float16).reshape(3, 4, 5))
    write_findings(tmp_path, Inspection("r", "c", 1, 3, (picture,)))
    assert len(read_findings(tmp_path).pictures) == 1
    path = tmp_path / "edges.npy"
    path.write_bytes(flipped(path.read_bytes(), path.stat().st_size * 8 - 30))
    with pytest.raises(RunError, match="no whole pictures"):
        read_findings(tmp_path)


def test_a_flipped_bit_of_an_origin_map_or_of_a_proposal_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    from napari_medssl.errors import BadFileError

    project = make_project(tmp_path, "3d")
    case = project.case("case-2")
    shape = case.grid.shape
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, shape).astype(np.uint8)
    case.save_proposal("bcp-001", labels, {"entropy": rng.random(shape)}, 0.5, {})
    case.save_labels(labels, author="x", origin="corrected", run="bcp-001")
    folder = case.proposals_folder / "bcp-001"
    (origins,) = case.labels_folder.glob("*.origin.nii.gz")
    proposal = case.latest_proposal()
    assert proposal is not None
    readers = {
        origins: lambda: case.read_origins(),
        folder / "labels.nii.gz": lambda: proposal.read_labels().array,
        folder / "entropy.nii.gz": lambda: proposal.read_map("entropy"),
    }
    draw = random.Random(1)
    for path, read in readers.items():
        good, whole = path.read_bytes(), np.array(read())
        noticed = 0
        for at in (*range(0, 80), *(draw.randrange(len(good) * 8) for _ in range(80))):
            path.write_bytes(flipped(good, at))
            try:
                found = read()
            except BadFileError:
                noticed += 1
                continue
            np.testing.assert_array_equal(found, whole)
        assert noticed > 60
        path.write_bytes(good)
    assert SPACING["3d"] == tuple(nibabel.load(origins).header.get_zooms()[:3])
