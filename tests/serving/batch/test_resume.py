"""A scoring that is killed, anywhere and often, ends in the bytes of one that was left alone."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.batch.__main__ import main
from serving.batch.chunks import ROWS
from serving.batch.job import holding
from tasks.errors import InputError, TemporaryError
from tests.project import REPOSITORY, environment
from tests.serving.live_place import LivePlace
from tests.tasks.namespaces import leave_untested

SOURCE = Path("in.csv")
WORDS = ("good", "bad", "awful", "food", "the film", "not")


def write_source(num_rows: int, filler: str = "") -> None:
    with SOURCE.open("w") as stream:
        stream.write("text,filler\n")
        for row in range(num_rows):
            words = " ".join(WORDS[(row + step) % 6] for step in range(row % 7))
            stream.write(f"{words} {row},{filler}\n")


def start(target: str, *before: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*before, sys.executable, "-m", "serving.batch", SOURCE, target],
        env=environment() | {"PYTHONPATH": str(REPOSITORY)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finish(target: str) -> dict[str, bytes]:
    process = start(target)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return content_of(target)


def content_of(target: str) -> dict[str, bytes]:
    """All that a reader sees."""
    files = [path for path in Path(target).glob("*") if not path.name.startswith(".")]
    return {path.name: path.read_bytes() for path in files}


def kill_at(call: str, number: int, target: str) -> None:
    """Run until this system call of the main thread, and die at it."""
    if not shutil.which("strace"):
        leave_untested("strace is not installed")
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    watch = ["strace", "-f", "-o", "calls", "-e", f"trace={call}", "-e", inject]
    process = start(target, *watch)
    said, _ = process.communicate(timeout=60)
    if "ptrace" in said:
        leave_untested(f"strace may not watch processes here: {said.strip()}")
    assert process.returncode == -signal.SIGKILL, said


@pytest.mark.slow
@pytest.mark.usefixtures("checkout")
def test_killed_within_and_between_parts_it_goes_on_to_the_same_bytes() -> None:
    write_source(2 * ROWS + 100)
    alone = finish("alone")
    assert alone.keys() == {
        "_job.json",
        "_manifest.json",
        *(f"part-00000{n}.parquet" for n in range(3)),
    }
    # each run meets what the one before has left: the numbers count from there
    points = [
        ("rename", 1, 0),  # _job.json
        ("fsync", 3, 1),  # the first part is written, but not in place
        ("rename", 1, 1),
        ("fsync", 3, 2),  # the first is in place, the second is not
        ("rename", 2, 3),  # the third
        ("rename", 2, 4),  # the manifest
    ]
    for call, number, num_files in points:
        kill_at(call, number, "killed")
        seen = content_of("killed")
        assert len(seen) == num_files, (call, number, seen.keys())
        assert seen.items() <= alone.items()
    assert finish("killed") == alone
    assert finish("killed") == alone  # and again, with nothing to do


@pytest.mark.slow
@pytest.mark.usefixtures("checkout")
def test_killed_while_it_scores_it_goes_on_to_the_same_bytes() -> None:
    write_source(3 * ROWS)
    for number in range(3):
        with start("killed") as process:
            part = Path(f"killed/part-00000{number}.parquet")
            while not part.exists() and process.poll() is None:
                time.sleep(0.005)
            process.kill()
    assert finish("killed") == finish("alone")


@pytest.mark.usefixtures("checkout")
def test_a_part_that_was_cut_off_is_written_again() -> None:
    write_source(20)
    main(SOURCE, Path("out"), "text", None)
    whole = content_of("out")
    Path("out/_manifest.json").unlink()
    Path("out/part-000000.parquet").write_bytes(whole["part-000000.parquet"][:500])
    main(SOURCE, Path("out"), "text", None)
    assert content_of("out") == whole


@pytest.mark.usefixtures("checkout")
def test_a_finished_target_is_compared_with_its_manifest() -> None:
    write_source(20)
    main(SOURCE, Path("out"), "text", None)
    whole = content_of("out")
    Path("out/part-000000.parquet").unlink()
    main(SOURCE, Path("out"), "text", None)
    assert content_of("out") == whole
    for name in ("part-000000.parquet", "part-000001.parquet"):
        Path("out", name).write_bytes(b"else")
        with pytest.raises(InputError, match=f"{name}: not as _manifest.json beside it says"):
            main(SOURCE, Path("out"), "text", None)
        Path("out", name).unlink()
        main(SOURCE, Path("out"), "text", None)
        assert content_of("out") == whole


def test_the_number_of_threads_changes_no_byte(checkout: LivePlace) -> None:
    write_source(600)
    for threads in (1, 4):
        checkout.write_params(model__threads=threads)
        main(SOURCE, Path(f"out-{threads}"), "text", None)
    assert content_of("out-1") == content_of("out-4")


@pytest.mark.usefixtures("checkout")
def test_two_processes_do_not_score_into_one_folder() -> None:
    write_source(20)
    with holding(Path("out")), pytest.raises(TemporaryError, match="another process scores"):
        main(SOURCE, Path("out"), "text", None)
    main(SOURCE, Path("out"), "text", None)


@pytest.mark.usefixtures("checkout")
def test_a_source_that_changes_meanwhile_gets_no_manifest() -> None:
    write_source(2 * ROWS)
    process = start("out")
    while not Path("out/_job.json").exists():
        time.sleep(0.002)
    with SOURCE.open("a") as stream:
        stream.write("one more,\n")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("batch failed: in.csv: changed while it was scored. ")
    assert not Path("out/_manifest.json").exists()
    with pytest.raises(InputError, match="begun for something else"):
        main(SOURCE, Path("out"), "text", None)


@pytest.mark.usefixtures("checkout")
def test_no_part_of_another_content_stays_when_the_source_is_put_back() -> None:
    write_source(3 * ROWS, filler="x" * 50)
    good = SOURCE.read_bytes()
    alone = finish("alone")
    with start("out") as process:
        while not Path("out/part-000000.parquet").exists():
            time.sleep(0.002)
        with SOURCE.open("r+b") as stream:
            stream.write(good.replace(b"food", b"FOOD"))
    assert process.returncode == 1
    assert content_of("out").items() < alone.items()
    SOURCE.write_bytes(good)
    assert finish("out") == alone
