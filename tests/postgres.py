"""A PostgreSQL server for one test, where its programs are installed."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flows.services.temporary import free_port
from tests.flows.services.place import wait_for
from tests.project import environment
from tests.tasks.namespaces import leave_untested

PASSWORD = "s3same"


class Database(NamedTuple):
    programs: Path
    port: int
    folder: Path

    def url_for(self, driver: str, name: str = "postgres") -> str:
        return f"postgresql+{driver}://postgres:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def is_ready(self) -> bool:
        command = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def ask(self, query: str) -> str:
        command = [self.programs / "psql", "-At", "-h", "127.0.0.1", "-p", str(self.port)]
        result = subprocess.run(
            [*command, "-U", "postgres", "-c", query],
            env={**environment(), "PGPASSWORD": PASSWORD}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()


@contextlib.contextmanager
def serve_database() -> Iterator[Database]:
    """One of its own, asking for a password."""
    with make_database() as made, serving(made):
        yield made


@contextlib.contextmanager
def make_database() -> Iterator[Database]:
    """The files of one, which `serving` starts, as often as it is called."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:  # pytest's are root's alone
        made = Database(find_programs(), free_port(), Path(name))
        (made.folder / "password").write_text(PASSWORD)
        if user := find_user():
            shutil.chown(made.folder, user)
        login = ["-U", "postgres", "-A", "scram-sha-256", "--pwfile", "password", "--no-sync"]
        command = [made.programs / "initdb", "-D", "data", *login]
        subprocess.run(command, user=user, cwd=name, check=True, stdout=subprocess.DEVNULL)
        yield made


@contextlib.contextmanager
def serving(database: Database) -> Iterator[None]:
    listen = ["-h", "127.0.0.1", "-p", str(database.port), "-k", database.folder]
    command = [database.programs / "postgres", "-D", "data", *listen]
    log = database.folder / "log"
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, user=find_user(), cwd=database.folder, stdout=output, stderr=output
        ) as server,
    ):
        try:
            wait_for(database.is_ready, 60, log.read_text)
            yield
        finally:
            server.send_signal(signal.SIGINT)  # not waiting for clients


def find_user() -> str | None:
    """Root lends it to user postgres, as it must."""
    return "postgres" if os.geteuid() == 0 else None


def find_programs() -> Path:
    """Debian keeps them out of the PATH; the newest version counts."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not (found := [*installed, *filter(None, [shutil.which("postgres")])]):
        leave_untested("no PostgreSQL here (Debian: apt-get install postgresql)")
    return Path(found[len(installed) - 1]).parent
