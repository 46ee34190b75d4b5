"""Resamples of the reference are no drift; another language, length or share of classes is."""

from collections.abc import Iterator

import numpy as np
import pytest

from tasks.monitor.drift import Yardstick, find_drift
from tasks.monitor.group import WHOLE, Group, Part, list_parts
from tasks.slices import LengthSlice
from tests.tasks.monitor.scenes import (
    SMALL_EMBEDDING,
    make_answered,
    make_texts,
    make_yardstick,
    monitor_params,
)

NUM_WINDOWS, NUM_ROWS = 200, 300
SHORT = LengthSlice(name="short", kind="length", min_characters=0, max_characters=60)


@pytest.fixture(scope="module")
def yardstick() -> Yardstick:
    return make_yardstick(monitor_params(drift__embedding=SMALL_EMBEDDING))


def held(yardstick: Yardstick, group: Group) -> set[str]:
    found = find_drift(yardstick, group, [WHOLE])
    return {name for (name, _), one in found.items() if one.holds}


def windows() -> Iterator[Group]:
    for seed in range(NUM_WINDOWS):
        yield make_answered(make_texts(NUM_ROWS, seed), seed)


@pytest.mark.slow
def test_resamples_of_the_reference_are_hardly_ever_called_a_drift(yardstick: Yardstick) -> None:
    """2 of 200 is what false_discovery_rate allows; the bounds of the effects leave fewer."""
    alarms = [held(yardstick, group) for group in windows()]
    assert sum(bool(names) for names in alarms) <= 2, [names for names in alarms if names]


@pytest.mark.slow
def test_the_classifiers_chance_is_what_it_says(yardstick: Yardstick) -> None:
    """Fitted on what it is compared with, it told resamples apart in most windows."""
    chances = [yardstick.embedding.compare(make_texts(NUM_ROWS, seed)).p for seed in range(100)]
    assert 1 <= sum(p <= 0.1 for p in chances) <= 20
    assert np.mean(chances) == pytest.approx(0.5, abs=0.1)


def test_another_language_is_seen_in_signs_tokens_and_meaning(yardstick: Yardstick) -> None:
    group = make_answered(make_texts(NUM_ROWS, 1, "away"), 1)
    assert held(yardstick, group) >= {
        "inputs.non_ascii", "inputs.unknown_tokens", "inputs.texts",
    }  # fmt: skip
    assert "predictions.classes" not in held(yardstick, group)


def test_other_words_of_like_signs_are_seen_in_meaning_alone(yardstick: Yardstick) -> None:
    """The same words the other way about: each as long and as known as before."""
    texts = [" ".join(word[::-1] for word in text[:-1].split()) + "."
             for text in make_texts(NUM_ROWS, 2)]  # fmt: skip
    group = make_answered(texts, 2)
    found = find_drift(yardstick, group, [WHOLE])
    assert found["inputs.texts", ""].holds
    assert not found["inputs.characters", ""].holds
    assert not found["inputs.letters", ""].holds


def test_longer_texts_are_seen_in_length(yardstick: Yardstick) -> None:
    group = make_answered(make_texts(NUM_ROWS, 3, num_words=18), 3)
    found = held(yardstick, group)
    assert found - {"inputs.punctuation"} == {"inputs.characters", "inputs.words"}  # one full stop


def test_shifted_classes_and_lost_confidence_are_seen_in_predictions(yardstick: Yardstick) -> None:
    texts = make_texts(NUM_ROWS, 4)
    assert held(yardstick, make_answered(texts, 4, shares=(0.5, 0.2, 0.3))) == {
        "predictions.classes"
    }
    assert held(yardstick, make_answered(texts, 5, confidence=4.0)) == {"predictions.confidence"}


def test_a_small_effect_is_no_drift_however_sure_it_is(yardstick: Yardstick) -> None:
    params = yardstick.params.model_copy(update={"max_rows": 50_000})
    large = make_yardstick(params, num_rows=20_000)
    group = make_answered(make_texts(20_000, 6, num_words=14.4), 6, shares=(0.32, 0.2, 0.48))
    found = find_drift(large, group, [WHOLE])
    for key in (("inputs.words", ""), ("predictions.classes", "")):
        assert found[key].p is not None
        assert found[key].p < 0.001
        assert found[key].holds is False


def test_too_few_rows_say_nothing(yardstick: Yardstick) -> None:
    number = yardstick.params.min_rows - 1
    found = find_drift(yardstick, make_answered(make_texts(number, 7, "away"), 7), [WHOLE])
    assert {one.holds for one in found.values()} == {None}
    assert {one.num_rows for one in found.values()} == {number}


def test_texts_that_were_not_kept_and_other_releases_answers_do_not_count(
    yardstick: Yardstick,
) -> None:
    half = np.arange(NUM_ROWS) % 2 == 0
    texts = [text if kept else "" for text, kept in zip(make_texts(NUM_ROWS, 8), half, strict=True)]
    group = make_answered(texts, 8)._replace(is_live=~half)
    found = find_drift(yardstick, group, [WHOLE])
    assert found["inputs.words", ""].holds is None
    assert found["inputs.words", ""].num_rows == NUM_ROWS // 2
    assert found["predictions.classes", ""].num_rows == NUM_ROWS // 2


def test_a_slice_is_compared_with_the_same_slice_and_a_client_with_all(
    yardstick: Yardstick,
) -> None:
    texts = [*make_texts(NUM_ROWS, 9, num_words=6), *make_texts(NUM_ROWS, 9, "away")]
    clients = np.repeat(np.array(["", "k1"], dtype=object), NUM_ROWS)
    group = make_answered(texts, 9)._replace(clients=clients)
    parts = list_parts([SHORT], {"": NUM_ROWS, "k1": NUM_ROWS}, max_clients=5)
    assert [part.name for part in parts] == ["", "slice short", "client without key", "client k1"]
    found = find_drift(yardstick, group, parts)
    assert found["inputs.unknown_tokens", "client k1"].holds
    assert found["inputs.unknown_tokens", "client without key"].holds is False
    assert found["inputs.words", "client without key"].holds
    short = Part("slice short", slice=SHORT)
    expected = sum(len(text) <= 60 for text in texts)
    assert found["inputs.words", short.name].num_rows == expected


def test_one_client_is_the_whole_and_of_many_the_busiest_are_shown() -> None:
    assert list_parts([], {"k1": 5}, max_clients=5) == [WHOLE]
    parts = list_parts([], {"k1": 5, "k2": 9, "k3": 7}, max_clients=2)
    assert [part.client for part in parts] == [None, "k2", "k3"]
