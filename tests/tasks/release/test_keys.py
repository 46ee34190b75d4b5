"""A service whose keys are on: without one nothing is begun, with one the probe uses it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.errors import InputError
from tasks.live_service import KEY_FROM
from tasks.release.__main__ import main as release_command
from tasks.release.promotion import promote
from tasks.releases import read_history, read_pointer
from tests.tasks.release.side import PLACE, make_live, make_release, order, params, running_service


def add_key(*scopes: str) -> str:
    words = [word for scope in scopes for word in ("--scope", scope)]
    command = [sys.executable, "-m", "serving.keys", "add", "ann", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def require_keys() -> None:
    tree = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    tree["serving"] |= {"require_api_keys": True}
    Path("params.yaml").write_text(yaml.safe_dump(tree), "utf-8")


@pytest.mark.slow
def test_a_promotion_shows_its_key_and_does_not_begin_without(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_keys()
    PLACE.folder.mkdir(mode=0o700)
    key = add_key("admin", "predict")
    first = make_release(packaged, "first")
    make_release(packaged, "second", champion=first)
    make_live(first)
    before = read_pointer(PLACE)
    monkeypatch.setenv(KEY_FROM, key)
    with running_service():
        monkeypatch.setenv(KEY_FROM, add_key("predict"))
        with pytest.raises(InputError, match=f"scopes admin and predict .* {KEY_FROM}") as refusal:
            promote(PLACE, params(), order("v1.1.0"), print)
        assert read_pointer(PLACE) == before
        monkeypatch.setenv(KEY_FROM, f"{key}\n")  # as a secrets' file that somebody read has it
        assert "answers as v1.1.0" in promote(PLACE, params(), order("v1.1.0"), print)
    written = [path.read_bytes() for path in Path().rglob("*") if path.is_file()]
    assert not any(key.encode() in content for content in written)
    assert key not in str(refusal.value)
    assert len(read_history(PLACE)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["\n2", "\u00fd"])
def test_what_is_no_key_begins_nothing_stops_no_rollback_and_is_written_nowhere(
    packaged: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], ending: str
) -> None:
    first = make_release(packaged, "first")
    second = make_release(packaged, "second", champion=first)
    make_release(packaged, "third", champion=second)
    make_live(first)
    make_live(second)
    before = read_pointer(PLACE)
    with running_service():
        monkeypatch.setenv(KEY_FROM, f"hush-7f3a{ending}")
        with pytest.raises(InputError, match=KEY_FROM) as refusal:
            promote(PLACE, params(), order("v1.2.0"), print)
        assert read_pointer(PLACE) == before
        assert release_command(["rollback", "--why", "odd"]) == 0
    live = read_pointer(PLACE).live
    assert live
    assert live.version == "v1.0.0"
    said = capfd.readouterr().out
    assert re.search(rf"^but {KEY_FROM}: .*$", said, re.MULTILINE)
    written = [path.read_bytes() for path in Path().rglob("*") if path.is_file()]
    assert not any(b"hush-7f3a" in content for content in [*written, said.encode()])
    assert "hush-7f3a" not in str(refusal.value)
