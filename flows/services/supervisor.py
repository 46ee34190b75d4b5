"""supervisord of this checkout: its start, its end, and whatever of its family is left over."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from flows.services import address, ports
from tasks.errors import FlywheelError, TemporaryError

CONFIG = Path(__file__).with_name("supervisord.conf")
LOG, SERVER_LOG, WORKER_LOG, SERVING_LOG = (
    address.HOME / f"{name}.log" for name in ("supervisord", "server", "worker", "serving")
)
_PID_FILE = address.HOME / "supervisord.pid"
_OWNER = "FLYWHEEL_SERVICES_OF"  # in the environment of everything that `make up` started
_ORIGINS = "PREFECT_SERVER_CORS_ALLOWED_ORIGINS"  # pages that may call the API from a browser
_START_SECONDS = 180.0
_END_SECONDS = 65.0  # above the three programs' own: 10, 15 and 25
_ENOUGH_FAILURES = 2
_ERROR = re.compile(r"[\w.]+(Error|Exception): ")  # as a traceback ends
_SHOWN_CHARACTERS = 300
_SECRETS = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", address.PASSWORD)  # the profile has them


def running() -> psutil.Process | None:
    """This checkout's supervisord; a stale pid file, or a pid used anew, is none."""
    try:
        process = psutil.Process(int(_PID_FILE.read_text()))
        return process if _is_ours(process) and process.status() != "zombie" else None
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def start(api_url: str) -> None:
    """Start supervisord as a daemon that lives on until `make down`."""
    command = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(CONFIG)]
    result = subprocess.run(
        command, env=environment(api_url), umask=0o077, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        reason = " ".join((result.stdout + result.stderr).split())
        raise FlywheelError(f"{CONFIG}: supervisord did not start: {reason}. Mend the file.")


def environment(api_url: str) -> dict[str, str]:
    """For every service: whatever else the user has set, this server and no other."""
    mask = os.umask(0)
    os.umask(mask)
    inherited = {key: value for key, value in os.environ.items() if key not in _SECRETS}
    port = address.port_of(api_url)
    own_ui = f"{api_url.removesuffix('/api')},http://localhost:{port}"
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "PWD": str(Path.cwd()),  # prefect.yaml puts it into the deployments
        "PYTHONUNBUFFERED": "1",
        "PREFECT_HOME": str(address.HOME.resolve()),
        "PREFECT_PROFILES_PATH": str(address.PROFILES.resolve()),
        "PREFECT_PROFILE": address.UP,
        "PREFECT_API_URL": api_url,
        "PREFECT_SERVER_API_HOST": ports.host(),
        address.BROKER: "flows.services.messaging",
        "PREFECT_SERVER_API_PORT": str(port),
        _ORIGINS: os.environ.get(_ORIGINS, own_ui),
        "FLYWHEEL_UMASK": f"{mask:03o}",
        _OWNER: str(address.HOME.resolve()),
    }


def wait_until_ready() -> None:
    """Until the server answers; a server that cannot start is reported, not waited for."""
    deadline, failures = time.monotonic() + _START_SECONDS, _num_failures()
    while address.running_api() is None:
        hopeless = _num_failures() - failures >= _ENOUGH_FAILURES
        if hopeless or time.monotonic() > deadline:
            raise TemporaryError(
                f"{address.read_profile(address.UP)['PREFECT_API_URL']}: the Prefect server does "
                f"not start; its last words: {last_words(SERVER_LOG)}. Mend that ({SERVER_LOG} has "
                "the rest), then: make up"
            )
        time.sleep(0.1)


def _num_failures() -> int:
    return LOG.read_text().count("exited: server ") if LOG.exists() else 0


def stop(say: Callable[[str], None]) -> int:
    """End supervisord and all that stems from it; returns how many processes that were."""
    daemon = running()
    family = ours()
    if daemon:
        say(f"ending supervisord (pid {daemon.pid}), the service, the worker and the server")
        daemon.terminate()  # it ends the service, the worker, then the server
        psutil.wait_procs([daemon], timeout=_END_SECONDS)
    leftovers = ours()
    for process in leftovers:
        process.kill()
    psutil.wait_procs(leftovers, timeout=_END_SECONDS)
    _PID_FILE.unlink(missing_ok=True)
    return len(family)


def ours() -> list[psutil.Process]:
    """Every process that `make up` of this checkout started, directly or not."""
    return [process for process in psutil.process_iter() if _is_ours(process)]


def _is_ours(process: psutil.Process) -> bool:
    try:
        owner: str | None = process.environ().get(_OWNER)
    except psutil.Error:  # gone meanwhile, or another user's
        return False
    return owner == str(address.HOME.resolve())


def last_words(log: Path) -> str:
    """The last line of a log that names an error, else the last that says anything."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    return (errors or lines or ["none"])[-1][:_SHOWN_CHARACTERS]
