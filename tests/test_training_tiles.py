"""Tiles of tissue as CDMA's paper preset cuts and changes them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medssl.training.tile_augment import DEVIATION, augment_tile, tile_starts

SHAPE = (70, 100)


def an_image(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Each value occurs once, so that a tile says where it comes from."""
    image = np.random.default_rng(seed).permutation(3 * 7000).reshape(3, *SHAPE) / (3 * 7000) * 0.5
    return image, (image[0] * 1000 % 250).astype(np.uint8)


def test_tiles_lie_side_by_side_and_the_last_at_the_edge() -> None:
    assert tile_starts(100, 32) == [0, 32, 64, 68]
    assert tile_starts(96, 32) == [0, 32, 64]
    assert tile_starts(32, 32) == [0]
    assert tile_starts(20, 32) == [0]


def test_labels_go_with_their_pixels() -> None:
    image, labels = an_image()
    corners = set()
    for seed in range(60):
        tile, target = augment_tile(image, labels, (32, 32), np.random.default_rng(seed))
        assert (tile.shape, target.shape) == ((3, 32, 32), (32, 32))
        # in the order of brightness the tile is the window, whatever was done to it
        if tile.min() == 0 and tile.max() == 1:  # no noise
            darkest = np.unravel_index(tile[0].argmin(), (32, 32))
            found = [
                (i, j)
                for i in tile_starts(70, 32)
                for j in tile_starts(100, 32)
                if np.array_equal(np.sort(labels[i : i + 32, j : j + 32].ravel()), np.sort(target.ravel()))
            ]
            assert len(found) == 1
            corners.add(found[0])
            i, j = found[0]
            window = image[0, i : i + 32, j : j + 32]
            assert target[darkest] == labels[i : i + 32, j : j + 32].ravel()[window.argmin()]
    assert len(corners) == 3 * 4


def test_every_tile_spans_zero_to_one_over_all_channels() -> None:
    image, _ = an_image()
    image[0] *= 0.1
    tiles = [augment_tile(image, None, (32, 32), np.random.default_rng(seed))[0] for seed in range(80)]
    plain = [tile for tile in tiles if tile.min() == 0 and tile.max() == 1]
    noisy = [tile for tile in tiles if tile.min() < 0 and tile.max() > 1]
    assert 0.1 < len(noisy) / len(tiles) < 0.4
    assert len(plain) + len(noisy) >= len(tiles) - 2
    assert all(tile[0].max() < 0.25 < tile[1].max() for tile in plain)
    assert max(float(tile.max()) for tile in noisy) < 1 + 6 * DEVIATION


def test_empty_glass_is_left_out() -> None:
    image, _ = an_image()
    image[:, :, :64] = 0.98
    for seed in range(20):
        tile, _ = augment_tile(image, None, (32, 32), np.random.default_rng(seed))
        assert len(np.unique(tile)) > 100
    white = np.full((3, *SHAPE), 0.99)
    assert augment_tile(white, None, (32, 32), np.random.default_rng(0))[0].shape == (3, 32, 32)


@pytest.mark.parametrize("size", [(32, 32), (64, 32)])
def test_small_images_get_a_frame_that_is_not_labelled(size: tuple[int, int]) -> None:
    image, labels = an_image()
    image, labels = image[:, :20, :26], labels[:20, :26]
    for seed in range(8):
        tile, target = augment_tile(image, labels, size, np.random.default_rng(seed))
        assert (tile.shape[1:], target.shape) == (size, size)
        assert (target != 255).sum() == 20 * 26
        frame = tile[:, target == 255]
        assert not frame.any() or frame.std() < 1.2 * DEVIATION  # zeros, or noise


def test_equal_draws_give_equal_tiles() -> None:
    image, labels = an_image()
    one, two, other = (augment_tile(image, labels, (32, 32), np.random.default_rng(s))[0] for s in (4, 4, 5))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
