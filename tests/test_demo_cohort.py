"""The generated cohort: repeatable, varied, with geometry like real scans."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import ndimage

from napari_medssl.demo.cohort import CLASSES, VARIETY, make_case, make_cohort
from napari_medssl.demo.fields import ellipsoid, smooth_field, smooth_union, soft
from napari_medssl.demo.phantom import make_phantom
from napari_medssl.imaging import case_stem, read_image, read_labels


def test_a_seed_gives_the_same_voxels_and_another_seed_others():
    first, truth, affine, _ = make_phantom(5)
    again, truth_again, affine_again, _ = make_phantom(5)
    assert first.dtype == again.dtype
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(truth, truth_again)
    np.testing.assert_array_equal(affine, affine_again)
    other, *_ = make_phantom(6)
    assert other.shape != first.shape or not np.array_equal(other, first)


def test_cases_are_large_anisotropic_and_oblique_with_every_structure_in_one_piece():
    codes, types, oblique = set(), set(), 0
    for seed in range(1, 13):
        volume, truth = make_case(seed)
        assert min(volume.grid.shape) >= 64
        assert max(volume.grid.spacing) / min(volume.grid.spacing) > 1.25
        assert volume.grid.mismatch(truth.grid) is None
        assert truth.values == (0, *CLASSES)
        for value in CLASSES:
            pieces, count = ndimage.label(truth.array == value)
            sizes = np.bincount(pieces.ravel())[1:]
            assert sizes.max() > 0.75 * sizes.sum(), (seed, value, count)
        codes.add(volume.grid.axcodes)
        types.add(volume.array.dtype.kind + str(volume.array.dtype.itemsize))
        oblique += np.abs(volume.grid.directions).max(0).min() < 0.9999
    assert len(codes) >= 4
    assert len(types) >= 2
    assert oblique >= 10


def test_axis_codes_change_the_array_and_not_the_patient():
    plain, truth = make_case(3, axes="RAS")
    turned, truth_turned = make_case(3, axes="PSR")
    back = turned.grid.canonical()
    np.testing.assert_array_equal(back.apply(turned.array[0]), plain.array[0])
    np.testing.assert_array_equal(back.apply(truth_turned.array), truth.array)
    np.testing.assert_allclose(back.grid.affine, plain.grid.affine, atol=1e-9)


def test_contrast_differs_between_cases_when_asked_to():
    def liver_over_fat(variety):
        ratios = []
        for seed in range(8):
            image, truth, *_ = make_phantom(seed, variety=variety, pathology=False)
            ratios.append(np.median(image[truth == 1]) / np.median(image[truth == 3]))
        return np.std(np.log(ratios))

    assert liver_over_fat(1.0) > 2 * liver_over_fat(0.0)


def test_disease_shows_only_where_it_is_asked_for():
    def dark_or_bright_in_liver(seed, ill):
        image, truth, *_ = make_phantom(seed, pathology=ill)
        inside = image[ndimage.binary_erosion(truth == 1, iterations=3)].astype(float)
        return (inside.std() / inside.mean()) if inside.size else 0.0

    ill = np.mean([dark_or_bright_in_liver(seed, True) for seed in range(6)])
    well = np.mean([dark_or_bright_in_liver(seed, False) for seed in range(6)])
    assert ill > well


def test_a_case_is_made_fast():
    make_phantom(0)
    begin = time.perf_counter()
    for seed in range(3):
        make_phantom(seed)
    assert (time.perf_counter() - begin) / 3 < 1.0  # 0.1 s on a free core; the limit is for busy ones


def test_files_read_back_with_their_truth_beside_them(tmp_path):
    cohort = make_cohort(tmp_path, 2)
    names = ["abdomen-01", "abdomen-02"]
    assert [case_stem(p) for p in cohort.images] == [case_stem(p) for p in cohort.labels] == names
    for number, (image, label) in enumerate(zip(cohort.images, cohort.labels, strict=True), 1):
        volume, truth = read_image(image), read_labels(label)
        voxels, labels, affine, _ = make_phantom(number, variety=VARIETY)
        np.testing.assert_array_equal(volume.array[0], voxels)
        np.testing.assert_array_equal(truth.array, labels)
        np.testing.assert_allclose(volume.grid.affine, affine, atol=1e-3)
        assert volume.grid.mismatch(truth.grid) is None


@pytest.mark.parametrize("cells", [2, 7])
def test_smooth_fields_have_unit_scale_and_finer_ones_vary_faster(cells):
    rng = np.random.default_rng(0)
    fields = [smooth_field(rng, (40, 40, 40), cells) for _ in range(12)]
    assert 0.4 < np.std(fields) < 1.6
    steps = np.abs(np.diff(fields, axis=1)).mean()
    assert (steps > 0.08) == (cells == 7)


def test_shapes_are_positive_inside_and_about_in_millimetres():
    points = np.stack(np.meshgrid(*[np.arange(-20, 21, dtype=np.float32)] * 3, indexing="ij"))
    ball = ellipsoid(points, (0, 0, 0), (10, 10, 10))
    distance = 10 - np.sqrt((points**2).sum(0))
    np.testing.assert_allclose(ball, distance, atol=1e-4)
    share = soft(ball, 2.0)
    assert share.min() == 0
    assert share.max() == 1
    assert share.sum() == pytest.approx(4 / 3 * np.pi * 1000, rel=0.05)
    both = smooth_union(ball, ellipsoid(points, (8, 0, 0), (10, 10, 10)), 4)
    assert (both >= ball - 1e-5).all()
