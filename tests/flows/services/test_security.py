import base64
import json
import stat
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from fastapi.routing import APIWebSocketRoute
from prefect.server.api.server import API_ROUTERS
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.flows.services.place import PATIENCE_SECONDS, Place, command_of

pytestmark = pytest.mark.slow
# Prefect answers these to anybody, so that a load balancer can ask without a password: they say
# whether the server is alive, and nothing of what it holds.
OPEN = {("get", "/api/health"), ("get", "/api/ready")}
METHODS = {"get", "post", "put", "patch", "delete"}
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def web(place: Place) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=origin(place), timeout=PATIENCE_SECONDS) as client:
        yield client


@pytest.fixture(scope="module")
def secret(place: Place) -> str:
    return place.profile()["PREFECT_SERVER_API_AUTH_STRING"]


@pytest.fixture(scope="module")
def basic(secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


@pytest.fixture(scope="module")
def csrf(place: Place, basic: dict[str, str]) -> dict[str, str]:
    """Headers that pass the check for forged requests, so that the one for passwords is reached."""
    url = f"{origin(place)}/api/csrf-token"
    token = httpx.get(
        url, params={"client": "test"}, headers=basic, timeout=PATIENCE_SECONDS
    ).json()["token"]
    return {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"}


@pytest.fixture(scope="module")
def routes(place: Place, basic: dict[str, str]) -> list[tuple[str, str]]:
    schema = httpx.get(
        f"{origin(place)}/api/openapi.json", headers=basic, timeout=PATIENCE_SECONDS
    ).json()
    return [
        (method, path if path.startswith("/api/") else f"/api{path}")
        for path, methods in schema["paths"].items()
        for method in METHODS & set(methods)
    ]


def origin(place: Place) -> str:
    return f"http://127.0.0.1:{place.port}"


def filled(path: str) -> str:
    """A path with its placeholders filled in."""
    return "/".join(NOBODY if part.startswith("{") else part for part in path.split("/"))


def ask(web: httpx.Client, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    body: dict[str, Any] = {} if method in ("get", "delete") else {"json": {}}
    return web.request(method, filled(path), headers=headers, **body)


def test_every_route_wants_the_password(
    web: httpx.Client, routes: list[tuple[str, str]], csrf: dict[str, str]
) -> None:
    assert len(routes) > 150
    wrong = {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode()}
    for headers in (csrf, csrf | wrong, csrf | {"Authorization": "Bearer x"}):
        answers = {(m, p): ask(web, m, p, headers).status_code for m, p in routes}
        assert {route for route, status in answers.items() if status != 401} == OPEN


def test_without_anything_no_route_answers(
    web: httpx.Client, routes: list[tuple[str, str]]
) -> None:
    """A changing call fails already for want of a CSRF token, before its password is looked at."""
    for method, path in set(routes) - OPEN:
        expected = 401 if method == "get" else 403
        assert ask(web, method, path, {}).status_code == expected, (method, path)


def test_a_path_that_ends_like_the_open_ones_is_not_open(place: Place, web: httpx.Client) -> None:
    for path in ("/api/variables/name/x-health", "/api/variables/name/health", "/api/x/ready"):
        assert ask(web, "get", path, {}).status_code == 401
        assert ask(web, "get", path, {"Host": f"127.0.0.1:{place.port}/health"}).status_code != 200


def test_what_needs_no_password_holds_no_data(place: Place, secret: str) -> None:
    """Beside the API lie the UI's files, its settings, and a description of the API."""
    settings = httpx.get(f"{origin(place)}/ui-settings")
    assert settings.json()["auth"] == "BASIC"
    for path in ("/ui-settings", "/openapi.json", "/", "/api/health"):
        assert secret not in httpx.get(origin(place) + path, timeout=PATIENCE_SECONDS).text


def websocket_paths() -> list[str]:
    return [
        str(route.path)
        for router in API_ROUTERS
        for route in router.routes
        if isinstance(route, APIWebSocketRoute)
    ]


def test_there_are_websockets_to_test() -> None:
    assert "/events/in" in websocket_paths()


@pytest.mark.parametrize("path", websocket_paths())
@pytest.mark.parametrize("token", [None, "wrong"])
def test_websockets_want_the_password(place: Place, path: str, token: str | None) -> None:
    url = f"ws://127.0.0.1:{place.port}/api{filled(path)}"
    with pytest.raises((ConnectionClosed, InvalidStatus)), connect(url, proxy=None) as plain:
        plain.recv(timeout=10)  # without Prefect's subprotocol there is no way to log in
    with connect(url, subprotocols=["prefect"], proxy=None) as socket:  # type: ignore[list-item]
        socket.send(json.dumps({"type": "auth", "token": token}))
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


def test_a_password_alone_changes_nothing(
    place: Place, basic: dict[str, str], csrf: dict[str, str]
) -> None:
    """A page elsewhere can make a browser send the password; it cannot make it send the token."""
    url, body = f"{origin(place)}/api/variables/", {"name": "forged", "value": 1}
    assert httpx.post(url, json=body, headers=basic).status_code == 403
    other = basic | csrf | {"Prefect-Csrf-Client": "another"}
    assert httpx.post(url, json=body, headers=other).status_code == 403
    assert (
        httpx.post(url, json=body, headers=basic | csrf, timeout=PATIENCE_SECONDS).status_code
        == 201
    )
    httpx.delete(f"{url}name/forged", headers=basic | csrf)


@pytest.mark.parametrize("foreign", ["https://evil.example.org", "null", "http://127.0.0.1:1"])
def test_a_foreign_page_may_not_read(place: Place, foreign: str, basic: dict[str, str]) -> None:
    url = f"{origin(place)}/api/admin/version"
    wish = {"Origin": foreign, "Access-Control-Request-Method": "POST"}
    for answer in (httpx.options(url, headers=wish), httpx.get(url, headers=basic | wish)):
        assert "access-control-allow-origin" not in answer.headers
    own = httpx.get(url, headers=basic | {"Origin": origin(place)})
    assert own.headers["access-control-allow-origin"] == origin(place)


def test_it_listens_on_loopback_alone(place: Place) -> None:
    listening = [
        connection.laddr.ip
        for process in place.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_files_are_for_their_owner_alone(place: Place) -> None:
    home = place.folder / ".prefect"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in ("profiles.toml", "prefect.db", "server.log", "worker.log", "supervisord.log"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600, name


def test_the_secret_is_nowhere_but_in_its_file(place: Place, secret: str) -> None:
    place.wait_for_state(place.start(), "Completed")
    place.up()
    status = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=place.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ".prefect" not in status.stdout
    for process in psutil.process_iter():
        assert secret not in " ".join(command_of(process))
    for log in place.folder.rglob(".prefect/*.log*"):
        assert secret not in log.read_text()
    with place.client() as client:
        for run in client.read_flow_runs():
            assert secret not in run.model_dump_json()
        assert all(secret not in line.message for line in client.read_logs())
