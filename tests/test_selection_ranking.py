"""What to look at next: the same list for the same cases, in an order that can be explained."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.selection.ranking import Candidate, rank_cases

scores = st.none() | st.floats(0, 1, allow_nan=False)
dice = st.dictionaries(st.sampled_from(["liver", "spleen", "heart"]), st.floats(0, 1, allow_nan=False))
candidates = st.lists(
    st.builds(Candidate, st.text(min_size=1, max_size=6), scores, dice, st.booleans()), unique_by=lambda c: c.case
)


@given(candidates, st.randoms())
def test_order_in_does_not_change_order_out(cases: list[Candidate], random: st.DataObject) -> None:
    ranked = rank_cases(cases)
    shuffled = list(cases)
    random.shuffle(shuffled)
    assert rank_cases(shuffled) == ranked
    assert sorted(s.case for s in ranked) == sorted(c.case for c in cases)


@given(candidates)
def test_begun_first_then_least_sure_then_unknown(cases: list[Candidate]) -> None:
    by_name = {c.case: c for c in cases}
    ranked = [by_name[s.case] for s in rank_cases(cases)]
    groups = [0 if c.draft else 1 if c.score is not None else 2 for c in ranked]
    assert groups == sorted(groups)
    scored = [c for c in ranked if not c.draft and c.score is not None]
    assert [c.score for c in scored] == sorted((c.score for c in scored), reverse=True)
    for one, other in pairwise(scored):
        if one.score == other.score:
            assert one.case < other.case


@given(candidates)
def test_every_suggestion_has_a_reason_in_a_sentence(cases: list[Candidate]) -> None:
    for suggestion in rank_cases(cases):
        assert suggestion.reason.endswith(".")
        assert suggestion.reason[0].isupper()


def test_the_reason_names_the_worst_class() -> None:
    (only,) = rank_cases([Candidate("a", 0.25, {"liver": 0.9, "spleen": 0.6})])
    assert (
        only.reason
        == "The model expects an error of 25\N{NO-BREAK SPACE}%; it is least sure of spleen (expected Dice 0.60)."
    )
    assert only.score == 0.25


@pytest.mark.parametrize(
    ("score", "dice", "words"),
    [
        (
            1.0,
            {"liver": 0.0, "spleen": 0.0},
            "The model proposes no structure here, but is not sure that there is none.",
        ),
        (
            0.8,
            {"liver": 0.3, "spleen": 0.1},
            "The model is unsure almost everywhere in this scan; it is least sure of spleen.",
        ),
        (
            0.5,
            {"liver": 1.0, "spleen": 0.0},
            "The model expects an error of 50\N{NO-BREAK SPACE}%; it proposes no spleen, but is not sure of that.",
        ),
        (1.0, {}, "The model found nothing here."),
    ],
)
def test_a_model_that_knows_little_is_described_in_words(score: float, dice: dict[str, float], words: str) -> None:
    (only,) = rank_cases([Candidate("a", score, dice)])
    assert only.reason == words
