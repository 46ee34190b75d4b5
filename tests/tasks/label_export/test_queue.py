"""Which examples enter the queue, and in which order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.label_export.params import LabelExportParams
from tasks.label_export.queue import choose_diverse, find_candidates, order_by_priority
from tasks.params import parse_section
from tests.tasks.label.examples import make_labelled, shipped_section


def export_params(**changes: object) -> LabelExportParams:
    section = shipped_section("label_export") | {"max_share_per_source": None} | changes
    return parse_section("label_export", section, LabelExportParams)


def choose(rows: list[dict[str, object]], **changes: object) -> list[int]:
    params = export_params(**changes)
    candidates = find_candidates(make_labelled(rows), params)
    return candidates.rows[choose_diverse(candidates, params)].tolist()


def test_unlabelled_come_first_then_agreement_from_low_to_high() -> None:
    rows = [{"agreement": 0.4}, {"agreement": 0.1}, {}, {"agreement": 0.2}, {}]
    assert choose(rows) == [2, 4, 1, 3, 0]


def test_among_equals_fewer_votes_come_first_then_the_id() -> None:
    rows = [
        {"agreement": 0.2, "votes": ["a", "b", "c"]},
        {"agreement": 0.2, "votes": ["a", "b"], "example_id": "z"},
        {"agreement": 0.2, "votes": ["a", "b"], "example_id": "y"},
    ]
    assert choose(rows) == [2, 1, 0]


def test_examples_whose_raters_agree_well_enough_stay_out() -> None:
    rows = [{"agreement": 0.51}, {"agreement": 0.5}, {"agreement": 1.0}]
    assert choose(rows, max_agreement=0.5) == [1]


@pytest.mark.parametrize("rows", [[], [{"agreement": 1.0}]])
def test_an_empty_queue_is_a_valid_answer(rows: list[dict[str, object]]) -> None:
    assert choose(rows) == []


def test_a_budget_of_nothing_gives_an_empty_queue() -> None:
    assert choose([{}, {}], budget=0) == []
    assert choose([{}, {}], budget=0, max_share_per_source=0.5) == []


def test_no_two_of_one_group_of_near_duplicates_are_asked_about() -> None:
    rows = [
        {"group_id": "g"},
        {"group_id": "g"},
        {"group_id": "h"},
        {"group_id": "g", "agreement": 0},
    ]
    assert choose(rows) == [0, 2]


def test_the_budget_is_spent_on_texts_that_differ() -> None:
    texts = ["the cat sat", "the cat sat down", "a cat sat", "dogs bark loudly", "rain falls here"]
    rows = [{"text": text} for text in texts]
    assert choose(rows, budget=3) == [0, 3, 4]


def test_a_small_pool_holds_only_the_most_urgent() -> None:
    texts = ["the cat sat", "the cat sat down", "a cat sat", "dogs bark loudly", "rain falls here"]
    rows = [{"text": text} for text in texts]
    assert choose(rows, budget=3, pool_factor=1) == [0, 1, 2]


def test_every_unlabelled_text_goes_before_a_different_one_of_low_agreement() -> None:
    texts = ["the cat sat", "the cat sat down", "a cat sat"]
    rows = [{"text": text} for text in texts] + [{"text": "rain falls", "agreement": 0.0}]
    assert choose(rows, budget=3) == [0, 1, 2]


def test_one_source_cannot_fill_the_queue() -> None:
    rows = [{"source": "big"} for _ in range(50)] + [{"source": "small"}] * 2
    for number, row in enumerate(rows[50:]):
        rows[50 + number] = row | {"agreement": 0.3}
    chosen = choose(rows, budget=10, pool_factor=1, max_share_per_source=0.25)
    sources = [rows[row]["source"] for row in chosen]
    assert sources == ["big"] * 3 + ["small"] * 2  # 0.25 of 10 rounds up; the rest stays unspent


def test_a_lone_source_fills_the_queue() -> None:
    rows: list[dict[str, object]] = [{"text": f"text {number}"} for number in range(50)]
    assert len(choose(rows, budget=10, pool_factor=1, max_share_per_source=0.25)) == 10


def test_texts_without_a_single_word_do_no_harm() -> None:
    assert choose([{"text": " "}, {"text": "!"}, {"text": "好"}], budget=2) == [0, 1]


def test_the_order_of_the_table_changes_nothing_in_the_queue() -> None:
    generator = np.random.default_rng(0)
    words = "cat dog rain sun tea sea".split()  # noqa: SIM905
    rows = [
        {
            "example_id": f"{number:03}",
            "text": " ".join(generator.choice(words, size=4)),
            "agreement": float(generator.integers(0, 4)) / 10,
        }
        for number in range(80)
    ]
    shuffled = [rows[place] for place in generator.permutation(80)]
    expected = [rows[row]["example_id"] for row in choose(rows, budget=12)]
    assert [shuffled[row]["example_id"] for row in choose(shuffled, budget=12)] == expected


row_strategy = st.fixed_dictionaries(
    {
        "text": st.sampled_from(["a b", "b c", "c d", "x", "y z"]),
        "source": st.sampled_from(["web", "mail"]),
        "group_id": st.sampled_from("abcdefgh"),
    },
    optional={"agreement": st.sampled_from([0.0, 0.3, 0.5, 0.9])},
)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(row_strategy, max_size=15), st.integers(0, 6), st.sampled_from([None, 0.3, 1.0]))
def test_any_queue_keeps_the_promises(
    rows: list[dict[str, object]], budget: int, share: float | None
) -> None:
    chosen = choose(rows, budget=budget, pool_factor=2, max_share_per_source=share)
    assert len(chosen) <= budget
    assert len({rows[row]["group_id"] for row in chosen}) == len(chosen)
    ordered = order_by_priority(make_labelled(rows), 0.5)[0].tolist()
    assert chosen == [row for row in ordered if row in chosen]
    if len({row["source"] for row in rows}) == 1:
        share = None  # a lone source has no other to crowd out
    for source in ("web", "mail"):
        count = sum(rows[row]["source"] == source for row in chosen)
        assert count <= np.ceil(budget * (share or 1))
