"""Doubtful regions: the same places for the same maps, in an order and with reasons that can be explained."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medssl.selection.regions import LEVEL, MOST, Regions, find_regions

NAMES = {1: "liver", 2: "spleen"}
SHAPE = (12, 20, 24)


def made(seed: int, flat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A proposal of some boxes and a map of doubt of some blobs."""
    rng = np.random.default_rng(seed)
    shape = SHAPE[1:] if flat else SHAPE
    labels, doubt = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    for _ in range(rng.integers(0, 5)):
        low = [int(rng.integers(0, n - 2)) for n in shape]
        box = tuple(slice(a, a + int(rng.integers(1, 9))) for a in low)
        labels[box] = rng.integers(1, 3)
    for _ in range(rng.integers(0, 5)):
        low = [int(rng.integers(0, n - 2)) for n in shape]
        box = tuple(slice(a, a + int(rng.integers(1, 9))) for a in low)
        doubt[box] = rng.uniform(0.05, 1, doubt[box].shape)
    return labels, doubt


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_regions_are_places_apart_in_order_of_their_expected_error(seed: int, flat: bool) -> None:
    labels, doubt = made(seed, flat)
    spacing = (1.5, 0.5) if flat else (3.0, 1.5, 0.5)
    regions = find_regions(labels, doubt, spacing, NAMES)
    again = find_regions(labels.copy(), doubt.copy(), spacing, NAMES)
    assert again.found == regions.found
    assert len(regions.found) == len(regions.places) <= MOST
    assert [one.number for one in regions.found] == list(range(1, len(regions.found) + 1))
    assert len({one.key for one in regions.found}) == len(regions.found)
    for one, other in pairwise(regions.found):
        assert one.expected_error >= other.expected_error > 0
    together = np.concatenate(regions.places) if regions.places else np.array([], int)
    assert len(np.unique(together)) == len(together), "no voxel is in two regions"
    for region, places in zip(regions.found, regions.places, strict=True):
        at = np.stack(np.unravel_index(places, labels.shape))
        assert region.box == tuple((a.min(), a.max() + 1) for a in at)
        assert np.ravel_multi_index(region.centre, labels.shape) in places
        assert region.voxels == len(places)
        assert region.volume == region.voxels * np.prod(spacing)
        here = labels.reshape(-1)[places]
        if "island" in region.reason:
            assert region.value in here
        else:
            assert (doubt.reshape(-1)[places] >= LEVEL).all()
        assert region.value == 0 or NAMES[region.value] in region.reason


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_where_the_scan_ends_does_not_matter(seed: int, more: int) -> None:
    labels, doubt = made(seed)
    inner = tuple(slice(2, n - 2) for n in SHAPE)
    still, calm = np.zeros_like(labels), np.zeros_like(doubt)
    still[inner], calm[inner] = labels[inner], doubt[inner]
    before = find_regions(still, calm, (1.0, 1.0, 1.0), NAMES)
    after = find_regions(np.pad(still, more), np.pad(calm, more), (1.0, 1.0, 1.0), NAMES)
    assert [(one.voxels, one.reason) for one in after.found] == [(one.voxels, one.reason) for one in before.found]
    assert [tuple(c - more for c in one.centre) for one in after.found] == [one.centre for one in before.found]


def ball() -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros((20, 60, 20), np.uint8)
    labels[5:15, 5:55, 5:15] = 1
    return labels, np.zeros(labels.shape, np.float32)


def reasons(regions: Regions) -> list[str]:
    return [one.reason for one in regions.found]


def test_nothing_in_doubt_is_nothing_to_look_at() -> None:
    labels, doubt = ball()
    assert find_regions(labels, doubt, (1.0,) * 3, NAMES).found == ()
    assert find_regions(labels * 0, doubt, (1.0,) * 3, NAMES).found == ()


def test_an_island_is_told_as_a_whole_even_where_the_model_is_sure_of_it() -> None:
    labels, doubt = ball()
    labels[1:3, 1:3, 1:4] = 1
    regions = find_regions(labels, doubt, (1.0,) * 3, NAMES)
    assert reasons(regions) == ["a separate island of 12 voxels of liver"]
    assert regions.found[0].box == ((1, 3), (1, 3), (1, 4))
    two = np.zeros((4, 20, 4), np.uint8)
    two[1:3, 1:9, 1:3] = two[1:3, 12:19, 1:3] = 1
    assert find_regions(two, np.zeros(two.shape, np.float32), (1.0,) * 3, NAMES).found == (), "two lungs are no islands"


def test_where_nothing_is_proposed_nothing_is_far_from_it() -> None:
    doubt = np.zeros_like(ball()[1])
    doubt[8:12, 28:32, 8:12] = 0.8
    found = find_regions(np.zeros(doubt.shape, np.uint8), doubt, (1.0,) * 3, NAMES)
    assert set(reasons(found)) == {"something may have been missed here: the model is unsure"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (np.s_[8:12, 28:32, 8:12], "the border between liver and spleen is unsure"),
        (np.s_[8:12, 3:7, 8:12], "the edge of liver is unsure; it is an end of liver"),
        (np.s_[8:12, 15:19, 3:7], "the edge of liver is unsure"),
        (np.s_[8:12, 40:43, 1:5], "spleen may reach further here"),
        (np.s_[8:12, 40:43, 8:12], "the inside of spleen is unsure; the model's opinions differ"),
        (np.s_[0:3, 15:19, 0:3], "something may have been missed here: the model is unsure, far from all"),
    ],
)
def test_reasons_say_what_is_where(where: tuple[slice, ...], expected: str) -> None:
    labels, doubt = ball()
    labels[5:15, 30:55, 5:15] = 2
    doubt[where] = 0.8
    differ = np.zeros_like(doubt)
    differ[8:12, 40:43, 8:12] = 0.5
    told = reasons(find_regions(labels, doubt, (1.0,) * 3, NAMES, disagreement=differ))
    assert len(told) == 1
    assert told[0].startswith(expected)
    assert ("end" in told[0]) == ("end" in expected)
    assert ("differ" in told[0]) == ("differ" in expected)


def test_doubt_all_round_an_organ_is_divided_into_places_one_can_look_at() -> None:
    labels, doubt = ball()
    doubt[4:16, 4:56, 4:16] = 0.5
    doubt[6:14, 6:54, 6:14] = 0
    regions = find_regions(labels, doubt, (1.0,) * 3, NAMES)
    assert 3 <= len(regions.found) <= MOST
    assert all(high - low <= 2 * 0.2 * 52 + 1 for one in regions.found for low, high in one.box)


def test_how_far_a_region_reaches_is_measured_in_millimetres() -> None:
    labels, doubt = ball()
    doubt[4:16, 4:56, 4:16] = 0.5
    spacing = np.array([8.0, 1.0, 1.0])
    regions = find_regions(labels, doubt, tuple(spacing), NAMES)
    reach = max(0.2 * 80, 3 * 8)
    for one in regions.found:
        sides = [(end - first - 1) * size for (first, end), size in zip(one.box, spacing, strict=True)]
        assert max(sides) <= 2 * reach, one.number
    assert len(regions.found) < 20, "thick slices count as much as they are thick"


def test_thin_noise_is_no_region() -> None:
    labels, doubt = ball()
    doubt[10, 30, 2] = 1.0
    assert find_regions(labels, doubt, (1.0,) * 3, NAMES).found == ()
