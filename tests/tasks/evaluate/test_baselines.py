"""Baselines learn from the train split alone; planted label errors are found."""

import numpy as np
import pytest

from tasks.errors import InputError
from tasks.evaluate.baselines import MAJORITY, TFIDF, predict_baselines
from tasks.evaluate.label_issues import find_label_issues
from tasks.evaluate.params import LabelIssueParams
from tasks.label_set import LabelSet
from tests.tasks.evaluate.splits import SHIPPED, make_examples

TRAIN = make_examples(
    [0, 1, 1] * 4, texts=["awful sad thing", "great happy thing", "great thing !!!"] * 4
)
TEST = make_examples([0, 1, 0], texts=["an awful day", "a great one", "sad sad thing"])


def test_the_majority_is_that_of_the_train_split() -> None:
    assert predict_baselines(TRAIN, TEST, SHIPPED.tfidf)[MAJORITY].tolist() == [1, 1, 1]


@pytest.mark.parametrize("max_characters", [0, 3])
def test_logistic_regression_learns_words_and_is_the_same_each_time(max_characters: int) -> None:
    params = SHIPPED.tfidf.model_copy(update={"max_characters": max_characters})
    for _ in range(2):
        assert predict_baselines(TRAIN, TEST, params)[TFIDF].tolist() == [0, 1, 0]


def test_a_train_split_of_one_class_has_only_its_majority() -> None:
    train = make_examples([1, 1], texts=["a b", "b c"])
    assert predict_baselines(train, TEST, SHIPPED.tfidf)[TFIDF].tolist() == [1, 1, 1]


def test_texts_without_a_common_word_are_an_error_with_a_remedy() -> None:
    train = make_examples([0, 1], texts=["one", "two"])
    with pytest.raises(InputError, match=r"evaluate\.tfidf\.min_texts") as caught:
        predict_baselines(train, TEST, SHIPPED.tfidf)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("filter_by", ["prune_by_noise_rate", "low_self_confidence", "both"])
def test_labels_planted_wrong_are_found_and_no_other(filter_by: str) -> None:
    random = np.random.default_rng(0)
    truth = np.arange(120) % 3
    probs = np.full((120, 3), 0.05) + np.eye(3)[truth] * 0.85
    probs += random.random(probs.shape) * 0.02
    probs /= probs.sum(axis=1, keepdims=True)
    planted = [4, 30, 77, 101]
    labels = truth.copy()
    labels[planted] = (truth[planted] + 1) % 3
    classes = ("NA", "None", "1e5")
    params = LabelIssueParams.model_validate(
        {"filter_by": filter_by, "quality_method": "self_confidence"}
    )
    issues = find_label_issues(
        make_examples(labels.tolist()), probs, LabelSet(classes=classes, ordered=False), params
    ).to_pylist()
    assert sorted(issue["example_id"] for issue in issues) == [f"{row:04}" for row in planted]
    assert [issue["quality"] for issue in issues] == sorted(issue["quality"] for issue in issues)
    for issue in issues:
        row = int(issue["example_id"])
        assert issue["label"] == classes[labels[row]]
        assert issue["suggested"] == classes[truth[row]]


def test_no_label_issue_among_right_labels_of_two_of_three_classes() -> None:
    labels = [0, 1] * 10
    probs = np.eye(3)[labels] * 0.8 + 0.2 / 3
    issues = find_label_issues(
        make_examples(labels), probs, LabelSet(classes=("a", "b", "c"), ordered=False),
        SHIPPED.label_issues,
    )  # fmt: skip
    assert issues.num_rows == 0
