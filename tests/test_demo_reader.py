"""The simulated reader repairs what a person would see, and nothing else."""

from __future__ import annotations

import numpy as np

from napari_medssl.demo.reader import correct


def truth_and_proposal():
    truth = np.zeros((20, 20, 20), np.uint8)
    truth[4:12, 4:12, 4:12] = 1
    truth[14:18, 14:18, 14:18] = 2
    proposal = truth.copy()
    proposal[4:7, 4:12, 4:12] = 0  # a slab is missing
    proposal[15, 15, 15] = 0  # a speck
    proposal[0:3, 0:3, 0:3] = 2  # found where nothing is
    return truth, proposal


def test_large_errors_are_repaired_and_specks_left():
    truth, proposal = truth_and_proposal()
    before = proposal.copy()
    result = correct(proposal, truth)
    assert np.argwhere(result != truth).tolist() == [[15, 15, 15]]
    np.testing.assert_array_equal(proposal, before)  # the proposal itself is not changed


def test_with_no_patience_for_specks_everything_becomes_the_truth():
    truth, proposal = truth_and_proposal()
    np.testing.assert_array_equal(correct(proposal, truth, speck=1), truth)


def test_where_the_truth_is_unknown_the_proposal_stays():
    truth, proposal = truth_and_proposal()
    truth[0:3] = 255
    result = correct(proposal, truth)
    np.testing.assert_array_equal(result[0:3], proposal[0:3])
