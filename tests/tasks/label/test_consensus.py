"""Raters with ids: cleanlab's consensus, and the plain majority where it cannot be had."""

import logging

import numpy as np
import pyarrow as pa
import pytest

from tasks.errors import InputError
from tasks.label.__main__ import label
from tasks.label.raters import build_matrix, find_rater_votes
from tests.tasks.label.examples import category_params, make_examples, scale_params

WORDS = {"good": ["fine", "lovely", "great", "superb"], "bad": ["awful", "poor", "dull", "nasty"]}
PARAMS = category_params(["bad", "good"])
MAJORITY = category_params(["bad", "good"], consensus=None)


def crowd(num_examples: int = 60) -> tuple[pa.Table, list[str]]:
    """Texts with a true class: two careful raters, and three who guess."""
    generator = np.random.default_rng(0)
    rows, truth = [], []
    for number in range(num_examples):
        true = ("bad", "good")[number % 2]
        guesses = {name: str(generator.choice(["bad", "good"])) for name in "xyz"}
        votes = {"ann": true, "bob": true} | guesses
        text = " ".join(generator.choice(WORDS[true], size=3))
        rows.append({"text": text, "votes": list(votes.values()), "raters": list(votes)})
        truth.append(true)
    return make_examples(rows), truth


def test_the_consensus_weighs_raters_by_merit_where_the_majority_is_wrong() -> None:
    examples, truth = crowd()
    by_majority, *_ = label(examples, MAJORITY)
    labelled, raters, metrics, _ = label(examples, PARAMS)
    found, counted = (table.column("label").to_pylist() for table in (labelled, by_majority))
    assert sum(one != other for one, other in zip(counted, truth, strict=True)) >= 5
    assert found == truth
    quality = dict(zip(raters["rater"].to_pylist(), raters["quality"].to_pylist(), strict=True))
    assert min(quality["ann"], quality["bob"]) > max(quality["x"], quality["y"], quality["z"])
    assert (metrics["consensus_rows"], metrics["num_raters"]) == (60, 5)


def test_agreement_of_a_consensus_is_its_quality_and_the_distribution_stays_that_of_votes() -> None:
    examples, _ = crowd()
    by_majority, labelled = label(examples, MAJORITY)[0], label(examples, PARAMS)[0]
    probs = labelled.column("label_probs").to_pylist()
    assert probs == by_majority.column("label_probs").to_pylist()
    quality = labelled.column("agreement").to_numpy()
    assert ((quality >= 0) & (quality <= 1)).all()
    unanimous = np.array([max(shares) == 1 for shares in probs])
    assert quality[unanimous].mean() > quality[~unanimous].mean()


def test_quality_can_be_the_share_of_raters_who_gave_the_consensus_label() -> None:
    plain = PARAMS.consensus.model_copy(update={"quality_method": "agreement"})
    labelled, raters, *_ = label(crowd()[0], PARAMS.model_copy(update={"consensus": plain}))
    shares = [max(probs) for probs in labelled.column("label_probs").to_pylist()]
    assert labelled.column("agreement").to_pylist() == pytest.approx(shares)
    assert raters.column("quality").null_count == 0


def test_rows_without_rater_ids_and_without_votes_are_left_to_the_majority() -> None:
    extra = make_examples(
        [
            {"example_id": "a", "votes": ["bad", "bad", "good"]},
            {"example_id": "b", "raters": [], "text": "superb"},
            {"example_id": "c", "votes": ["meh"], "raters": ["ann"]},
        ]
    )
    labelled, raters, metrics, _ = label(pa.concat_tables([crowd()[0], extra]), PARAMS)
    assert labelled.column("label").to_pylist()[-3:] == ["bad", None, None]
    assert labelled.column("agreement").to_pylist()[-3:] == [pytest.approx(1 / 3), None, None]
    assert metrics["consensus_rows"] == 60
    assert raters.column("rater").to_pylist() == ["ann", "bob", "x", "y", "z"]
    assert raters.column("num_votes").to_pylist() == [60] * 5


def test_two_runs_give_the_same_answer_and_leave_numpys_generator_alone() -> None:
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    first, second = label(crowd()[0], PARAMS), label(crowd()[0], PARAMS)
    assert first[0].equals(second[0])
    assert first[1].equals(second[1])
    assert np.random.random() == expected


def test_a_scale_keeps_its_mean_and_only_counts_the_raters() -> None:
    votes = {"votes": ["4", "-1"], "raters": ["zoe", "abe"]}
    labelled, raters, metrics, _ = label(make_examples([votes, votes]), scale_params())
    assert labelled.column("label").to_pylist() == ["positive", "positive"]
    assert raters.to_pydict() == {
        "rater": ["abe", "zoe"],
        "num_votes": [2, 2],
        "quality": [None, None],
        "weight": [None, None],
    }
    assert metrics["consensus_rows"] == 0


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"votes": ["good"], "raters": ["ann"]}] * 20, "1 raters with ids"),
        (
            [{"votes": ["good"], "raters": ["ann"]}, {"votes": ["bad"], "raters": ["bob"]}] * 10,
            "no example has votes of two raters",
        ),
        ([{"votes": ["good", "bad"], "raters": ["ann", "bob"]}] * 2, "fewer groups"),
        ([{"votes": ["good", "good"], "raters": ["ann", "bob"]}] * 20, "all classes but one"),
    ],
)
def test_too_few_votes_to_learn_from_leave_the_majority_and_say_why(
    rows: list[dict[str, object]], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    examples = make_examples(rows)
    with caplog.at_level(logging.INFO):
        labelled, raters, metrics, _ = label(examples, PARAMS)
    plain, *_ = label(examples, MAJORITY)
    assert labelled.equals(plain)
    assert raters.column("quality").null_count == raters.num_rows
    assert metrics["consensus_rows"] == 0
    assert reason in caplog.text


def test_a_class_too_rare_for_every_fold_disturbs_nothing() -> None:
    rare = {"example_id": "r", "votes": ["odd"], "raters": ["ann"], "text": "odd one"}
    known, truth = crowd()
    examples = pa.concat_tables([known, make_examples([rare])])
    labelled, *_ = label(examples, category_params(["never", "bad", "good", "odd"]))
    assert labelled.column("label").to_pylist()[:60] == truth
    assert labelled.column("label_probs").to_pylist()[-1] == [0, 0, 0, 1]


def test_near_duplicates_never_judge_each_other() -> None:
    from tasks.label.consensus import split_by_group  # noqa: PLC0415

    groups = pa.chunked_array([[f"g{number % 12}" for number in range(60)]])
    for train, held_out in split_by_group(groups, PARAMS.consensus):
        names = np.array(groups.to_pylist())
        assert not set(names[train]) & set(names[held_out])


def test_a_rater_who_judged_a_text_twice_counts_once_with_the_later_vote() -> None:
    twice = {"votes": ["bad", "good", "good"], "raters": ["ann", "bob", "ann"]}
    votes = find_rater_votes(make_examples([{}, twice]), PARAMS)
    rows, matrix = build_matrix(votes, 100)
    assert rows.tolist() == [1]
    assert matrix.tolist() == [[1, 1]]


def test_a_vote_whose_rater_is_unknown_stays_out_of_the_matrix() -> None:
    row = {"votes": ["bad", "good", "meh"], "raters": [None, "bob", "cat"]}
    votes = find_rater_votes(make_examples([row]), PARAMS)
    assert (votes.names, votes.vote.tolist(), votes.rater.tolist()) == (["bob", "cat"], [1], [0])


def test_votes_and_raters_out_of_step_are_refused_with_the_example() -> None:
    rows = [{}, {"votes": ["bad", "good"], "raters": ["ann"]}]
    with pytest.raises(InputError, match=r"example id0001: 2 votes by 1 raters"):
        label(make_examples(rows), PARAMS)


def test_a_matrix_beyond_memory_is_refused_with_the_remedy() -> None:
    params = PARAMS.model_copy(
        update={"consensus": PARAMS.consensus.model_copy(update={"max_cells": 299})}
    )
    with pytest.raises(InputError, match=r"60 examples x 5 raters = 300 cells.*at most 299"):
        label(crowd()[0], params)
