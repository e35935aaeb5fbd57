"""What decisions do to voxels, and how far a region has come, over random walks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_medssl.selection.regions import Regions, find_regions
from napari_medssl.ui.deciding import Part, changes_of, places_of, state_of

SHAPE = (6, 10, 10)
steps = st.lists(
    st.tuples(
        st.sampled_from(["accept", "reject", "redo", "paint", "undo", "napari redo"]),
        st.sampled_from(["region", "slice", "class", "case"]),
        st.integers(0, 9),
    ),
    max_size=12,
)


def a_proposal(seed: int) -> tuple[np.ndarray, Regions]:
    rng = np.random.default_rng(seed)
    labels, doubt = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.float32)
    labels[1:5, 2:7, 2:7] = 1
    labels[1:5, 7:9, 2:7] = 2
    doubt[0:3, 1:4, 1:4] = rng.uniform(0.4, 1)
    doubt[2:5, 6:9, 4:8] = rng.uniform(0.4, 1)
    return labels, find_regions(labels, doubt, (1.0, 1.0, 1.0), {1: "a", 2: "b"})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 500), steps)
def test_no_decision_touches_what_a_person_drew_and_undo_takes_all_back(seed: int, walk: list[Any]) -> None:
    """A random walk of decisions, strokes and undos on a real labels layer."""
    from napari.layers import Labels

    from napari_medssl.project.reviews import Decision, decide

    proposal, regions = a_proposal(seed)
    layer = Labels(np.full(SHAPE, 255, np.uint8))
    first = layer.data.copy()
    decisions: list[Decision] = []
    for verb, scope, number in walk:
        before = layer.data.copy()
        if verb == "undo":
            layer.undo()
        elif verb == "napari redo":
            layer.redo()
        elif verb == "paint":
            at = np.unravel_index((np.arange(120) + 50 * number) % layer.data.size, SHAPE)
            with layer.block_history():
                layer.data_setitem(at, number % 3)
        else:
            what = {
                "region": regions.found[number % len(regions.found)].key,
                "slice": f"{number % 3}/{number % 6}",
                "class": str(1 + number % 2),
                "case": "",
            }[scope]
            part = Part(scope, what)
            places, values = changes_of(verb, part, layer.data, proposal, regions, decisions)
            assert np.isin(places, places_of(part, regions, proposal)).all()
            if places.size:
                with layer.block_history():
                    layer.data_setitem(np.unravel_index(places, SHAPE), values)
            decisions.append(decide(verb, scope, what, "anna"))
            drawn = (before != 255) & (before != proposal)  # what nobody but a person can have put there …
            if verb == "redo" and any(one.verb == "reject" for one in decisions):
                drawn &= before != 0  # … but for background, which may come from rejecting
            np.testing.assert_array_equal(layer.data[drawn], before[drawn])
            if verb == "accept":
                np.testing.assert_array_equal(layer.data[before != 255], before[before != 255])
    while layer._undo_history:
        layer.undo()
    np.testing.assert_array_equal(layer.data, first)


values = st.lists(st.sampled_from([0, 1, 2, 255]), min_size=1, max_size=6)
verbs = st.lists(st.sampled_from(["accept", "reject", "redo", "correct"]), max_size=5)


@given(verbs, values, st.integers(0, 100))
def test_a_region_is_open_as_long_as_nobody_looked_at_part_of_it_or_drew_in_it(
    decided: list[Any], here: list[int], seed: int
) -> None:
    labels = np.array(here, np.uint8)
    proposed = np.random.default_rng(seed).integers(0, 3, len(here)).astype(np.uint8)
    state = state_of(decided, labels, proposed)
    if (labels == 255).all():
        assert state == "open"
    if (labels == 255).any():
        assert state in ("open", "corrected")
    if state == "accepted":
        assert (labels == proposed).all()
    if state == "rejected":
        assert not labels.any()
    if not decided:
        assert state == ("before" if (labels != 255).all() else "open")
    assert (state == "corrected") <= ("accept" in decided or "reject" in decided or "correct" in decided)
