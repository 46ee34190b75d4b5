"""The record of decisions and trainings: whole lines, whoever is killed, however many write."""

import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest

from tasks.errors import InputError
from tasks.retrain_policy import history
from tasks.retrain_policy.history import Decided, Ended, Entry, Started, trainings
from tests.tasks.retrain_policy.cases import NOW, training

NUM_LINES = 40


def decided(run: str) -> Decided:
    return Decided(
        what="decided", at=NOW, run_id=run, run=run, asked_by="drift", event_evidence="ab",
        kind="train", reason='100 new "corrections"\nin two lines', evidence_id="e1",
    )  # fmt: skip


def entries() -> list[Entry]:
    done, killed = training(3), training(1, None)
    assert done.ended
    return [decided("run-3"), done.started, done.ended, killed.started]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "live" / history.HISTORY


def test_what_was_added_is_read_in_its_order(file: Path) -> None:
    assert history.read(file) == []
    for entry in entries():
        history.append(file, entry)
    assert history.read(file) == entries()
    assert history.last_decision(history.read(file)) == decided("run-3")
    assert file.read_bytes().count(b"\n") == 4


def test_a_line_cut_anywhere_is_not_there_and_the_next_one_takes_its_place(file: Path) -> None:
    first, second, third, _ = entries()
    history.append(file, first)
    kept = file.read_bytes()
    history.append(file, second)
    whole = file.read_bytes()
    for length in range(len(kept), len(whole)):
        file.write_bytes(whole[:length])
        assert history.read(file) == [first]
        history.append(file, third)
        assert history.read(file) == [first, third]


def test_a_line_that_is_none_is_named(file: Path) -> None:
    history.append(file, decided("one"))
    with file.open("ab") as stream:
        stream.write(b'{"what": "guessed"}\n')
    with pytest.raises(InputError, match=r"retrain_history.jsonl, line 2: .*Mend that line"):
        history.read(file)


def test_trainings_are_starts_with_their_ends(file: Path) -> None:
    done, killed = training(3), training(1, None, expected=5.0)
    found = trainings(entries())
    assert found == [done, training(1, None)]
    assert [one.outcome for one in found] == ["finished", "interrupted"]
    assert killed.seconds == 5.0


def test_a_run_that_is_tried_again_has_two_trainings() -> None:
    again = training(3)
    assert again.ended
    later = again.started.model_copy(update={"at": NOW + timedelta(hours=1)})
    lines: list[Started | Ended] = [again.started, later, again.ended]
    assert trainings(lines) == [(again.started, None), (later, again.ended)]


def _write(file: Path, name: str) -> None:
    for number in range(NUM_LINES):
        history.append(file, decided(f"{name}-{number}"))


def test_lines_of_many_writers_stay_whole(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(file, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    runs = [entry.run_id for entry in history.read(file)]
    assert len(runs) == len({*runs}) == NUM_LINES * len(writers)
