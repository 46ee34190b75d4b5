import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.checkout.dvc_locks import BUSY_PATHS
from flows.checkout.health import keep_lock_copy, mend
from flows.checkout.lock import STATE, checkout_lock
from flows.checkout.lock_file import DVC_LOCK, GOOD_COPY
from tests.project import run, try_run


def test_a_sound_checkout_is_mended_without_a_word(chain: Path) -> None:
    said: list[str] = []
    with checkout_lock("test", 0, said.append):
        mend(said.append)
    assert said == []


@pytest.mark.slow
def test_all_that_a_kill_leaves_is_put_right_at_once(chain: Path) -> None:
    keep_lock_copy()
    DVC_LOCK.write_bytes(b"")
    BUSY_PATHS.write_bytes(b"")
    (STATE / "params.yaml.original").write_bytes(Path("params.yaml").read_bytes())
    Path("params.yaml").write_bytes(b"")
    said: list[str] = []
    with checkout_lock("test", 0, said.append):
        mend(said.append)
    assert Path("params.yaml").read_text() == "factor: 2\n"
    assert "dvc.lock" in " ".join(said)
    assert "rwlock" in " ".join(said)
    assert "up to date" in run(chain, ["dvc", "status"]).stdout
    assert run(chain, ["git", "status", "--porcelain"]).stdout == ""


def test_stages_that_end_together_keep_one_good_copy(chain: Path) -> None:
    for _ in range(10):
        GOOD_COPY.unlink(missing_ok=True)
        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(keep_lock_copy) for _ in range(8)]:
                done.result()
        assert GOOD_COPY.read_bytes() == DVC_LOCK.read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize(("file", "write"), [("dvc.lock", 1), (".dvc/tmp/rwlock", 2)])
def test_dvc_killed_at_its_first_write_is_mended(chain: Path, file: str, write: int) -> None:
    keep_lock_copy()
    Path("data/raw/seed.txt").write_text("9\n8\n")
    fault = f"inject=write:signal=SIGKILL:when={write}"
    kill = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(chain / file), "-e", fault]
    assert try_run(chain, [*kill, "dvc", "repro"]).returncode < 0
    assert Path(file).read_bytes() == b""
    assert try_run(chain, ["dvc", "status"]).returncode != 0  # the control
    mend(print)
    run(chain, ["dvc", "repro"])
    assert "up to date" in run(chain, ["dvc", "status"]).stdout
