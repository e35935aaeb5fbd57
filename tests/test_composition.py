"""What was learnt before labelling begins every training on labels: all methods, axes, networks and recipes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fixtures import finished, make_project, run_inline
from torch import Tensor, nn

from napari_medssl.errors import SpecError
from napari_medssl.inference.model import MODEL, load_model, save_model
from napari_medssl.methods.catalog import CATALOG, MethodInfo, method_info
from napari_medssl.methods.options import NETWORKS
from napari_medssl.project import Project
from napari_medssl.runs.events import PhaseStarted, RunEvent, RunStarted, Warned
from napari_medssl.runs.request import make_spec
from napari_medssl.runs.spec import Plan, RunSpec, read_spec
from napari_medssl.runs.status import fold
from napari_medssl.training.budget import PhaseBudget
from napari_medssl.training.cache import Cache
from napari_medssl.training.engine import Engine
from napari_medssl.training.resolve import options_of, resolve
from napari_medssl.training.taking_over import take_over, transfer_text

BEFORE = [name for name, info in CATALOG.items() if not info.segments]
AFTER = [name for name, info in CATALOG.items() if info.segments]
SHAPE = {"3d": (34, 30, 18), "raster": (40, 36), "thick": (34, 30, 5)}
QUICK: dict[str, Any] = {"threads": 1, "batch": 1, "precision": "float32"}
OPTIONS: dict[str, dict[str, Any]] = {
    "desd": {"hidden": 8, "bottleneck": 4, "outputs": 16},
    "pcrlv2": {"local_views": 1, "least_scans": 2},
}


def shrunk(info: MethodInfo) -> MethodInfo:
    """A method whose published recipe is the same, with a sixteenth of the channels and small patches."""

    def paper(ndim: int) -> dict[str, Any]:
        recipe = info.paper(ndim)
        axes = len(recipe["patch"])
        small: dict[str, Any] = {
            "widths": [width // 16 or 1 for width in recipe["widths"]], "patch": [32] * axes, "batch": 2,
        }  # fmt: skip
        small |= {"patch": [32, 32, 16]} if axes == 3 else {}
        small |= {"window_step": [16] * axes} if recipe.get("window_step") else {}
        small |= OPTIONS.get(info.name, {}) | ({"chunk": 0} if info.name == "desd" else {})
        return recipe | small

    return replace(info, paper=paper)


@pytest.fixture(scope="module", autouse=True)
def small_recipes() -> Iterator[None]:
    from napari_medssl.training import machine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "_fastest", lambda cores: (1, False))
        for name, info in list(CATALOG.items()):
            patch.setitem(CATALOG, name, shrunk(info))
        yield


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    return {kind: make_project(tmp_path_factory.mktemp(kind), kind, shape=shape) for kind, shape in SHAPE.items()}


@dataclass(frozen=True)
class Start:
    """A run before labelling that came to its end."""

    project: Project
    run: str
    plan: Plan
    state: Mapping[str, Tensor]


def learn_before(project: Project, method: str, network: str) -> Start:
    """One step of a method before labelling; `network` is "planned", "folded", "published" or another method."""
    preset = "paper" if network == "published" else "auto"
    settings = {**QUICK, **OPTIONS[method]} if preset == "auto" else {"threads": 1}
    folded = {"widths": [6, 8], "strides": [[2, 2, 2], [2, 2, 2]]}
    settings |= {"planned": {"widths": [4, 8, 8]}, "folded": folded, "published": {}}.get(network, {"network": network})
    spec = make_spec(project, method, steps=1, device="cpu", preset=preset, settings=settings)  # type: ignore[arg-type]
    events = run_inline(project, spec.run)
    assert finished(events).reason == "completed", finished(events).message
    plan = read_spec(project.run_folder(spec.run)).plan
    assert plan is not None
    return Start(project, spec.run, plan, load_model(project.run_folder(spec.run))[0][0])


STARTS = [
    *(
        (kind, method, network)
        for kind in ("3d", "raster")
        for method in BEFORE
        for network in ("planned", "published", "bcp", "cdma", *(other for other in BEFORE if other != method))
    ),
    *(("3d", method, "folded") for method in BEFORE),
    *(("thick", method, "planned") for method in BEFORE),
]


@pytest.fixture(scope="module", params=STARTS, ids="-".join)
def start(request: pytest.FixtureRequest, projects: dict[str, Project]) -> Start:
    kind, method, network = request.param
    return learn_before(projects[kind], method, network)


def ask(start: Start, method: str, preset: str = "auto", **settings: Any) -> RunSpec:
    """The resolved spec of a run that begins with another."""
    usual = QUICK if preset == "auto" else {"threads": 1}
    asked: Any = {"preset": preset, "settings": {**usual, **settings}, "start_from": start.run}
    return resolve(make_spec(start.project, method, steps=1, device="cpu", propose=(), **asked), start.project)


def go_on(project: Project, method: str, run: str, steps: int = 1, **settings: Any) -> tuple[str, list[RunEvent]]:
    """A run that begins with another and proposes for a case, and what it said."""
    asked: Any = {"settings": {**QUICK, **settings}, "start_from": run, "propose": ("case-3",)}
    spec = make_spec(project, method, steps=steps, device="cpu", **asked)
    events = run_inline(project, spec.run)
    assert finished(events).reason == "completed", finished(events).message
    return spec.run, events


def begin(start: Start, spec: RunSpec) -> tuple[Any, str]:
    """Its learner, and what was said to have been taken over."""
    assert spec.plan is not None
    learner = method_info(spec.method).load().learner(options_of(spec), spec.plan.net)
    return learner, take_over(spec, start.project, learner)


def train(start: Start, spec: RunSpec, learner: Any) -> None:
    """One step."""
    assert spec.plan is not None
    phases = method_info(spec.method).load().phases(options_of(spec), spec.plan)[:1]
    folder, cache = start.project.run_folder(spec.run), Cache(start.project, spec.plan)
    for part in learner.modules():  # of a single channel, dropout may leave nothing to learn from
        if isinstance(part, nn.Dropout2d | nn.Dropout3d):
            part.p = 0.0
    engine = Engine(replace(spec, held_out=()), folder, cache, learner, phases, [PhaseBudget(steps=1)], {})
    list(engine.train(lambda: None, resume=False))


def encoders(learner: Any) -> list[nn.Module]:
    """Of the student, and of its average where there is one."""
    return [net.encoder for net in (learner.student, learner.average) if hasattr(net, "encoder")]


@pytest.mark.parametrize("preset", ["auto", "paper"])
@pytest.mark.parametrize("method", AFTER)
def test_every_training_on_labels_begins_with_it(start: Start, method: str, preset: str) -> None:
    spec = ask(start, method, preset)
    learner, told = begin(start, spec)
    averaged = method != "cdma" or preset == "auto"
    assert len(encoders(learner)) == 1 + averaged
    for encoder in encoders(learner):
        begun = encoder.state_dict(prefix="encoder.")
        assert begun.keys() == start.state.keys()
        assert all(torch.equal(begun[name], value) for name, value in start.state.items())
    count = {name: value.numel() for name, value in learner.student.named_parameters()}
    share = sum(n for name, n in count.items() if name.startswith("encoder.")) / sum(count.values())
    assert f"learnt: the encoder, {round(100 * share)} % of the network's weights. New: the " in told
    before = [copy.deepcopy(encoder) for encoder in encoders(learner)]
    train(start, spec, learner)
    for old, new in zip(before, encoders(learner), strict=True):
        pairs = zip(old.parameters(), new.parameters(), strict=True)
        changed = [not torch.equal(a, b) for a, b in pairs if a.ndim > 1]
        assert sum(changed) > 0.8 * len(changed)
    fits(start, spec)


def fits(start: Start, spec: RunSpec) -> None:
    """The plan is that of the start where it must be, and all of it goes together."""
    plan, old = spec.plan, start.plan
    assert plan is not None
    net = replace(plan.net, classes=old.net.classes, branches=old.net.branches, dropout=0.0, third_norm=False)
    assert net == replace(old.net, dropout=0.0, third_norm=False)
    for name in ("spacing", "slice_axis", "normalisation", "clip", "mean", "sd"):
        assert getattr(plan, name) == getattr(old, name)
    assert plan.net.fit(plan.patch) == plan.patch
    assert (plan.window_step is not None) >= plan.net.sees_whole_input
    recipe = method_info(spec.method).paper(plan.net.ndim)
    assert plan.net.dropout == (recipe["dropout"] if spec.preset == "paper" else 0.0)
    if spec.preset == "paper":
        assert options_of(spec).learning_rate == recipe["learning_rate"]
        if len(recipe["patch"]) == plan.net.ndim:
            assert plan.patch == plan.net.fit(recipe["patch"])
        if plan.augmentation == "tiles":
            assert (plan.net.ndim, plan.normalisation) == (2, "range")


@pytest.mark.parametrize("kind", SHAPE)
@pytest.mark.parametrize("name", CATALOG)
def test_a_published_network_is_asked_for_by_its_method(projects: dict[str, Project], kind: str, name: str) -> None:
    """And whoever begins with it can follow that method's recipe to the letter."""
    project, info = projects[kind], method_info(name)
    published = resolve(make_spec(project, name, steps=1, preset="paper", settings={"threads": 1}), project).plan
    assert published is not None
    for method in CATALOG:
        asked = make_spec(project, method, steps=1, settings={"network": name, "threads": 1, "precision": "float32"})
        plan = resolve(asked, project).plan
        assert plan is not None
        for field in ("architecture", "ndim", "widths", "strides", "norm"):
            assert getattr(plan.net, field) == getattr(published.net, field)
        assert plan.normalisation == published.normalisation
        assert plan.net.fit(plan.patch) == plan.patch
    for method in BEFORE:  # as published, too, but for the network
        settings = {"network": name, "threads": 1}
        spec = resolve(make_spec(project, method, steps=1, preset="paper", settings=settings), project)
        assert spec.plan is not None
        assert spec.plan.net.architecture == info.paper(spec.plan.net.ndim)["architecture"]
        assert options_of(spec).learning_rate == method_info(method).paper(spec.plan.net.ndim)["learning_rate"]


def test_every_method_has_a_network() -> None:
    assert ("auto", *CATALOG) == NETWORKS


@pytest.fixture(scope="module")
def planned(projects: dict[str, Project]) -> Start:
    return learn_before(projects["raster"], "desd", "planned")


class TestWhatIsSaid:
    def test_with_the_first_phase_and_kept_by_the_status(self, planned: Start) -> None:
        _, events = go_on(planned.project, "bcp", planned.run, 4, warmup_share=0.5)
        said = [event.begins_with for event in events if isinstance(event, PhaseStarted)]
        assert said[0].startswith(f"Begins with what run {planned.run} (DeSD) learnt: the encoder, ")
        assert said[0].endswith(" % of the network's weights. New: the decoder.")
        assert said[1:] == ["", ""]
        assert fold(events).begins_with == said[0]
        again = [replace(events[0], resumed_step=2), PhaseStarted(phase="p", title="t", index=1)]  # type: ignore[call-arg]
        assert fold(again, fold(events)).begins_with == said[0]
        assert not [event for event in events if isinstance(event, Warned) and planned.run in event.message]

    def test_on_the_command_line(self, planned: Start, capsys: pytest.CaptureFixture[str]) -> None:
        from napari_medssl.cli import main

        arguments = [
            "train", str(planned.project.root), "--method", "supervised", "--steps", "1", "--device", "cpu",
            "--start-from", planned.run, "--set", "threads=1", "batch=1", "precision=float32", "--propose", "none",
        ]  # fmt: skip
        for more in ([], ["--dry-run"]):
            assert main([*arguments, *more]) == 0
            told = " ".join("".join(capsys.readouterr()).split())
            assert f"Begins with what run {planned.run} (DeSD) learnt: the encoder," in told
            assert main([*arguments, *more, "--json"]) == 0
            assert json.loads(capsys.readouterr().out)["begins_with"].startswith("Begins with what run")

    def test_what_a_recipe_left_to_the_model(self, planned: Start) -> None:
        for preset, wanted in (("auto", False), ("paper", True)):
            _, told = begin(planned, ask(planned, "bcp", preset))
            words = f"As published but for the network and the scaling of values, which {planned.run} decides."
            assert told.endswith(words) == wanted

    def test_a_learner_without_labels_may_begin_with_anything(self, planned: Start) -> None:
        labels, _ = go_on(planned.project, "supervised", planned.run)
        before = replace(planned, run=labels)
        for method in BEFORE:
            spec = ask(planned, method, **OPTIONS[method])
            learner, told = begin(planned, spec)
            assert told.endswith("learnt: the encoder, all of the network's weights.")
            state = learner.members()[0].state_dict()
            assert all(torch.equal(state[name], value) for name, value in planned.state.items())
            _, told = begin(before, ask(before, method, **OPTIONS[method]))
            assert told.endswith(
                f"run {labels} learnt: the encoder, all of the network's weights. Not needed: the decoder."
            )

    def test_parts_of_parts(self) -> None:
        net = nn.ModuleDict({"encoder": nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)]), "decoder": nn.Linear(2, 2)})
        state = {"encoder.0.weight": torch.ones(2, 2), "decoder.bias": torch.ones(2), "projector.0": torch.ones(1)}
        left = sorted((net.state_dict().keys() | state.keys()) - {"encoder.0.weight", "decoder.bias"})
        assert transfer_text(net, left, state) == (
            "part of the encoder and part of the decoder, 33 % of the network's weights. New: the rest of the encoder "
            "and the rest of the decoder. Not needed: the projector."
        )
        assert transfer_text(net, [], {}) == "the encoder and the decoder, all of the network's weights."


class TestWhatIsRefused:
    @pytest.mark.parametrize("preset", ["auto", "paper"])
    @pytest.mark.parametrize(
        "setting",
        [{"network": "cdma"}, {"architecture": "mtnet"}, {"norm": "group"}, {"widths": [4, 8]}, {"spacing": [2.0, 2.0]},
         {"normalisation": "range"}, {"sd": 3.0}],
    )  # fmt: skip
    def test_what_a_person_set_by_hand(self, planned: Start, preset: str, setting: dict[str, Any]) -> None:
        with pytest.raises(SpecError) as caught:
            ask(planned, "bcp", preset, **setting)
        (name,) = setting
        assert f": {name} cannot change when starting from a model. Start without it." in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_what_a_person_set_as_it_is_anyway(self, planned: Start) -> None:
        same = {"architecture": "unet", "widths": [4, 8, 8], "norm": "batch", "network": "auto"}
        assert ask(planned, "bcp", "paper", **same).plan is not None

    def test_a_model_of_which_nothing_fits(self, planned: Start) -> None:
        """A file that was changed by hand is found out before anything is learnt."""
        folder, (state, info) = planned.project.run_folder(planned.run), load_model_of(planned)
        kept = (folder / MODEL).read_bytes()
        other = nn.ParameterDict({name.replace(".", "_"): nn.Parameter(torch.ones(3)) for name in state})
        save_model(folder, [other], info)
        try:
            spec = make_spec(planned.project, "supervised", steps=1, start_from=planned.run, settings={"threads": 1})
            events = run_inline(planned.project, spec.run)
        finally:
            (folder / MODEL).write_bytes(kept)
        assert [type(event) for event in events[:1]] == [RunStarted]
        assert not [event for event in events if isinstance(event, PhaseStarted)]
        assert finished(events).message.startswith(f"Nothing of the model of run {planned.run} fits")


def load_model_of(start: Start) -> tuple[dict[str, Tensor], dict[str, Any]]:
    (state, *_), info = load_model(start.project.run_folder(start.run))
    return state, {name: value for name, value in info.items() if name != "members"}


def statistics(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.named_buffers() if "running" in name}


@pytest.mark.parametrize(("kind", "network"), [("raster", "planned"), ("raster", "cdma"), ("3d", "bcp")])
@pytest.mark.parametrize("norm", ["batch", "frozen"])
def test_statistics_stay_where_they_are_to_be_kept(
    projects: dict[str, Project], kind: str, network: str, norm: str
) -> None:
    """As CDMA's authors keep those of their pre-trained encoder; a fresh decoder has none to keep."""
    start = learn_before(projects[kind], "pcrlv2", network)
    spec = ask(start, "supervised", norm=norm)
    learner, _ = begin(start, spec)
    learnt = {name: value for name, value in start.state.items() if "running" in name}
    before = statistics(learner.student)
    assert all(torch.equal(before[name], value) for name, value in learnt.items())
    assert not all(torch.all(value == round(float(value.mean()))) for value in learnt.values()), "nothing was learnt"
    train(start, spec, learner)
    for net in (learner.student, learner.average):
        moved = {name.split(".")[0] for name, value in statistics(net).items() if not torch.equal(value, before[name])}
        assert ("encoder" in moved) == (norm == "batch")
        assert ("decoder" in moved) == (network != "cdma")  # its decoders have none


def test_scans_smaller_than_a_stride_are_predicted(tmp_path: Path) -> None:
    """Instance norm cannot do with a single voxel at the deepest stage."""
    project = make_project(tmp_path, "3d", shape=(16, 18, 10))
    start = learn_before(project, "desd", "published")
    go_on(project, "supervised", start.run)
    assert project.case("case-3").latest_proposal() is not None
