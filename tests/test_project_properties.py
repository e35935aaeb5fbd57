"""Whatever a person, a run and a second window do in whatever order: the store remembers exactly that."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.names import check_name, natural_key, safe_name
from napari_medssl.project.origins import compare
from napari_medssl.project.revisions import new_revision_id

SHAPE = (3, 4, 5)
NAMES = ("a", "b")
MASKS = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).choice(np.array([0, 1, 2, 255], np.uint8), SHAPE)
)
CASES = st.sampled_from(NAMES)


class Annotating(RuleBasedStateMachine):
    """Two windows on one project, beside a plain list of what was saved."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="medssl-properties-"))
        project = Project.create(self.folder / "project", classes=[ClassInfo(1, "liver"), ClassInfo(2, "cyst")])
        for name in NAMES:
            scan = self.folder / f"{name}.nii"
            nibabel.save(nibabel.Nifti1Image(np.zeros(SHAPE, np.uint8), np.eye(4)), scan)
            project.add_case(scan)
        self.windows = [project, Project.open(project.root)]
        self.saved: dict[str, list[tuple[Any, np.ndarray]]] = {name: [] for name in NAMES}
        self.proposed: dict[str, dict[str, np.ndarray]] = {name: {} for name in NAMES}
        self.excluded: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    @rule(window=st.integers(0, 1), name=CASES, mask=MASKS, complete=st.booleans())
    def draw(self, window: int, name: str, mask: np.ndarray, complete: bool) -> None:
        case = self.windows[window].case(name)
        revision = case.save_labels(mask, author="me", origin="drawn", parent=case.latest(), complete=complete)
        self.saved[name].append((revision, mask.copy()))
        mask[:] = 0  # what was saved is no longer the caller's array

    @rule(window=st.integers(0, 1), name=CASES, mask=MASKS)
    def propose(self, window: int, name: str, mask: np.ndarray) -> None:
        run = self.windows[window].new_run_name("bcp")
        self.windows[window].case(name).save_proposal(run, mask % 255, {"entropy": mask / 255}, 0.5, {})
        self.proposed[name][run] = mask % 255

    @rule(window=st.integers(0, 1), name=CASES)
    def accept(self, window: int, name: str) -> None:
        case = self.windows[window].case(name)
        proposal = case.latest_proposal()
        if proposal is None:
            assert not self.proposed[name]
            return
        mask = proposal.read_labels().array
        revision = case.save_labels(mask, author="me", origin="accepted", run=proposal.run)
        assert revision.changes == {"added": 0, "removed": 0, "relabelled": 0}
        assert revision.dice_to_proposal in (1.0, None)
        self.saved[name].append((revision, mask.copy()))

    @rule(name=CASES)
    def refuse(self, name: str) -> None:
        with np.testing.assert_raises_regex(Exception, "belongs to no class"):
            self.windows[0].case(name).save_labels(np.full(SHAPE, 77), author="me", origin="drawn")

    @rule(window=st.integers(0, 1), name=CASES)
    def exclude_or_include(self, window: int, name: str) -> None:
        case = self.windows[window].case(name)
        if name in self.excluded:
            case.include()
        else:
            case.exclude("artefact")
        self.excluded ^= {name}

    @rule(window=st.integers(0, 1))
    def open_again(self, window: int) -> None:
        self.windows[window] = Project.open(self.folder / "project")

    @invariant()
    def everything_is_remembered(self) -> None:
        if not hasattr(self, "windows"):
            return
        for project in (*self.windows, Project.open(self.folder / "project")):
            for case in project.cases():
                saved = self.saved[case.name]
                assert case.revisions() == [revision for revision, _ in saved]
                assert case.latest() == (saved[-1][0] if saved else None)
                for revision, mask in saved:
                    np.testing.assert_array_equal(case.read_labels(revision.id).array, mask)
                assert [one.run for one in case.proposals()] == list(self.proposed[case.name])
                for proposal in case.proposals():
                    np.testing.assert_array_equal(proposal.read_labels().array, self.proposed[case.name][proposal.run])
        for case in Project.open(self.folder / "project").cases():
            assert case.status == self._status(case.name)

    def _status(self, name: str) -> str:
        if name in self.excluded:
            return "excluded"
        if self.saved[name]:
            return "labelled" if self.saved[name][-1][0].complete else "draft"
        return "proposed" if self.proposed[name] else "new"


TestAnnotating = Annotating.TestCase
TestAnnotating.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


@given(st.text(max_size=120))
def test_any_text_becomes_a_name_that_is_one(text: str) -> None:
    name = safe_name(text)
    assert check_name(name, "case") == name
    assert Path("/cases", name).parent == Path("/cases")


@given(st.lists(st.text(alphabet="ab019 ", min_size=1, max_size=6), max_size=8))
def test_names_sort_the_same_whatever_their_order_was(names: list[str]) -> None:
    assert sorted(names, key=natural_key) == sorted(reversed(names), key=natural_key)


@given(st.integers(0, 999), st.integers(0, 999))
def test_numbers_in_names_sort_as_numbers(one: int, other: int) -> None:
    assert (natural_key(f"case {one}") < natural_key(f"case {other}")) == (one < other)


@given(st.integers(1, 40))
def test_ids_rise_however_fast_they_are_made(count: int) -> None:
    ids: list[str] = []
    for _ in range(count):
        ids.append(new_revision_id(ids)[0])
    assert ids == sorted(set(ids))


@given(MASKS, MASKS)
def test_comparing_counts_every_voxel_that_was_looked_at(proposal: np.ndarray, labels: np.ndarray) -> None:
    compared = compare(proposal, labels)
    seen = (proposal != 255) & (labels != 255)
    assert sum(compared.changes.values()) == int((proposal[seen] != labels[seen]).sum())
    dices = [
        2 * ((proposal == value) & (labels == value))[seen].sum() / total
        for value in (1, 2)
        if (total := (proposal[seen] == value).sum() + (labels[seen] == value).sum())
    ]
    np.testing.assert_allclose(compared.dice, np.mean(dices))
