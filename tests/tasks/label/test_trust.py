"""Votes of people weigh as much as they have proved reliable, and nobody's too much."""

from typing import Any

import pytest

from tasks.label.__main__ import label
from tests.tasks.label.examples import (
    FREE,
    category_params,
    corrected,
    known,
    make_examples,
    scale_params,
    trusting,
)

CLASSES = ["bad", "so so", "good"]
VOTES = {"bad": "-2", "so so": "0", "good": "2"}


def weights_of(rows: list[dict[str, Any]], params: Any = FREE) -> tuple[Any, dict[str, float]]:
    labelled, raters, *_ = label(make_examples(rows), params)
    names, weights = raters["rater"].to_pylist(), raters["weight"].to_pylist()
    return labelled, dict(zip(names, weights, strict=True))


def test_a_newcomer_alone_with_a_text_is_believed():
    labelled, weights = weights_of([corrected("new", {"ann": "2"})])
    assert weights == {"ann": 1.0}
    assert labelled["label"].to_pylist() == ["positive"]
    assert labelled["mean_vote"].to_pylist() == [2.0]


def test_who_contradicts_what_is_known_loses_all_weight_and_what_they_say_teaches_nothing():
    facts = [known(f"text {n}", ["3"] * 12) for n in range(10)]
    lies = [corrected(f"text {n}", {"liar": "-2", "ann": "2"}) for n in range(10)]
    labelled, weights = weights_of([*facts, *lies, corrected("alone", {"liar": "-2"})])
    assert weights == {"ann": 1.0, "liar": 0.0}
    assert labelled["label"].to_pylist() == ["positive"] * 20 + [None]
    assert labelled["label_probs"].to_pylist()[10] == [0.0, 0.0, 1.0]


def test_the_known_label_itself_is_never_changed_by_corrections():
    facts = [known("text", ["3"] * 12)]
    before, *_ = label(make_examples(facts), FREE)
    after, _ = weights_of([*facts, corrected("text", {f"r{n}": "-2" for n in range(50)})])
    assert after[:1].equals(before)


def test_a_text_known_to_differ_in_case_and_punctuation_is_still_known():
    facts = [known(f"Text {n}!", ["3"] * 12) for n in range(10)]
    _, weights = weights_of([*facts, *(corrected(f"text {n}", {"liar": "-2"}) for n in range(10))])
    assert weights == {"liar": 0.0}


def test_where_nothing_is_known_people_are_measured_by_one_another():
    said = [{"ann": "2", "bob": "2", "cat": "2", "liar": "-2"} for _ in range(12)]
    labelled, weights = weights_of([corrected(f"t{n}", one) for n, one in enumerate(said)])
    assert weights == {"ann": 1.0, "bob": 1.0, "cat": 1.0, "liar": 0.0}
    assert set(labelled["label"].to_pylist()) == {"positive"}


def test_votes_count_by_their_weight_in_class_shares_and_mean():
    """bob: 7 of 12 known texts right, each for two, and twelve to begin with."""
    facts = [known(f"t{n}", ["3"] * 12) for n in range(12)]
    tests = [
        corrected(f"t{n}", {"ann": "2", "bob": "2" if n < 7 else "-2"}) for n in range(12)
    ]  # fmt: skip
    params = trusting(max_share_per_rater=1.0, peer_factor=0.0, num_rounds=1)
    labelled, weights = weights_of([*facts, *tests, corrected("x", {"ann": "2", "bob": "-2"})],
                                   params)  # fmt: skip
    crowd = max((12 + 7) / 24, 0.8)  # of both, before anything is known
    weight = ((12 + 2 * 7) / (12 + 2 * 12 * crowd) - 0.75) / 0.15
    assert 0.0 < weight < 1.0
    assert weights == pytest.approx({"ann": 1.0, "bob": weight})
    last = labelled.slice(len(facts) + len(tests)).to_pylist()[0]
    share = weight / (1 + weight)
    assert last["label_probs"] == pytest.approx([share, 0.0, 1 - share])
    assert last["mean_vote"] == pytest.approx(2 - 4 * share)


def test_classes_by_name_are_weighed_too_and_raters_of_files_keep_their_consensus():
    params = category_params(CLASSES, consensus=None)
    params = params.model_copy(update={"trust": FREE.trust})
    facts = [known(f"t{n}", ["good"] * 12) for n in range(10)]
    lies = [corrected(f"t{n}", {"liar": "bad", "ann": "good"}) for n in range(10)]
    rows = [*facts, *lies, corrected("x", {"ann": "good", "liar": "bad", "new": "so so"})]
    labelled, weights = weights_of(rows, params)
    assert weights["liar"] == 0.0
    assert labelled["label"].to_pylist()[-1] in ("good", "so so")
    file_rows = [{"votes": ["good", "bad"], "raters": ["file1", "file2"]}]
    _, weights = weights_of([*file_rows, *rows], params)
    assert weights["file1"] is None


@pytest.mark.parametrize("num_sent", [5, 10, 11, 300])
def test_of_one_person_the_first_corrections_count_up_to_their_share(num_sent):
    """Of 1,000 known labels and one in a hundred: ten, and more take none of those away."""
    facts = [known(f"fact {n}", ["3"] * 12) for n in range(1000)]
    mine = [corrected(f"mine {n}", {"busy": "2"}) for n in range(num_sent)]
    labelled, raters, metrics, _ = label(make_examples([*facts, *mine]), scale_params())
    assert raters["weight"].to_pylist() == [1.0]
    learnt = labelled["label"].to_pylist()[1000:]
    kept = min(num_sent, 11)  # 0.01 x (1,000 + 10.1)
    assert learnt == ["positive"] * kept + [None] * (num_sent - kept)
    assert metrics["capped_votes"] == num_sent - kept


@pytest.mark.parametrize("num_people", [1, 2, 50])
def test_where_nothing_is_known_few_people_share_equally(num_people):
    rows = [
        corrected(f"text {n} of {person}", {f"person {person}": "2"})
        for person in range(num_people)
        for n in range(20)
    ]
    labelled, *_ = label(make_examples(rows), scale_params())
    assert labelled["label"].null_count == 0


def test_two_strangers_who_contradict_two_texts_do_not_silence_a_person():
    rows = [corrected(f"t{n}", {"ann": "2"}) for n in range(2, 50)]
    rows += [corrected(f"t{n}", {"ann": "2", "bot": "-2", "bat": "-2"}) for n in range(2)]
    labelled, weights = weights_of(rows)
    assert weights["ann"] > 0.5
    assert labelled["label"].to_pylist()[:48] == ["positive"] * 48


def test_variants_of_one_known_text_are_one_piece_of_evidence():
    facts = [known(f"fact {n}", ["3"] * 12) for n in range(31)]
    lies = [corrected(f"fact {n}", {"liar": "-2"}) for n in range(30)]
    farm = [corrected("fact 30" + "!" * n, {"liar": "2"}) for n in range(100)]
    _, weights = weights_of([*facts, *lies, *farm])
    assert weights == {"liar": 0.0}


def test_a_vote_for_a_class_that_is_no_more_counts_for_nothing_and_spoils_no_other():
    params = category_params(["bad", "good"], consensus=None)
    rows = [corrected("both", {"ann": "good", "bob": "gone"}), corrected("old", {"bob": "gone"})]
    labelled, _, metrics, weighed = label(make_examples(rows), params)
    assert labelled["label"].to_pylist() == ["good", None]
    assert labelled["votes"].to_pylist() == [["good"], []]
    assert weighed["rater"].to_pylist() == ["ann"]
    assert metrics["num_votes_outside_rules"] == 2
