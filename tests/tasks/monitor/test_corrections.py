"""Of each person the newest word counts, of several the majority, in the order of predictions."""

import datetime
import itertools
from typing import Any

import pyarrow as pa
import pytest

from tasks.monitor.corrections import Answers, join, resolve

START = datetime.datetime(2026, 3, 29, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def said(
    prediction: str, label: str, minute: int, rater: str = "", client: str = "k1"
) -> dict[str, Any]:
    """About a prediction `pN`, made N minutes after the start."""
    made_at = START + int(prediction[1:]) * MINUTE
    return {
        "prediction_id": prediction, "created_at": made_at, "client": "k0",
        "model_version": "v1.0.0", "predicted": "good", "text": f"text  of {prediction}",
        "received_at": START + minute * MINUTE, "rater_client": client, "rater": rater,
        "label": label,
    }  # fmt: skip


def resolved(*rows: dict[str, Any]) -> Answers:
    numbered = [row | {"seq": seq} for seq, row in enumerate(rows)]
    return resolve(pa.Table.from_pylist(numbered))


def test_the_newest_word_of_a_person_counts() -> None:
    rows = [said("p1", "good", 5, "ann"), said("p1", "bad", 9, "ann"), said("p1", "fair", 7, "ann")]
    for order in itertools.permutations(rows):
        assert resolved(*order).labels.tolist() == ["bad"]


def test_the_majority_of_people_counts_however_late_one_is() -> None:
    ann, bob = said("p1", "good", 5, "ann"), said("p1", "good", 6, "bob")
    assert resolved(ann, bob, said("p1", "bad", 9, "eve")).labels.tolist() == ["good"]
    assert resolved(ann, said("p1", "bad", 9, "eve")).labels.tolist() == ["bad"], "a tie: newest"


def test_whoever_gives_no_name_is_one_person_per_client() -> None:
    nameless = [said("p1", "bad", minute) for minute in (7, 8, 9)]
    named = [said("p1", "good", 5, "ann"), said("p1", "good", 6, "ann", client="k2")]
    assert resolved(*nameless, *named).labels.tolist() == ["good"]


def test_predictions_come_in_the_order_they_were_made_with_the_delay_of_the_first() -> None:
    answers = resolved(said("p9", "good", 60, "ann"), said("p2", "bad", 62, "ann"),
                       said("p2", "good", 32, "bob"))  # fmt: skip
    assert answers.made_at.tolist() == [START + 2 * MINUTE, START + 9 * MINUTE]
    assert answers.delay_hours.tolist() == pytest.approx([0.5, 0.85])
    assert answers.is_right.tolist() == [False, True]
    assert answers.texts.tolist() == ["text of p2", "text of p9"]


def test_nothing_is_nothing_and_windows_join_in_their_order() -> None:
    assert resolve(None).num_rows == 0
    assert resolve(None).is_right.tolist() == []
    one, two = resolved(said("p1", "bad", 5)), resolved(said("p3", "good", 5))
    assert join([one, resolve(None), two]).labels.tolist() == ["bad", "good"]
    assert join([]).num_rows == 0
