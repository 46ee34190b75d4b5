"""The command that makes, lists and revokes keys, and the names it takes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from serving.keys import add_key, list_keys, renew_key, revoke_key
from tasks.errors import InputError
from tests.project import REPOSITORY, environment, write_params
from tests.serving.stores import open_store


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_store(tmp_path) as made:
        yield made


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 81, "\x1b[31m", "a\u202eb"])
def test_a_name_that_could_forge_a_line_is_refused(name: str, engine: Engine) -> None:
    with pytest.raises(InputError, match="printable characters") as caught:
        add_key(engine, name, ["predict"])
    assert "\n" not in str(caught.value)
    assert list_keys(engine) == []


def test_revoking_what_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(InputError, match="there is none with this id"):
        revoke_key(engine, "fw_0_0")


def test_a_revoked_key_is_not_renewed(engine: Engine) -> None:
    key_id = add_key(engine, "shop", ["predict"]).split("_")[1]
    assert renew_key(engine, key_id).split("_")[:2] == ["fw", key_id]
    revoke_key(engine, key_id)
    for gone in (key_id, "fw_0_0"):
        with pytest.raises(InputError, match="no valid key has this id"):
            renew_key(engine, gone)


def test_the_command_makes_lists_and_revokes(tmp_path: Path) -> None:
    write_params(tmp_path)
    key = said_by(tmp_path, "add", "the shop", "--scope", "predict", "--scope", "admin").strip()
    assert key.startswith("fw_")
    key_id, secret = key.split("_", 2)[1:]
    listed = said_by(tmp_path, "list")
    assert listed.startswith(f"{key_id}  the shop  admin predict  since 20")
    assert said_by(tmp_path, "revoke", key_id) == f"key {key_id} is revoked\n"
    listed = said_by(tmp_path, "list")
    assert "  revoked 20" in listed
    assert secret not in listed
    assert said_by(tmp_path, "revoke", "nothing", code=1).startswith("keys failed: key 'nothing':")


def test_the_command_tells_no_password(tmp_path: Path) -> None:
    write_params(tmp_path)
    url = "postgresql://somebody:canary-7f3a@127.0.0.1:1/name"
    said = said_by(tmp_path, "list", code=1, FLYWHEEL_STORE=url)
    assert said.startswith("keys failed: postgresql+psycopg://somebody:***@127.0.0.1:1/name: ")
    assert said.count("\n") == 1
    assert "canary" not in said


def said_by(folder: Path, *arguments: str, code: int = 0, **variables: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "serving.keys", *arguments],
        cwd=folder, env=environment() | {"PYTHONPATH": str(REPOSITORY)} | variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert result.returncode == code, result.stdout
    return result.stdout
