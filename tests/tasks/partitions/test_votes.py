"""What partitions can teach is what stage aggregate makes of them, whoever repeats himself."""

from pathlib import Path

import numpy as np
import pytest

from tasks.aggregate.corrections import read_corrections
from tasks.aggregate.params import FeedbackSource
from tasks.errors import InputError
from tasks.feedback import ACCEPTED, list_partitions
from tasks.partitions.votes import count_votes
from tests.feedback_partitions import make_event, write_partition

PARAMS = FeedbackSource(source="people", votes=None)


def count(folder: Path) -> int:
    return count_votes(list_partitions(folder / ACCEPTED))


def test_one_person_who_says_the_same_a_hundred_times_has_said_it_once(tmp_path: Path) -> None:
    for first in (0, 50):
        events = [make_event(first + i, "good", "no", rater="r_1") for i in range(50)]
        write_partition(tmp_path, events)
    assert count(tmp_path) == 1
    write_partition(tmp_path, [make_event(100, "good", "yes", rater="r_1")])
    assert count(tmp_path) == 1, "a change of mind replaces the vote"
    others = [make_event(200, "good", "no"), make_event(201, "bad", "no", rater="r_1")]
    write_partition(tmp_path, others)
    assert count(tmp_path) == 3
    write_partition(tmp_path, [make_event(300, None, "no")])
    assert count(tmp_path) == 3, "a text that was not kept teaches nothing"


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_number_of_votes_that_stage_aggregate_takes(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    texts, raters, clients = [None, "a", "b", "c"], [None, "r_1", "r_2"], [None, "k_1", "k_2"]
    for first in range(0, 90, 30):
        events = [
            make_event(
                first + i, texts[random.integers(4)], "no", rater=raters[random.integers(3)],
                client=clients[random.integers(3)],
            )
            for i in range(random.integers(1, 30))
        ]  # fmt: skip
        write_partition(tmp_path, events)
    votes = read_corrections(tmp_path, PARAMS).result.examples["votes"].to_pylist()
    assert count(tmp_path) == sum(map(len, votes))


def test_none_is_none_and_a_missing_file_is_told(tmp_path: Path) -> None:
    assert count_votes([]) == 0
    file = write_partition(tmp_path, [make_event(1, "good", "no")])
    file.unlink()
    with pytest.raises(InputError, match=r"missing.*dvc checkout"):
        count(tmp_path)
