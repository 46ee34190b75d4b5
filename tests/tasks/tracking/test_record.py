"""Our own record of a training's steps."""

from pathlib import Path

from tasks.tracking.record import COLUMNS, StepRecord


def row(step: int) -> dict[str, float]:
    return dict.fromkeys(COLUMNS, 0.5) | {"step": step}


def steps(file: Path) -> list[str]:
    header, *lines = file.read_text().splitlines()
    assert header == ",".join(COLUMNS)
    return [line.split(",")[0] for line in lines]


def test_after_a_resume_no_step_is_there_twice_and_none_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "steps" / "a.csv"
    record = StepRecord(file)
    record.keep_until(0)
    for step in (2, 4, 6, 8):
        record.append(row(step))
    again = StepRecord(file)
    again.keep_until(5)  # where the checkpoint was
    assert steps(file) == ["2", "4"]
    again.append(row(6))
    assert steps(file) == ["2", "4", "6"]


def test_a_line_that_a_full_disk_has_cut_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    record = StepRecord(file)
    record.keep_until(0)
    record.append(row(20))
    with file.open("a") as stream:
        stream.write("2")  # of 22
    record.keep_until(21)
    assert steps(file) == ["20"]


def test_a_training_that_starts_anew_starts_its_record_anew(tmp_path: Path) -> None:
    record = StepRecord(tmp_path / "a.csv")
    record.keep_until(0)
    record.append(row(2))
    record.keep_until(0)
    assert steps(tmp_path / "a.csv") == []
