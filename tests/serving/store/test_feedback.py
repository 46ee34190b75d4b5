"""What a correction becomes, judged against what the store holds, on both databases."""

import datetime
import hashlib
from typing import Any

import pytest
from sqlalchemy import Engine

from serving.store.feedback import Rules, store_corrections
from serving.store.insert import insert_predictions
from serving.store.policy import Policy
from serving.store.records import Correction, Outcome
from tasks.privacy import pseudonym
from tests.serving.store.corrections import CLASSES, RULES, make_correction, read_events
from tests.serving.store.predictions import MOMENT, POLICY, PRIVACY, make_record, read_rows

DAY = datetime.timedelta(days=1)


@pytest.fixture
def filled(store: Engine) -> Engine:
    """With five predictions, of which the last is a shadow's."""
    records = [make_record(number) for number in range(4)]
    insert_predictions(store, [*records, make_record(4, role="shadow")], POLICY)
    return store


def judge(store: Engine, *corrections: Correction, rules: Rules = RULES) -> list[str]:
    return [outcome.verdict for outcome in store_corrections(store, corrections, {}, rules)]


def test_an_event_speaks_for_itself(filled: Engine) -> None:
    text = "ann@example.org  said &quot;no&quot;"
    insert_predictions(filled, [make_record(9, text=text)], POLICY)
    correction = make_correction(9, comment="ring  (415) 555-2671")
    assert store_corrections(filled, [correction], {}, RULES) == [Outcome("stored", "bad")]
    (event,) = read_events(filled).values()
    assert event.pop("seq") == 1
    assert event == {
        "event_id": correction.event_id, "received_at": correction.received_at,
        "prediction_id": "p000009", "client": "k1", "rater": pseudonym("k1", "ann"),
        "label": "bad", "predicted": "good", "model_version": "v1.0.0", "predicted_at": MOMENT,
        "text": '[email] said "no"', "comment": "ring [phone]",
        "text_sha256": hashlib.sha256(b'ann@example.org said "no"').hexdigest(),
    }  # fmt: skip
    assert event["received_at"].tzinfo is datetime.UTC


def test_null_says_that_the_prediction_is_right(filled: Engine) -> None:
    right = make_correction(1, label=None)
    assert store_corrections(filled, [right], {}, RULES) == [Outcome("stored", "good")]
    assert judge(filled, right, right._replace(label="good")) == ["repeated"] * 2
    assert judge(filled, right._replace(label="bad")) == ["conflict"]
    assert [event["label"] for event in read_events(filled).values()] == ["good"]


AGAIN: list[tuple[dict[str, Any], str]] = [
    ({}, "repeated"),
    ({"received_at": MOMENT + 1000 * DAY}, "repeated"),  # although it is late by now
    ({"classes": ("other",)}, "repeated"),  # and the classes have changed
    ({"label": "good"}, "conflict"),
    ({"label": None}, "conflict"),
    ({"rater": "bob"}, "conflict"),
    ({"rater": None}, "conflict"),
    ({"client": "k2"}, "conflict"),
    ({"comment": "no"}, "conflict"),
    ({"prediction_id": "p000002"}, "conflict"),
    ({"prediction_id": "p999999"}, "conflict"),
]


def test_the_same_event_again_is_kept_once_and_never_changed(filled: Engine) -> None:
    assert judge(filled, make_correction(1)) == ["stored"]
    before = read_events(filled)
    for changes, verdict in AGAIN:
        assert judge(filled, make_correction(1)._replace(**changes)) == [verdict], changes
    assert read_events(filled) == before


def test_the_same_event_twice_in_one_batch_is_stored_once(filled: Engine) -> None:
    one = make_correction(1)
    verdicts = judge(filled, one, one, one._replace(label="good"), make_correction(2))
    assert verdicts == ["stored", "repeated", "conflict", "stored"]
    assert len(read_events(filled)) == 2


ODD: list[tuple[dict[str, Any], str]] = [
    ({"prediction_id": "p999999"}, "unknown"),
    ({"prediction_id": "p000004"}, "unknown"),
    ({"received_at": MOMENT + 90 * DAY}, "stored"),
    ({"received_at": MOMENT + 91 * DAY}, "late"),
    ({"label": "other"}, "no_class"),
    ({"label": ""}, "no_class"),
    ({"label": None, "classes": ("other",)}, "no_class"),
]


def test_what_cannot_be_taken_is_refused_and_all_others_stored(filled: Engine) -> None:
    for number, (changes, verdict) in enumerate(ODD):
        one, odd, other = (
            make_correction(3 * number + place, prediction_id="p000001") for place in range(3)
        )
        odd = odd._replace(**changes)
        assert judge(filled, one, odd, other) == ["stored", verdict, "stored"], changes
        assert (odd.event_id in read_events(filled)) == (verdict == "stored")


def test_one_person_may_correct_again_and_several_may_differ(filled: Engine) -> None:
    changes: list[dict[str, Any]] = [{}, {"label": "good"}, {"rater": "bob"}, {"rater": None}]
    events = [make_correction(n)._replace(prediction_id="p000001", **changes[n]) for n in range(4)]
    assert judge(filled, *events) == ["stored"] * 4
    raters = [event["rater"] for event in read_events(filled).values()]
    assert len(set(raters)) == 3


def test_a_prediction_that_is_not_written_yet_can_be_corrected(store: Engine) -> None:
    waiting = {"p000007": make_record(7, text="ann@example.org", role="canary")}
    found = store_corrections(store, [make_correction(7), make_correction(8)], waiting, RULES)
    assert [outcome.verdict for outcome in found] == ["stored", "unknown"]
    (event,) = read_events(store).values()
    assert (event["text"], event["predicted_at"]) == ("[email]", MOMENT)
    assert event["text_sha256"] == hashlib.sha256(b"ann@example.org").hexdigest()


@pytest.mark.parametrize(
    ("keep", "text", "hashed"), [("text", "text 1", True), ("hash", None, True),
                                 ("nothing", None, False)],
)  # fmt: skip
@pytest.mark.parametrize("is_written", [True, False])
def test_a_text_is_kept_as_far_as_the_policy_says(
    store: Engine, keep: Any, text: str | None, hashed: bool, is_written: bool
) -> None:
    policy = Policy(keep, PRIVACY.model_copy(update={"raters": "as_sent"}))
    record = make_record(1)
    if is_written:
        insert_predictions(store, [record], policy)
    waiting = {} if is_written else {record.prediction_id: record}
    rules = RULES._replace(policy=policy)
    store_corrections(store, [make_correction(1)], waiting, rules)
    (event,) = read_events(store).values()
    assert (event["text"], event["text_sha256"] is not None) == (text, hashed)
    assert event["rater"] == "ann"


def test_a_stricter_policy_holds_for_texts_of_before(filled: Engine) -> None:
    judge(filled, make_correction(1), rules=RULES._replace(policy=Policy("hash", PRIVACY)))
    (event,) = read_events(filled).values()
    assert event["text"] is None
    assert read_rows(filled)["p000001"]["text"] == "text 1"


def test_refusals_wait_for_no_writer(filled: Engine) -> None:
    assert CLASSES
    with filled.begin() as other:
        other.exec_driver_sql("UPDATE predictions SET latency_ms = 2")
        assert judge(filled, make_correction(999)) == ["unknown"]
