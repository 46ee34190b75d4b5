import os
import sys
import time
from pathlib import Path

import pytest

from flows import doctor
from flows.checkout.hashes import md5_of
from flows.checkout.health import keep_lock_copy
from flows.checkout.lock import CheckoutBusy, checkout_lock
from flows.checkout.rescue import RESCUED
from tests.flows.checkout.chain import CACHE, REMOTE, copy_chain, flip_a_bit, make_chain, object_of
from tests.project import REPOSITORY, run, try_run

NUMBERS, PARTS, SEED = Path("data/on/numbers.txt"), Path("data/on/parts"), Path("data/raw/seed.txt")


@pytest.fixture(scope="module")
def finished_chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_chain(tmp_path_factory.mktemp("chain") / "checkout")


@pytest.fixture
def chain(finished_chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy_chain(finished_chain, tmp_path / "checkout")
    copy_chain(finished_chain.parent / "remote", tmp_path / "remote")
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", "")  # the doctor sets it; put back afterwards
    return tmp_path / "checkout"


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.is_relative_to(folder / ".dvc/tmp")
    }


def test_a_sound_checkout_is_said_to_be_fine(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(chain), tree(chain.parent / "remote")
    assert doctor.main([]) == 0
    said = capsys.readouterr().out
    assert "dvc.lock: whole, 2 stages" in said
    assert "outputs: 3 of 3 are as dvc.lock has them" in said
    assert "cache: 6 of 6 objects are sound" in said
    assert "remote local: 6 of 6 objects are sound" in said
    assert "wrong" not in said
    assert (tree(chain), tree(chain.parent / "remote")) == before


def assert_found_and_left(chain: Path, sound: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(chain)
    assert doctor.main([]) == 1
    said = capsys.readouterr().out
    assert f"cache: {sound} has md5 {md5_of(NUMBERS)}; it is data/on/numbers.txt of on" in said
    assert "it is data/on/parts/ä b.txt of on" in said
    assert "it is data/raw/seed.txt of data/raw/seed.txt.dvc" in said
    assert "data/on/numbers.txt: altered since on made it" in said
    assert "cache: 3 of 6 objects are sound" in said
    assert "`python -m flows.doctor --mend` mends it" in said
    assert tree(chain) == before


@pytest.mark.slow
def test_a_flipped_bit_in_the_cache_is_found_named_and_mended(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = md5_of(NUMBERS)
    damaged = [object_of(CACHE, path) for path in (NUMBERS, SEED, PARTS / "ä b.txt")]
    for file in damaged:
        flip_a_bit(file)
    assert {file.stat().st_mode & 0o777 for file in damaged} == {0o444}
    NUMBERS.unlink()
    run(chain, ["dvc", "checkout"])  # the control: plain DVC takes the bad bytes
    for control in (["status"], ["repro"], ["push"]):
        assert "up to date" in run(chain, ["dvc", *control]).stdout
    assert md5_of(NUMBERS) != sound

    assert_found_and_left(chain, sound, capsys)

    assert doctor.main(["--mend"]) == 0
    assert not any(file.exists() for file in damaged)
    assert {file.name for file in damaged} < {file.name for file in RESCUED.rglob("*")}
    assert not NUMBERS.exists()
    run(chain, ["dvc", "pull"])
    assert "up to date" in run(chain, ["dvc", "repro"]).stdout
    assert md5_of(NUMBERS) == sound
    assert doctor.main([]) == 0


@pytest.mark.slow
def test_without_a_remote_damage_is_mended_by_running_the_stage_again(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(chain, ["dvc", "remote", "remove", "local"])
    locked = Path("dvc.lock").read_bytes()
    flip_a_bit(object_of(CACHE, NUMBERS))
    NUMBERS.unlink()
    run(chain, ["dvc", "checkout"])
    flip_a_bit(object_of(CACHE, PARTS))
    assert doctor.main(["--mend"]) == 0
    assert "this checkout is the only copy" in capsys.readouterr().out
    assert "Running stage 'on'" in run(chain, ["dvc", "repro"]).stdout
    assert Path("dvc.lock").read_bytes() == locked
    assert doctor.main([]) == 0
    assert "cache: 6 of 6" in capsys.readouterr().out


def test_only_old_leftovers_are_told_and_removed(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, young = CACHE / "ab/.old.tmp", CACHE / "ab/.young.tmp"
    remote = REMOTE / "ab/.pushed.tmp"
    for file in (old, young, remote):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"half")
    for file in (old, remote):
        os.utime(file, (time.time() - 25 * 3600,) * 2)
    assert doctor.main([]) == 0
    said = capsys.readouterr().out
    assert f"{old}: left by a broken transfer" in said
    assert ".pushed.tmp: left by" in said
    assert "young" not in said
    assert doctor.main(["--mend"]) == 0
    assert [file.exists() for file in (old, young, remote)] == [False, True, False]


def test_a_damaged_dvc_lock_is_told_and_put_back(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_lock_copy()
    whole = Path("dvc.lock").read_bytes()
    Path("dvc.lock").write_bytes(whole[:50])
    assert doctor.main([]) == 1
    assert "dvc.lock is cut short (50 bytes)" in capsys.readouterr().out
    assert doctor.main(["--mend"]) == 0
    assert Path("dvc.lock").read_bytes() == whole


def test_a_fresh_checkout_has_nothing_wrong(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("dvc.lock").unlink()
    assert doctor.main([]) == 0
    assert "the first run writes it" in capsys.readouterr().out


def test_the_doctor_waits_for_a_run(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_WAIT_SECONDS", 0.0)
    with checkout_lock("nightly", 0, print), pytest.raises(CheckoutBusy, match="nightly"):
        doctor.main([])


@pytest.mark.slow
def test_the_command_ends_with_a_code_and_one_line(chain: Path) -> None:
    command = ["env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "flows.doctor"]
    assert try_run(chain, command).returncode == 0
    Path("dvc.lock").write_text("<<<<<<< HEAD\n")
    conflict = try_run(chain, [*command, "--mend"])
    assert conflict.returncode == 1
    assert conflict.stdout.splitlines()[-1].startswith("doctor failed: dvc.lock:1: holds a merge")
