"""Opening the store: private files, a careful SQLite, and one line without secrets on failure."""

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from flows.services.temporary import free_port
from serving.store.engine import open_engine, store_url, writing
from serving.store.problems import explaining
from serving.store.schema import upgrade
from tasks.errors import FlywheelError, InputError, TemporaryError
from tests.postgres import Database
from tests.project import REPOSITORY
from tests.serving.store.predictions import PARAMS
from tests.tasks.namespaces import bound_by_permissions, in_namespace

SECRET = "canary-7f3a"


def refusal_of(url: str) -> FlywheelError:
    """What opening this and bringing it up to date ends with: one line, and no secret."""
    with pytest.raises(FlywheelError) as caught:
        open_and_upgrade(url)
    said = str(caught.value)
    assert "\n" not in said
    assert SECRET not in said
    assert caught.value.__cause__ is None
    return caught.value


def open_and_upgrade(url: str) -> None:
    engine = open_engine(url)
    try:
        assert SECRET not in repr(engine)
        upgrade(engine)
    finally:
        engine.dispose()


def test_the_environment_names_the_store_before_params_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PARAMS.url_from, raising=False)
    assert store_url(PARAMS) == "sqlite:///live/store.db"
    monkeypatch.setenv(PARAMS.url_from, "postgresql+psycopg://u:p@host/name")
    assert store_url(PARAMS) == "postgresql+psycopg://u:p@host/name"


def test_a_password_in_params_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PARAMS.url_from, raising=False)
    params = PARAMS.model_copy(update={"url": f"postgresql+psycopg://u:{SECRET}@host/name"})
    with pytest.raises(InputError, match="FLYWHEEL_STORE") as caught:
        store_url(params)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "", SECRET, f"mysql://u:{SECRET}@host/name", f"postgresql://u:{SECRET}@more@host/name",
        f"postgresql://u:a@{SECRET}@host/name", f"postgresql://u:p@host:{SECRET}/name",
        "sqlite://", "sqlite:///:memory:", f"sqlite:///file?key={SECRET}",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    assert isinstance(refusal_of(url), InputError)


def test_a_new_file_and_its_folder_are_the_owners_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder = tmp_path / "made/live"
    engine = open_engine(f"sqlite:///{folder}/store.db")
    upgrade(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT * FROM predictions"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert modes == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)
    engine.dispose()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755  # was there before


def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    sqlite3.connect(file).close()
    file.touch()
    file.chmod(0o644)
    open_and_upgrade(f"sqlite:///{file}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_sqlite_is_set_to_lose_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with engine.connect() as connection:
        found = [connection.scalar(text(f"PRAGMA {name}")) for name in names]
    engine.dispose()
    assert found == ["wal", 2, 1, 5000]  # 2: FULL


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_bytes(b"prediction_id,text\n" * 100)
    problem = refusal_of(f"sqlite:///{file}")
    assert isinstance(problem, InputError)
    assert "it is no SQLite database" in str(problem)
    assert file.read_bytes() == b"prediction_id,text\n" * 100


@pytest.mark.slow
def test_a_locked_database_is_waited_for_and_then_a_temporary_error(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    engine = open_engine(url)
    upgrade(engine)
    with writing(engine):
        problem = locked_out(open_engine(url))
    engine.dispose()
    assert isinstance(problem, TemporaryError)
    assert "another process holds it locked" in str(problem)


def locked_out(other: Engine) -> FlywheelError:
    with pytest.raises(FlywheelError) as caught, explaining(other), writing(other):
        pass
    other.dispose()
    return caught.value


UPGRADE = """
import sys
from serving.store.engine import open_engine
from serving.store.schema import upgrade
from tasks.errors import FlywheelError
try:
    upgrade(open_engine("sqlite:///" + sys.argv[1]))
except FlywheelError as problem:
    print(type(problem).__name__, problem)
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_written_is_refused(what: str, tmp_path: Path) -> None:
    file = tmp_path / "live/store.db"
    file.parent.mkdir()
    if what == "file":
        file.touch(mode=0o400)
    file.parent.chmod(0o500)
    result = subprocess.run(
        [*bound_by_permissions(), sys.executable, "-c", UPGRADE, file],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"InputError sqlite:///{file}: "), result.stdout
    assert "Let this user write" in result.stdout


def test_a_full_disk_is_a_temporary_error(tmp_path: Path) -> None:
    (tmp_path / "upgrade.py").write_text(UPGRADE)
    mount = "mkdir disk; mount -t tmpfs -o size=16k none disk; cd disk"
    result = in_namespace(f"{mount}; {sys.executable} ../upgrade.py store.db", tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("TemporaryError sqlite:///store.db: the disk "), result.stdout


def test_a_server_that_is_away_is_a_temporary_error() -> None:
    problem = refusal_of(f"postgresql://somebody:{SECRET}@127.0.0.1:{free_port()}/name")
    assert isinstance(problem, TemporaryError)
    assert "it cannot be reached" in str(problem)
    assert "somebody:***@127.0.0.1" in str(problem)


@pytest.mark.slow
def test_a_server_that_lets_nobody_in_says_why(database: Database) -> None:
    where = f"127.0.0.1:{database.port}"
    refused = refusal_of(f"postgresql://postgres:{SECRET}@{where}/postgres")
    assert "it refuses the user or the password" in str(refused)
    missing = refusal_of(database.url_for("psycopg", "missing"))
    assert "it has no such database or user" in str(missing)
