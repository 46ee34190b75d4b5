"""A Prefect server like that of `make up`, started before anything is measured."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.orchestration.workplace import REPOSITORY, SILENT

START_SECONDS = 120
END_SECONDS = 20


@contextlib.contextmanager
def prefect_server() -> Iterator[dict[str, str]]:
    """Yield the settings with which a flow finds it; the repository's own settings hold for it."""
    password = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="bench-server-") as root:
        shutil.copy2(REPOSITORY / "pyproject.toml", root)
        port = _free_port()
        url = f"http://127.0.0.1:{port}/api"
        environment = {
            **os.environ, **SILENT, "PREFECT_HOME": root, "PREFECT_API_URL": url,
            "PREFECT_SERVER_API_AUTH_STRING": password,
        }  # fmt: skip
        command = [sys.executable, "-m", "prefect", "server", "start"]
        with Path(root, "server.log").open("w+") as log:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)], cwd=root, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            try:
                _wait_until_ready(process, url, Path(log.name))
                yield {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": password}
            finally:
                _end(process)


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback: no proxy
    while True:
        with contextlib.suppress(OSError, urllib.error.URLError), opener.open(f"{url}/health"):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{log.read_text()}\nthe Prefect server did not start at {url}")
        time.sleep(0.2)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Its whole group: the command and the web server it started."""
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(END_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
