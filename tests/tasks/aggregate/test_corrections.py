"""Corrections become examples: newest vote per person, the same bytes however they were cut."""

import random
from pathlib import Path

import pytest

from tasks.aggregate.corrections import read_corrections
from tasks.aggregate.newest import TAKEN, id_of_text
from tasks.aggregate.params import FeedbackSource
from tasks.errors import InputError
from tasks.records import is_feedback, read_table
from tasks.text import sha256_of_text
from tests.feedback_partitions import make_event, write_partition
from tests.tasks.aggregate.conftest import COLUMNS, GOOD, Place

PARAMS = FeedbackSource(source="feedback", votes={"negative": "-2", "positive": "2"})


def read(folder: Path, params: FeedbackSource = PARAMS) -> list[dict[str, object]]:
    return read_corrections(folder, params).result.examples.to_pylist()


def test_the_newest_correction_of_a_person_counts_and_several_people_are_several_votes(tmp_path):
    events = [
        make_event(1, "so so", "positive", rater="ann"),
        make_event(2, "so so", "negative", rater="bob"),
        make_event(3, "other", "positive", rater="ann"),
        make_event(4, "so so", "negative", rater="ann"),
    ]
    write_partition(tmp_path, events)
    by_text = {row["text"]: row for row in read(tmp_path)}
    first, second = by_text["so so"], by_text["other"]
    assert list(zip(first["raters"], first["votes"], strict=True)) == [
        ("nobody:bob", "-2"),
        ("nobody:ann", "-2"),
    ]
    assert (second["raters"], second["votes"]) == (["nobody:ann"], ["2"])
    assert first["origin"] == f"feedback:{events[0]['event_id']}"
    assert first["created_at"] == events[0]["predicted_at"]


def test_who_is_not_named_is_one_person_per_client(tmp_path):
    events = [
        make_event(number, "fine", label, rater=None, client=client)
        for number, (label, client) in enumerate(
            [("positive", None), ("negative", None), ("positive", "k1"), ("positive", "k2")]
        )
    ]
    write_partition(tmp_path, events)
    (example,) = read(tmp_path)
    assert example["votes"] == ["-2", "2", "2"]
    assert example["raters"] == ["nobody:", "k1:", "k2:"]


def test_equal_names_of_two_clients_are_two_people_and_nobody_can_pass_for_the_unnamed(tmp_path):
    who = [("k1", "ann"), ("k2", "ann"), (None, None), (None, "nobody:"), (None, "k1:ann")]
    events = [
        make_event(number, "fine", "positive", client=client, rater=rater)
        for number, (client, rater) in enumerate(who)
    ]
    write_partition(tmp_path, events)
    (example,) = read(tmp_path)
    assert example["raters"] == ["k1:ann", "k2:ann", "nobody:", "nobody:nobody:", "nobody:k1:ann"]


def test_the_same_events_give_the_same_table_however_they_are_cut_and_ordered(tmp_path):
    draw = random.Random(0)
    events = [
        make_event(number, f"text {draw.randrange(20)}", draw.choice(["negative", "positive"]),
                   rater=draw.choice(["ann", "bob", "cat", None]))
        for number in range(200)
    ]  # fmt: skip
    tables = []
    for turn in range(20):
        draw.shuffle(events)
        ends = sorted(draw.sample(range(1, len(events)), turn % 5))
        folder = tmp_path / str(turn)
        for start, end in zip([0, *ends], [*ends, len(events)], strict=True):
            write_partition(folder, events[start:end], start + 1)
        tables.append(read_corrections(folder, PARAMS).result.examples)
    assert all(table.equals(tables[0]) for table in tables)
    assert tables[0].num_rows == 20
    # of 20 texts and 4 people nearly all pairs occur; each once
    pairs = [(row["text"], rater) for row in tables[0].to_pylist() for rater in row["raters"]]
    wanted = {(event["text"], f"nobody:{event['rater'] or ''}") for event in events}
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == wanted


def test_what_teaches_nothing_is_set_aside_with_the_reason(tmp_path):
    events = [
        make_event(1, None, "positive"),
        make_event(2, "hm", "neutral"),
        make_event(3, "yes", "positive"),
    ]
    write_partition(tmp_path, events)
    result = read_corrections(tmp_path, PARAMS).result
    assert [row["text"] for row in result.examples.to_pylist()] == ["yes"]
    assert [reject.rule for reject in result.rejects] == ["no_text", "unknown_class"]
    assert "serving.prediction_log.keep" in result.rejects[0].reason
    assert "'neutral' has no vote" in result.rejects[1].reason
    assert (result.rows_in, result.num_votes) == (3, 1)


def test_without_a_table_of_votes_a_class_speaks_for_itself(tmp_path):
    write_partition(tmp_path, [make_event(1, "hm", "1e5")])
    (example,) = read(tmp_path, FeedbackSource(source="feedback", votes=None))
    assert example["votes"] == ["1e5"]


def test_a_partition_that_is_not_what_its_manifest_says_stops_the_stage(tmp_path):
    file = write_partition(tmp_path, [make_event(1, "hm", "positive")])
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match=r"expected sha256 .* dvc checkout data/feedback"):
        read(tmp_path)
    file.unlink()
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path)


def test_the_stage_has_them_as_one_more_source_and_none_where_nobody_corrected(place: Place):
    place.put("a.csv", GOOD)
    place.source("a.csv", COLUMNS)
    place.set(max_reject_fraction=0.0)
    assert "feedback" not in {row["source"] for row in place.run()}
    events = [make_event(1, "text 1", "positive"), make_event(2, None, "positive")]
    write_partition(place.folder / "feedback", events)
    rows = place.run()  # what has no text is no fault of the file's lines
    assert [row["text"] for row in rows if row["source"] == "feedback"] == ["text 1"]
    assert place.metrics()["rejected_by_source"]["feedback"] == 1
    assert [row["source"] for row in place.rejects()] == ["feedback"]


def test_a_correction_is_known_as_one_and_has_the_id_of_its_text(place: Place):
    place.put("a.csv", GOOD)
    place.source("a.csv", COLUMNS)
    write_partition(place.folder / "feedback", [make_event(1, "new", "positive")])
    ids = {row["example_id"] for row in place.run() if row["source"] == "feedback"}
    write_partition(place.folder / "feedback", [make_event(2, "new", "negative")], 2)
    assert {row["example_id"] for row in place.run() if row["source"] == "feedback"} == ids
    assert id_of_text("new") != id_of_text("old")
    examples = read_corrections(place.folder / "feedback", PARAMS).result.examples
    assert is_feedback(examples).to_pylist() == [True]


def test_a_masked_text_that_a_file_has_anyway_is_known_as_that_text(place: Place):
    text = "call me at  +1 212 555 0100"
    place.put("a.csv", f"{GOOD}99,{text},x\n")
    place.source("a.csv", COLUMNS)
    sent = {"text_sha256": sha256_of_text(text)}
    other = {"text_sha256": sha256_of_text("call me at +1 212 555 0199")}
    events = [
        make_event(1, "call me at [phone]", "positive", **sent),
        make_event(2, "call me at [phone]", "negative", **other),
    ]
    write_partition(place.folder / "feedback", events)
    found = {row["text"]: row["votes"] for row in place.run() if row["source"] == "feedback"}
    assert found == {"call me at +1 212 555 0100": ["2"], "call me at [phone]": ["-2"]}


def test_what_became_of_each_vote_is_written(place: Place):
    place.put("a.csv", GOOD)
    place.source("a.csv", COLUMNS)
    events = [
        make_event(1, "so so", "positive", rater="ann"),
        make_event(2, "so so", "negative", rater="bob"),
        make_event(3, "so so", "negative", rater="ann"),
        make_event(4, "so so", "positive", rater=None),
        make_event(5, None, "positive"),
        make_event(6, "so so", "neutral", rater="ann"),
    ]
    write_partition(place.folder / "feedback", events)
    place.set(feedback={"source": "feedback", "votes": PARAMS.votes})
    (row,) = [row for row in place.run() if row["source"] == "feedback"]
    taken = read_table(place.folder / "out/corrections.parquet", TAKEN).to_pylist()
    ids = [event["event_id"] for event in events]
    assert [(one["event_id"], one["rater"], one["superseded_by"]) for one in taken] == [
        (ids[0], "nobody:ann", ids[2]), (ids[1], "nobody:bob", None), (ids[2], "nobody:ann", None),
        (ids[3], "nobody:", None),
    ]  # fmt: skip
    assert {one["example_id"] for one in taken} == {row["example_id"]}
