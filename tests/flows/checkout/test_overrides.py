import hashlib
import os
import signal
import sys
from pathlib import Path

import pytest
import yaml

from flows.checkout.overrides import ORIGINAL, overridden, put_back
from tasks.errors import ParamsError
from tests.project import REPOSITORY

PARAMS = (REPOSITORY / "params.yaml").read_bytes()
SMALL = b"mine:  # not the code's\n  times: 2\n"
ASSIGNMENTS = ["train.max_epochs=1", "split.salt='7'", "tracking.loggers=[]"]


@pytest.fixture
def params(bare: Path) -> Path:
    file = bare / "params.yaml"
    file.write_bytes(PARAMS)
    file.chmod(0o640)
    return file


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.max_epochs", "expected KEY=VALUE, such as"),
        ("=1", "expected KEY=VALUE"),
        ("train.max_epoch=1", r"no such key in params.yaml. Meant: train.learning.max_epochs\?"),
        ("max_epochs=1", r"Meant: train.learning.max_epochs, sweep.hyperband.max_epochs\?"),
        ("zzz.qqq=1", "no such key in params.yaml. Its sections are fetch, aggregate, clean"),
        ("evaluate.max_texts=1", "has 4 keys of that name: evaluate.checks.1.texts.max_texts"),
        ("train.max_epochs=many", r"train.learning.max_epochs = 'many': input should be a valid"),
        ("train.max_epochs=1.5", r"train.learning.max_epochs = 1.5: input should be a valid"),
        ("label.votes={}", "Give another value"),
        ("split.salt=2", r"split.salt = 2: input should be a valid string"),
        ("train.encoder=[a", "the value is no YAML: .*Quote it"),
        ("flywheel.wait_minutes=-1", "flywheel.wait_minutes = -1"),
    ],
)
def test_a_wrong_key_or_value_is_one_clear_line_before_anything_is_written(
    params: Path, assignment: str, message: str
) -> None:
    with pytest.raises(ParamsError, match=message) as caught, overridden([assignment], print):
        pytest.fail("nothing may run with it")
    assert "\n" not in str(caught.value)
    assert params.read_bytes() == PARAMS
    assert not ORIGINAL.exists()


def test_the_file_is_itself_again_afterwards(params: Path) -> None:
    said: list[str] = []
    with overridden(ASSIGNMENTS, said.append):
        tree = yaml.safe_load(params.read_bytes())
        assert tree["train"]["learning"]["max_epochs"] == 1
        assert params.stat().st_mode & 0o777 == 0o640
    assert params.read_bytes() == PARAMS
    assert params.stat().st_mode & 0o777 == 0o640
    assert said[0] == "for this run alone, train.learning.max_epochs: 2 -> 1"
    assert len(said) == 3
    with pytest.raises(ZeroDivisionError), overridden(ASSIGNMENTS, print):
        raise ZeroDivisionError
    assert params.read_bytes() == PARAMS


def test_no_overrides_touch_nothing(bare: Path) -> None:
    with overridden([], print):
        pass
    assert [path.name for path in bare.rglob("*")] == [".dvc"]


def test_a_link_stays_a_link(bare: Path, params: Path) -> None:
    (bare / "elsewhere").mkdir()
    params.rename(bare / "elsewhere/mine.yaml")
    params.symlink_to("elsewhere/mine.yaml")
    with overridden(ASSIGNMENTS, print):
        assert params.is_symlink()
        assert b"max_epochs: 1" in (bare / "elsewhere/mine.yaml").read_bytes()
    assert params.is_symlink()
    assert params.read_bytes() == PARAMS


def test_an_edit_made_meanwhile_wins_and_the_original_is_kept(params: Path) -> None:
    said: list[str] = []
    with overridden(ASSIGNMENTS, lambda line: None):
        edited = params.read_bytes() + b"# mine\n"
        params.write_bytes(edited)
    put_back(said.append)  # nothing is left to do
    assert params.read_bytes() == edited
    (kept,) = Path("data/.rescued").rglob("params.yaml")
    assert kept.read_bytes() == PARAMS
    assert said == []


def test_an_edit_after_a_kill_wins_and_is_told(params: Path) -> None:
    params.write_bytes(SMALL)
    assert _run_and_die(after_events=10**6) == -signal.SIGKILL
    assert b"times: 3" in params.read_bytes()
    params.write_text("mine")
    said: list[str] = []
    put_back(said.append)
    assert params.read_text() == "mine"
    (kept,) = Path("data/.rescued").rglob("params.yaml")
    assert kept.read_bytes() == SMALL
    assert said[0].endswith(f"as it was before the run it is in {kept}")


def test_sigkill_at_any_step_leaves_what_the_next_start_mends(params: Path) -> None:
    """The process kills itself before its n-th file operation, for every n there is."""
    params.write_bytes(SMALL)
    seen = set()
    for step in range(1, 200):
        code = _run_and_die(step, end_inside=False)
        seen.add(hashlib.sha256(params.read_bytes()).hexdigest())
        if code == 0:
            break
        assert code == -signal.SIGKILL
        put_back(print)
        assert params.read_bytes() == SMALL
        assert params.stat().st_mode & 0o777 == 0o640
        assert [path.name for path in params.parent.iterdir() if path.is_file()] == ["params.yaml"]
    assert step > 15
    assert len(seen) == 2  # never anything but the one form or the other


def _run_and_die(after_events: int, end_inside: bool = True) -> int:
    """A process of its own that is killed before that many file operations, or inside the block."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = after_events

    def count(event: str, _: object) -> None:
        nonlocal left
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod"):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    with overridden(["mine.times=3"], lambda line: None):
        if end_inside:
            os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)
