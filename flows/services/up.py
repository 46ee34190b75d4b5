"""`make up`: Prefect and the prediction service on this machine, until `make down`."""

import contextlib
import time

from filelock import FileLock
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.services import address, ports, supervisor
from flows.services.configure import DEPLOYMENTS, configure
from flows.services.down import end
from flows.terminal import run_door, say
from tasks.errors import InputError, TemporaryError
from tasks.live_service import find_service
from tasks.releases import LIVE, Place

_SERVICE_SECONDS = 10.0


def main() -> None:
    if not DEPLOYMENTS.is_file():
        raise InputError(f"{DEPLOYMENTS}: no such file here. Run from the repository's root.")
    address.HOME.mkdir(mode=0o700, exist_ok=True)
    address.HOME.chmod(0o700)
    with FileLock(address.HOME / "up.lock"):  # two calls at once: the second finds it all done
        started = time.monotonic()
        api_url = _start()
        say(f"server ready after {time.monotonic() - started:.0f} s; applying {DEPLOYMENTS}")
        settings = {
            PREFECT_API_URL: api_url,
            PREFECT_API_AUTH_STRING: address.password(),
        }
        with temporary_settings(settings):
            configure(supervisor.environment(api_url), say)
        say(f"up after {time.monotonic() - started:.0f} s\n")
    _explain(api_url)


def _start() -> str:
    """Start supervisord unless it runs; returns the API's URL."""
    daemon = supervisor.running()
    return _keep(daemon.pid) if daemon else _begin()


def _keep(pid: int) -> str:
    api_url = address.read_profile(address.UP)["PREFECT_API_URL"]
    port, wanted = address.port_of(api_url), ports.wanted()
    if wanted not in (None, port):
        raise InputError(
            f"port {wanted}: the services are up on port {port}. To move them: make down, "
            f"then: make up PORT={wanted}"
        )
    if ports.is_set() and address.url_of(port, ports.host()) != api_url:
        raise InputError(
            f"PREFECT_SERVER_API_HOST={ports.host()}: the services are up on {api_url}. To move "
            f"them: make down, then: PREFECT_SERVER_API_HOST={ports.host()} make up"
        )
    say(f"already running (supervisord, pid {pid}); bringing it up to date")
    address.write_profiles(address.UP, api_url, address.password())
    supervisor.wait_until_ready()
    return api_url


def _begin() -> str:
    host, port = ports.host(), ports.wanted() or ports.DEFAULT
    ports.check_free(port)
    say(f"starting a Prefect server on {host}:{port} and a worker (about 20 s at first)")
    if host not in (address.LOOPBACK, "localhost"):
        say("note: others can reach it; its password crosses the network unless TLS is in front")
    api_url = address.url_of(port, host)
    address.write_profiles(address.UP, api_url, address.password())
    try:
        supervisor.start(api_url)
        supervisor.wait_until_ready()
    except BaseException:
        end(say)
        raise
    return api_url


def _explain(api_url: str) -> None:
    say(f"  UI         {api_url.removesuffix('/api')}")
    say(f"  API        {api_url}")
    say(f"  password   in {address.PROFILES} ({address.PASSWORD}), for the UI's first page")
    say(f"  service    {_describe_service()}")
    say(f"  logs       {supervisor.SERVER_LOG}, {supervisor.WORKER_LOG}, {supervisor.SERVING_LOG}")
    say("  run        in the UI: Deployments, flywheel, Run; or here: make run, or")
    say("             prefect deployment run flywheel/flywheel --watch")
    say("  end        make down")


def _describe_service() -> str:
    """It starts beside all else; one that does not is said here, not waited for."""
    deadline = time.monotonic() + _SERVICE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(TemporaryError):
            if service := find_service(Place(LIVE)):
                return f"{service.url} (documentation: {service.url}/docs)"
        time.sleep(0.1)
    return f"not up: {supervisor.last_words(supervisor.SERVING_LOG)}"


if __name__ == "__main__":
    run_door("up", main)
