"""What is seen inside real runs of every method, against the networks asked directly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import make_project, quick_spec, run_inline

from napari_medssl.disk import read_json, write_json
from napari_medssl.errors import MedSSLError, RunError, SpecError
from napari_medssl.inference.model import load_deployed, load_model
from napari_medssl.inference.predictor import Predictor
from napari_medssl.inspection.attention import attention_of
from napari_medssl.inspection.features import feature_picture
from napari_medssl.inspection.inspect import inspect_case
from napari_medssl.inspection.look import model_folder, prepare
from napari_medssl.inspection.networks import fresh_encoder, load_encoder
from napari_medssl.inspection.opinions import agreement, opinion_names
from napari_medssl.inspection.restoring import restore, spoil, take_statistics
from napari_medssl.methods.pcrlv2 import make_views
from napari_medssl.nets.attention import ChannelAttention, SpatialAttention
from napari_medssl.nets.build import build_net
from napari_medssl.nets.mtnet import STRIDES
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project import Project
from napari_medssl.runs.request import make_predict_spec
from napari_medssl.runs.spec import Plan, read_spec
from napari_medssl.training.resolve import options_of

METHODS = ("supervised", "bcp", "cdma", "desd", "pcrlv2")


class Lab:
    """A project with a run of every method, and one that began with another."""

    def __init__(self, root: Path, kind: str, **shape: Any) -> None:
        self.project = make_project(root, kind, **shape)
        self.runs = {method: self.run(method, kind) for method in METHODS}
        self.runs["later"] = self.run("supervised", kind, start_from=self.runs["pcrlv2"])

    def run(self, method: str, kind: str, **asked: Any) -> str:
        spec = quick_spec(self.project, method, kind, steps=4, **asked)
        last = run_inline(self.project, spec.run)[-1]
        assert last.reason == "completed", last  # type: ignore[attr-defined]
        return spec.run

    def folder(self, which: str) -> Path:
        return self.project.run_folder(self.runs[which])

    def look(self, which: str, case: str = "case-2", **more: Any) -> Any:
        return prepare(self.project, self.runs[which], case, more.get("stage"), "cpu")

    def inspect(self, which: str, **more: Any) -> Any:
        return inspect_case(self.project, self.runs[which], "case-2", device="cpu", **more)


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lab]:
    return {
        "3d": Lab(tmp_path_factory.mktemp("volumes"), "3d"),
        "thick": Lab(tmp_path_factory.mktemp("slices"), "thick"),
        "raster": Lab(tmp_path_factory.mktemp("images"), "raster", channels=3),
    }


@pytest.fixture
def lab(labs: dict[str, Lab]) -> Lab:
    return labs["3d"]


@pytest.mark.parametrize("kind", ["3d", "thick", "raster"])
@pytest.mark.parametrize("which", [*METHODS, "later"])
def test_every_run_shows_what_it_has_and_says_what_it_has_not(labs: dict[str, Lab], kind: str, which: str) -> None:
    lab = labs[kind]
    grid = lab.project.case("case-2").grid
    found = lab.inspect(which)
    names = [picture.name for picture in found.pictures]
    assert len(set(names)) == len(names)
    groups = {picture.group for picture in found.pictures}
    expected = {
        "supervised": {"features", "predictions"},
        "bcp": {"features", "predictions"},
        "cdma": {"features", "predictions", "attention"},
        "desd": {"features"},
        "pcrlv2": {"features", "restoration"},
        "later": {"features", "predictions"},
    }[which]
    assert groups == expected
    assert len(found.missing) == 4 - len(expected)
    for group, words in (("restoration", "No restoration"), ("attention", "No attention"), ("predictions", "No pred")):
        assert (group in groups) != any(line.startswith(words) for line in found.missing)
    for picture in found.pictures:
        colours = picture.kind == "colours"
        assert picture.array.shape == (*grid.shape, 3) if colours else picture.array.shape == grid.shape
        assert picture.array.dtype == (np.float16 if picture.kind in ("grey", "heat") else np.uint8)
        assert np.isfinite(picture.array).all()
        assert picture.title
        assert picture.caption


def test_the_same_look_gives_the_same_pictures(lab: Lab) -> None:
    for which in ("cdma", "pcrlv2"):
        one, other = lab.inspect(which), lab.inspect(which)
        for a, b in zip(one.pictures, other.pictures, strict=True):
            np.testing.assert_array_equal(a.array, b.array)
            assert (a.name, a.title, a.caption) == (b.name, b.title, b.caption)


@pytest.mark.parametrize("which", METHODS)
def test_before_is_the_network_that_the_run_began_with(lab: Lab, which: str) -> None:
    """A run with steps too small to change anything is still where it began."""
    spec = quick_spec(lab.project, which, steps=1, seed=5, settings={"learning_rate": 1e-6, "weight_decay": 0.0})
    run_inline(lab.project, spec.run)
    folder = lab.project.run_folder(spec.run)
    resolved = read_spec(folder)
    assert resolved.plan is not None
    state = torch.random.get_rng_state()
    fresh = fresh_encoder(resolved).state_dict()
    assert torch.equal(torch.random.get_rng_state(), state), "nobody else's chance is changed"
    kept = load_encoder(folder, resolved.plan).state_dict()
    other = fresh_encoder(replace(resolved, seed=6)).state_dict()
    weights = [name for name in fresh if name.endswith("weight") and fresh[name].ndim > 1]
    assert weights
    for name in weights:
        torch.testing.assert_close(fresh[name], kept[name], atol=1e-4, rtol=0)
        assert not torch.allclose(fresh[name], other[name], atol=1e-2)


def test_the_encoder_is_the_deployed_one(lab: Lab) -> None:
    for which in METHODS:
        look = lab.look(which)
        states, _ = load_model(lab.folder(which))
        for name, value in load_encoder(lab.folder(which), look.plan).state_dict().items():
            assert torch.equal(value, states[0][f"encoder.{name}"])


def test_a_run_that_began_with_another_shows_that_one_as_before(lab: Lab) -> None:
    found = lab.inspect("later")
    first = lab.inspect("pcrlv2")
    before = next(p for p in found.pictures if p.name == "features-before")
    after = next(p for p in first.pictures if p.name == "features-after")
    assert lab.runs["pcrlv2"] in before.title
    np.testing.assert_array_equal(before.array, after.array)


def test_without_the_run_it_began_with_the_rest_is_shown(labs: dict[str, Lab], tmp_path: Path) -> None:
    lab = labs["3d"]
    folder = lab.folder("pcrlv2")
    folder.rename(tmp_path / "gone")
    try:
        found = lab.inspect("later")
    finally:
        (tmp_path / "gone").rename(folder)
    assert [p.name for p in found.pictures if p.group == "features"] == ["features-after"]
    assert any(line.startswith("No features before") for line in found.missing)


def test_a_stage_can_be_chosen(lab: Lab) -> None:
    usual, chosen = lab.inspect("bcp"), lab.inspect("bcp", stage=1)
    assert (usual.stage, chosen.stage, chosen.stages) == (2, 1, 2)
    look = lab.look("bcp", stage=1)
    expected = feature_picture(load_encoder(look.folder, look.plan), look.image, look.plan, 1)
    assert expected is not None
    assert chosen.facts["features"]["after"]["explained"] == pytest.approx(expected.components.explained, abs=1e-4)
    assert chosen.facts["features"]["after"] != usual.facts["features"]["after"]


def test_of_a_run_that_only_predicted_its_model_is_looked_at(lab: Lab) -> None:
    spec = make_predict_spec(lab.project, lab.runs["bcp"], ("case-3",), "cpu")
    assert model_folder(lab.project, spec.run) == lab.folder("bcp")


# --- predictions


@pytest.mark.parametrize("kind", ["3d", "thick", "raster"])
def test_each_opinion_is_that_of_its_network(labs: dict[str, Lab], kind: str) -> None:
    lab = labs[kind]
    for which, names in (("bcp", ["average", "student"]), ("cdma", ["csa", "sa", "ca"])):
        look = lab.look(which)
        assert opinion_names(look.spec, 2) == names
        found = {p.name: p.array for p in lab.inspect(which).pictures if p.group == "predictions"}
        assert list(found) == [f"says-{name}" for name in names]
        model = load_deployed(look.folder, "cpu", 1, "float32")
        if which == "bcp":
            probabilities = [Predictor(model.members, look.plan).probabilities(look.image, m).numpy() for m in (0, 1)]
        else:
            with torch.no_grad():
                image = torch.from_numpy(look.image.astype(np.float32))
                batch = image[None] if kind == "3d" else image.movedim(1, 0)
                pad = [p for n in batch.shape[:1:-1] for p in (0, n % 2)]
                logits = model.members[0].eval().branch_logits(torch.nn.functional.pad(batch, pad, mode="replicate"))
            probabilities = [z.softmax(1).numpy() for z in logits]
            probabilities = [p[0] if kind == "3d" else np.moveaxis(p, 0, 1) for p in probabilities]
            d, h, w = look.image.shape[1:]
            probabilities = [p[:, :d, :h, :w] for p in probabilities]
        for own, labels in zip(probabilities, found.values(), strict=True):
            own = own.argmax(axis=0)
            # the tests' scans are at the plan's spacing, straight, and sliced across the last axis
            own = own[0] if kind == "raster" else np.moveaxis(own, 0, 2) if kind == "thick" else own
            assert (own == labels).mean() > 0.999


def test_agreement_is_the_mean_dice_of_what_either_found() -> None:
    one, other = np.zeros((4, 10), np.uint8), np.zeros((4, 10), np.uint8)
    assert agreement(one, other) == 1.0
    one[0], other[0, :5] = 1, 1
    other[3] = 7
    assert agreement(one, other) == pytest.approx((2 * 5 / 15 + 0.0) / 2)


# --- attention


NETS = {
    "unet-3d": NetSpec("unet", 3, 1, 2, (4, 6, 8), ((1, 1, 1), (1, 2, 2), (2, 2, 2)), branches=("csa", "sa", "ca")),
    "vnet": NetSpec("vnet", 3, 1, 2, (4, 4, 4, 4, 4), ((1,) * 3, *((2,) * 3,) * 4), branches=("csa", "sa", "ca")),
    "mtnet": NetSpec("mtnet", 2, 1, 2, (4, 16, 32, 64, 128), STRIDES, branches=("csa", "sa", "ca")),
}


@pytest.mark.parametrize("name", NETS)
def test_maps_are_the_numbers_that_features_are_multiplied_by(name: str) -> None:
    """Read off what goes in and comes out of each gate, where the way in is not 0."""
    net = NETS[name]
    torch.manual_seed(0)
    made = build_net(net).eval()
    side = 32
    image = np.random.default_rng(0).normal(size=(1, side if net.ndim == 3 else 2, side, side)).astype(np.float32)
    plan = Plan(net=net, spacing=(1.0,) * 3, patch=(side,) * net.ndim, batch=1)
    passed: list[tuple[torch.Tensor, torch.Tensor]] = []
    gates = [gate for branch in net.branches for gate in made.gates_of(branch)]
    hooks = [g.register_forward_hook(lambda _, given, out: passed.append((given[0], out))) for g in gates]
    batch = torch.from_numpy(image)[None] if net.ndim == 3 else torch.from_numpy(image).movedim(1, 0)
    with torch.no_grad():
        made.branch_logits(batch)
    for hook in hooks:
        hook.remove()
    found = attention_of(made, image, plan)
    assert [a.branch for a in found] == [b for b in net.branches for _ in made.gates_of(b)]
    assert len(found) == len(passed)
    for gate, attention, (before, after) in zip(gates, found, passed, strict=True):
        ratio = torch.where(before.abs() > 1e-3, after / before, torch.nan) / gate.gain
        ratio = ratio[0] if net.ndim == 3 else ratio.movedim(0, 1)
        if isinstance(gate, SpatialAttention):
            assert attention.kind == "places"
            own, expected = attention.opened[0], ratio.nanmean(dim=0)
        else:
            assert isinstance(gate, ChannelAttention)
            assert attention.kind == "channels"
            own, expected = torch.from_numpy(attention.channels).float(), ratio.flatten(1).nanmean(dim=1)
            assert len(own) == before.shape[1]
            weighed = (after.abs().sum(1) / before.abs().sum(1).clamp_min(1e-6)) / gate.gain
            there = before.abs().sum(1) > 1e-3
            torch.testing.assert_close(
                attention.opened[0].reshape(there.shape)[there], weighed[there], atol=1e-4, rtol=1e-3
            )
        known = ~expected.isnan()
        assert known.any()
        torch.testing.assert_close(own[known], expected[known], atol=5e-3, rtol=1e-2)
        assert 0 <= float(attention.opened.min()) <= float(attention.opened.max()) <= 1


def test_the_published_networks_gates_are_told_apart(labs: dict[str, Lab]) -> None:
    lab = labs["raster"]
    network = {"architecture": "mtnet", "widths": [4, 16, 32, 64, 128], "strides": [list(two) for two in STRIDES]}
    found = inspect_case(lab.project, lab.run("cdma", "raster", settings=network), "case-2", device="cpu")
    titles = [picture.title for picture in found.pictures if picture.group == "attention"]
    assert len(set(titles)) == len(titles) == 6
    assert [bars.name for bars in found.bars] == [f"{branch}-channels-{n}" for branch in ("csa", "ca") for n in (1, 2)]
    assert [len(bars.values) for bars in found.bars] == [19, 16, 19, 16]
    assert all(bars.values == tuple(sorted(bars.values, reverse=True)) for bars in found.bars)


def test_gates_that_are_shut_are_said_to_be(labs: dict[str, Lab]) -> None:
    lab = labs["3d"]
    from napari_medssl.inference.tensor_file import load_tensors, save_tensors

    path = lab.folder("cdma") / "model.safetensors"
    tensors, meta = load_tensors(path)
    shut = next(n for n, v in tensors.items() if ".sa." in n and n.endswith("conv.weight") and v.shape[:2] == (1, 2))
    try:
        save_tensors(path, {**tensors, shut: tensors[shut] * 0 - 1000}, meta)
        pictures = {p.name: p for p in lab.inspect("cdma").pictures}
    finally:
        save_tensors(path, tensors, meta)
    assert pictures["sa-places-1"].caption == "shut everywhere"
    assert pictures["sa-places-1"].limits == (0.0, 1.0)
    assert pictures["csa-places-1"].caption.startswith("open from")


# --- restoration


@pytest.mark.parametrize("kind", ["3d", "thick", "raster"])
def test_what_is_restored_is_what_training_would_restore(labs: dict[str, Lab], kind: str) -> None:
    """A scan of the size of a view is one window, seen with its own statistics."""
    look = labs[kind].look("pcrlv2")
    options = options_of(look.spec)
    views = make_views(options, look.plan)
    depth = 1 if len(views.size) == 2 else None
    shape = views.size if depth is None else (depth, *views.size)
    image = np.random.default_rng(0).normal(size=(look.plan.net.in_channels, *shape)).astype(np.float32)
    found = restore(replace(look.spec, plan=look.plan), look.folder, image)
    np.testing.assert_array_equal(found.original, image)
    scans = torch.from_numpy(found.spoilt)
    scans = scans[None] if depth is None else scans.movedim(1, 0)
    from napari_medssl.inspection.networks import fresh_learner
    from napari_medssl.training.checkpoint import load_checkpoint

    learner: Any = fresh_learner(look.spec)
    load_checkpoint(look.folder, learner)
    with torch.no_grad():
        restored = learner.network.train()(scans, (), (), True).final
    restored = restored[0] if depth is None else restored.movedim(0, 1)
    count = np.prod(image.shape[1:])  # a batch's own variance is the biased one, the kept one is not
    np.testing.assert_allclose(found.restored, restored, atol=0.1 if count < 400 else 0.05)
    assert np.corrcoef(found.restored.ravel(), restored.numpy().ravel())[0, 1] > 0.99
    assert found.restored_error == pytest.approx(float(np.square(found.restored - image).mean()), rel=0.3)
    assert found.spoilt_error > 0


def test_a_scan_is_spoilt_as_densely_as_a_view(lab: Lab) -> None:
    look = lab.look("pcrlv2")
    views = make_views(options_of(look.spec), look.plan)
    plain = replace(views, pixels=replace(views.pixels, blur=0.0, noise=0.0, gamma=0.0))
    rng = np.random.default_rng(0)
    one = rng.normal(size=(1, *views.size)).astype(np.float32)
    large = rng.normal(size=(1, *(3 * n for n in views.size))).astype(np.float32)
    shares = [(np.not_equal(*spoil(plain, image, 3))).mean() for image in (one, large)]
    assert shares[0] == pytest.approx(shares[1], abs=0.05)
    assert 0.02 < shares[1] < 0.5
    original, spoilt = spoil(plain, large, 3)
    np.testing.assert_array_equal(original, large)
    np.testing.assert_array_equal(np.sort(original.ravel()), np.sort(spoilt.ravel()))
    np.testing.assert_array_equal(spoilt, spoil(plain, large, 3)[1])
    assert (spoilt != spoil(plain, large, 4)[1]).any()


@pytest.mark.parametrize("standardise", ["view", "imagenet"])
def test_a_spoilt_scan_is_in_the_unit_of_its_original(lab: Lab, standardise: str) -> None:
    look = lab.look("pcrlv2")
    views = replace(make_views(options_of(look.spec), look.plan), standardise=standardise)  # type: ignore[arg-type]
    image = np.random.default_rng(0).normal(0.5, 0.1, (1, *views.size)).astype(np.float32)
    original, spoilt = spoil(views, image, 0)
    assert abs(float(original.mean() - spoilt.mean())) < float(original.std())


def test_frozen_statistics_are_not_taken_anew() -> None:
    from napari_medssl.nets.blocks import make_norm

    for kind, kept in (("batch", False), ("frozen", True)):
        norm = make_norm(kind, 1, 3)  # type: ignore[arg-type]
        norm.running_mean.fill_(7.0)  # type: ignore[union-attr, operator]
        windows = [torch.full((1, 1, 2, 2, 2), float(n)) for n in range(4)]

        def run(batch: torch.Tensor, norm: torch.nn.Module = norm) -> torch.Tensor:
            return norm(batch)

        with torch.no_grad():
            take_statistics(norm, windows, run)
        assert float(norm.running_mean) == pytest.approx(7.0 if kept else 1.5)  # type: ignore[arg-type]
        assert not norm.training


def test_without_its_checkpoint_a_run_cannot_restore_but_shows_the_rest(lab: Lab, tmp_path: Path) -> None:
    checkpoint = lab.folder("pcrlv2") / "checkpoint.safetensors"
    checkpoint.rename(tmp_path / "gone")
    try:
        found = lab.inspect("pcrlv2")
    finally:
        (tmp_path / "gone").rename(checkpoint)
    assert [p.group for p in found.pictures] == ["features", "features"]
    assert any("checkpoint" in line for line in found.missing)


# --- refusals


def test_what_cannot_be_looked_at_is_refused_in_words(lab: Lab, labs: dict[str, Lab]) -> None:
    run = lab.runs["bcp"]
    with pytest.raises(SpecError, match="no run 'gone'"):
        inspect_case(lab.project, "gone", "case-2")
    with pytest.raises(MedSSLError, match="case-9"):
        inspect_case(lab.project, run, "case-9")
    for stage in (0, 3):
        with pytest.raises(SpecError, match=f"no stage {stage}.*1 .*to 2"):
            inspect_case(lab.project, run, "case-2", stage=stage)
    with pytest.raises(SpecError, match="does not fit the model"):
        inspect_case(lab.project, str(labs["raster"].folder("bcp")), "case-2")
    with pytest.raises(SpecError, match="There is no device"):
        inspect_case(lab.project, run, "case-2", device="cuda:7")


def test_a_run_without_a_model_is_refused(lab: Lab) -> None:
    spec = quick_spec(lab.project, "bcp")
    with pytest.raises(RunError, match="never got to train"):
        inspect_case(lab.project, spec.run, "case-2")
    (lab.project.run_folder(spec.run) / "spec.json").write_text((lab.folder("bcp") / "spec.json").read_text())
    with pytest.raises(RunError, match="no model"):
        inspect_case(lab.project, spec.run, "case-2")


def test_a_model_of_another_network_is_refused(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "bcp-001"
    folder.mkdir(parents=True)
    text = json.dumps(read_json(lab.folder("bcp") / "spec.json")).replace('"bcp"', '"desd"')
    wider = text.replace('"widths": [4, 8', '"widths": [4, 12')
    assert wider != text
    write_json(folder / "spec.json", json.loads(wider))
    (folder / "model.safetensors").write_bytes((lab.folder("bcp") / "model.safetensors").read_bytes())
    plan = read_spec(folder).plan
    assert plan is not None
    with pytest.raises(RunError, match="does not fit its spec"):
        load_encoder(folder, plan)


def test_a_project_on_disk_is_not_changed(lab: Lab) -> None:
    before = sorted(str(p) for p in Path(lab.project.root).rglob("*"))
    lab.inspect("cdma")
    assert sorted(str(p) for p in Path(lab.project.root).rglob("*")) == before
    assert isinstance(lab.project, Project)
