"""Killed before every change of a file, and at random: whole partitions or nothing, each once."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tasks.artifacts import sha256_of
from tasks.feedback import ACCEPTED, QUARANTINED, list_partitions
from tasks.ingest_feedback.ingest import ingest
from tests.project import REPOSITORY
from tests.tasks.feedback_store import (
    TARGET,
    contents,
    ids_in,
    make_event,
    read_params,
    send,
    write_params,
)
from tests.tasks.ingest_feedback import killed

KILLS = int(os.environ.get("KILLS", "100"))
EVENTS = [make_event(number) for number in range(30)]
IDS = sorted(event["event_id"] for event in EVENTS)

pytestmark = pytest.mark.slow


def start(kill_at: int, action: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen([sys.executable, killed.__file__, str(kill_at), action],
                            env=environment)  # fmt: skip


def kill_everywhere(action: str) -> Iterator[int]:
    """One killed process each, a change later than the one before, until one gets to its end."""
    for kill_at in range(1, 200):
        with start(kill_at, action) as process:
            pass
        if process.returncode == 0:
            assert kill_at > 15  # it did something that could be killed
            return
        assert process.returncode == -9
        yield kill_at
    raise AssertionError("it has no end")


def check_what_a_reader_sees() -> list[str]:
    """Whole partitions, none in both folders."""
    found = {name: list_partitions(TARGET / name) for name in (ACCEPTED, QUARANTINED)}
    names = [one.name for ones in found.values() for one in ones]
    assert len(names) == len(set(names))
    for one in (one for ones in found.values() for one in ones):
        assert sha256_of(one.file) == one.manifest.sha256
    return ids_in()


def test_an_ingest_killed_anywhere_leaves_whole_partitions_and_the_next_completes_them(
    store: Engine, tmp_path: Path
) -> None:
    write_params(tmp_path, max_partition_rows=11)
    send(store, EVENTS)
    expected: dict[str, bytes] = {}
    for _ in kill_everywhere("ingest"):
        ids = check_what_a_reader_sees() if TARGET.exists() else []
        assert len(ids) == len(set(ids))
        ingest(TARGET, read_params())
        assert sorted(check_what_a_reader_sees()) == IDS
        expected = expected or contents()
        assert contents() == expected
        shutil.rmtree(TARGET)


def test_a_decision_killed_anywhere_leaves_a_partition_in_one_folder(
    store: Engine, tmp_path: Path
) -> None:
    write_params(tmp_path, hold={"min_history_events": 1, "min_events": 5, "max_rater_share": 0.1})
    send(store, EVENTS[:3])
    ingest(TARGET, read_params())
    send(store, EVENTS[3:])
    (held,) = ingest(TARGET, read_params())
    assert held.file.parent.name == QUARANTINED
    shutil.copytree(TARGET, "before")
    for _ in kill_everywhere("decide"):
        assert sorted(check_what_a_reader_sees()) == IDS
        ingest(TARGET, read_params())  # which goes on with what was decided
        assert sorted(check_what_a_reader_sees()) == IDS
        decided = [*TARGET.glob("[!.]*/decision-*.json")]
        is_accepted = not list_partitions(TARGET / QUARANTINED)
        assert [file.parent.name for file in decided] == [ACCEPTED] * is_accepted
        assert not is_accepted or not [*(TARGET / QUARANTINED).iterdir()]
        shutil.rmtree(TARGET)
        shutil.copytree("before", TARGET)


def test_two_ingesters_killed_at_random_lose_and_double_nothing(
    store: Engine, tmp_path: Path
) -> None:
    """While the service writes; the delays come from a seed, the moments from the machine."""
    write_params(tmp_path, max_partition_rows=7)
    delays = random.Random(7)
    sent, longest = 0, time_of_one_ingest()
    for _ in range(0, KILLS, 2):
        pair = [start(0, "ingest") for _ in range(2)]
        send(store, [make_event(sent), make_event(sent + 1)])
        sent += 2
        for process in pair:
            time.sleep(delays.uniform(0, longest / 2))
            process.kill()
            process.wait()
        if TARGET.exists():
            ids = check_what_a_reader_sees()
            assert len(ids) == len(set(ids))
    ingest(TARGET, read_params())
    assert sorted(ids_in()) == sorted(make_event(number)["event_id"] for number in range(sent))
    numbers = [seq for file in TARGET.glob("*/part-*.json")
               for low, high in json.loads(file.read_bytes())["seqs"]
               for seq in range(low, high + 1)]  # fmt: skip
    assert sorted(numbers) == [*range(1, sent + 1)]


def time_of_one_ingest() -> float:
    started = time.monotonic()
    with start(0, "ingest") as process:
        pass
    assert process.returncode == 0
    return time.monotonic() - started
