from pathlib import Path

import pytest
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils.serialize import parse_yaml

from flows.checkout.health import keep_lock_copy, restore_dvc_lock
from flows.checkout.lock import CheckoutBusy, kernel_lock
from flows.checkout.lock_file import DVC_LOCK, GOOD_COPY, DamagedLock, parse_dvc_lock
from flows.checkout.rescue import RESCUED
from tasks.errors import InputError
from tests.project import run, try_run


def rescued() -> list[bytes]:
    return [file.read_bytes() for file in sorted(RESCUED.rglob("dvc.lock"))]


def dvc_reads(content: bytes) -> bool:
    COMPILED_LOCKFILE_SCHEMA(parse_yaml(content.decode(), "dvc.lock"))
    return True


@pytest.mark.slow
def test_cut_at_any_byte_dvc_lock_is_put_back_or_still_good_to_dvc(chain: Path) -> None:
    """Cut between two lines it can still be valid: then DVC looks at what is missing anew."""
    keep_lock_copy()
    whole = DVC_LOCK.read_bytes()
    num_restored = 0
    for size in range(len(whole)):
        said: list[str] = []
        DVC_LOCK.write_bytes(whole[:size])
        restore_dvc_lock(said.append)
        if said:
            assert DVC_LOCK.read_bytes() == whole
            assert "restored" in said[0]
            num_restored += 1
        else:
            assert whole[:size].endswith(b"\n")
            assert dvc_reads(whole[:size])
    assert num_restored > 0.97 * len(whole)
    assert set(rescued()) < {whole[:size] for size in range(len(whole))}


@pytest.mark.slow
def test_without_a_good_copy_nothing_is_lost_and_dvc_takes_all_from_its_cache(chain: Path) -> None:
    whole = DVC_LOCK.read_bytes()
    DVC_LOCK.write_bytes(whole[:300])
    said: list[str] = []
    restore_dvc_lock(said.append)
    assert said[0].startswith("dvc.lock is ")
    assert "no good copy" in said[0]
    assert rescued() == [whole[:300]]
    assert "is cached - skipping run" in run(chain, ["dvc", "repro"]).stdout
    assert DVC_LOCK.read_bytes() == whole


@pytest.mark.slow
def test_an_empty_dvc_lock_stops_dvc_and_is_put_back(chain: Path) -> None:
    keep_lock_copy()
    whole = DVC_LOCK.read_bytes()
    DVC_LOCK.write_bytes(b"")
    assert try_run(chain, ["dvc", "status"]).returncode != 0  # else all this is needless
    restore_dvc_lock(print)
    assert DVC_LOCK.read_bytes() == whole
    assert "up to date" in run(chain, ["dvc", "status"]).stdout


DAMAGED = {
    "not YAML": b"schema: '2.0'\nstages: [\n",
    "not UTF-8": b"schema: '2.0'\nstages: \xff\xfe\n",
    "binary": bytes(range(32)) + b"\n",
    "a list": b"- 1\n",
    "a word": b"stages\n",
    "zeros, as after power loss": bytes(512) + b"\n",
    "no stages": b"schema: '2.0'\n",
    "stages of nothing": b"schema: '2.0'\nstages:\n",
    "no schema": b"stages: {}\n",
    "another schema": b"schema: '3.0'\nstages: {}\n",
    "an unknown key": b"schema: '2.0'\nstages: {}\nmore: 1\n",
    "no command": b"schema: '2.0'\nstages:\n  a:\n    outs: []\n",
    "half an md5": b"schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - path: y\n"
    b"      md5: 0123\n",
    "deep": b"[" * 5000 + b"\n",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damage_is_told_in_one_line_and_never_copied(chain: Path, content: bytes) -> None:
    keep_lock_copy()
    whole = DVC_LOCK.read_bytes()
    DVC_LOCK.write_bytes(content)
    with pytest.raises(DamagedLock, match=r"dvc\.lock is ") as caught:
        parse_dvc_lock(content)
    assert "\n" not in str(caught.value)
    keep_lock_copy()
    assert GOOD_COPY.read_bytes() == whole
    restore_dvc_lock(print)
    assert DVC_LOCK.read_bytes() == whole
    assert rescued() == [content]


def test_a_damaged_copy_is_not_put_in_place(chain: Path) -> None:
    keep_lock_copy()
    GOOD_COPY.write_bytes(GOOD_COPY.read_bytes()[:-40])
    DVC_LOCK.write_bytes(b"")
    said: list[str] = []
    restore_dvc_lock(said.append)
    assert "no good copy" in said[0]
    assert not DVC_LOCK.exists()


def test_a_merge_conflict_is_the_persons_to_solve(chain: Path) -> None:
    keep_lock_copy()
    whole = DVC_LOCK.read_text()
    lines = whole.splitlines(keepends=True)
    conflict = "".join([*lines[:3], "<<<<<<< HEAD\n", lines[3], "=======\n", ">>>>>>> other\n"])
    DVC_LOCK.write_text(conflict)
    with pytest.raises(InputError, match=r"dvc.lock:4: holds a merge conflict") as caught:
        restore_dvc_lock(print)
    assert not isinstance(caught.value, DamagedLock)
    keep_lock_copy()
    assert DVC_LOCK.read_text() == conflict
    assert GOOD_COPY.read_text() == whole


def test_a_sound_or_absent_dvc_lock_is_left_alone(chain: Path) -> None:
    said: list[str] = []
    before = DVC_LOCK.stat()
    restore_dvc_lock(said.append)
    assert (DVC_LOCK.stat().st_ino, DVC_LOCK.stat().st_mtime) == (before.st_ino, before.st_mtime)
    DVC_LOCK.unlink()
    restore_dvc_lock(said.append)
    keep_lock_copy()
    assert said == []
    assert not DVC_LOCK.exists()
    assert not GOOD_COPY.exists()


def test_while_dvc_writes_nothing_is_judged(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC holds this lock while dvc.lock is half written."""
    keep_lock_copy()
    good = GOOD_COPY.read_bytes()
    writer = kernel_lock(Path(".dvc/tmp/lock"))
    with writer:
        DVC_LOCK.write_bytes(good[: good.index(b"double:")])  # valid, and not all
        monkeypatch.setattr("flows.checkout.health._COPY_WAIT_SECONDS", 0.1)
        keep_lock_copy()
        assert GOOD_COPY.read_bytes() == good
        monkeypatch.setattr("flows.checkout.dvc_locks.WAIT_SECONDS", 0.1)
        with pytest.raises(CheckoutBusy, match="still works here"):
            restore_dvc_lock(print)
