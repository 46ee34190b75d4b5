"""Who holds the service's lock is found and asked; whatever else answers is said in one line."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest

from tasks import live_service
from tasks.errors import InputError, TemporaryError
from tasks.live_service import Service, find_service, predict, read_model, reload
from tasks.releases import SERVICE_LOCK, SERVICE_RECORD, Place

Answer = tuple[int, object]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def listener() -> Iterator[Callable[[Answer], tuple[Service, list[str]]]]:
    """A stranger at the address: it answers what it is told, and keeps the keys it was shown."""
    servers: list[http.server.HTTPServer] = []

    def start(answer: Answer) -> tuple[Service, list[str]]:
        keys: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.append(self.headers.get("Authorization", ""))
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}"
        return Service(url=url, admin_url=url, pid=1), keys

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_nobody_is_found_where_nobody_holds_the_lock(place: Place) -> None:
    assert find_service(place) is None
    assert not (place.folder / SERVICE_LOCK).exists()
    with filelock.FileLock(place.folder / SERVICE_LOCK):
        pass
    (place.folder / SERVICE_RECORD).write_text("{}")  # one that has ended leaves it
    assert find_service(place) is None


def test_those_who_ask_do_not_take_one_another_for_a_service(place: Place) -> None:
    (place.folder / SERVICE_LOCK).touch()
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(find_service, [place] * 20_000))
    assert found == {None}


def test_the_holder_is_found_by_its_record_once_it_listens(place: Place) -> None:
    with filelock.FileLock(place.folder / SERVICE_LOCK):
        with pytest.raises(TemporaryError, match=r"the service is alive, and .* Wait until it"):
            find_service(place)
        service = Service(url="http://127.0.0.1:1", admin_url="http://127.0.0.1:2", pid=3)
        (place.folder / SERVICE_RECORD).write_text(service.model_dump_json())
        assert find_service(place) == service


def test_a_service_that_is_gone_is_a_matter_of_time() -> None:
    gone = Service(url="http://127.0.0.1:1", admin_url="http://127.0.0.1:1", pid=1)
    with pytest.raises(TemporaryError, match=r"POST http://127\.0\.0\.1:1/v1/reload: ConnectError"):
        reload(gone, 1)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ((503, {"detail": "overloaded"}), TemporaryError, r"503: .*overloaded"),
        ((408, {"detail": "slow"}), TemporaryError, r"408: .*slow"),
        ((429, {"detail": "too many"}), TemporaryError, r"429: .*too many"),
        ((422, {"detail": "too long"}), InputError, r"422: .*too long.*serving\.limits"),
        ((404, {"detail": "no such page"}), InputError, r"404: .*no such page"),
        ((401, {}), InputError, "FLYWHEEL_API_KEY"),
        ((403, {}), InputError, "scopes admin and predict"),
        ((200, {"version": "v1.0.0"}), InputError, "manifest_sha256: Field required"),
        ((200, []), InputError, "Is that our own service"),
    ],
)
def test_another_answer_than_expected_is_said_in_one_line(
    listener: Callable[[Answer], tuple[Service, list[str]]],
    answer: Answer, error: type[Exception], says: str,
) -> None:  # fmt: skip
    service, _ = listener(answer)
    with pytest.raises(error, match=says) as raised:
        read_model(service, 5)
    assert "\n" not in str(raised.value)


def test_the_key_comes_from_the_environment_and_goes_past_any_proxy(
    listener: Callable[[Answer], tuple[Service, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv(live_service.KEY_FROM, raising=False)
    service, keys = listener((200, {"predictions": []}))
    assert predict(service, ["a"], 5) == []
    monkeypatch.setenv(live_service.KEY_FROM, "secret")
    predict(service, ["a"], 5)
    assert keys == ["", "Bearer secret"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", " "])
def test_what_surrounds_a_key_is_none_of_it(
    listener: Callable[[Answer], tuple[Service, list[str]]], monkeypatch: pytest.MonkeyPatch,
    ending: str,
) -> None:  # fmt: skip
    service, keys = listener((200, {"predictions": []}))
    monkeypatch.setenv(live_service.KEY_FROM, f"secret{ending}")
    predict(service, ["a"], 5)
    assert keys == ["Bearer secret"]


@pytest.mark.parametrize("key", ["hush\nb", "hush\rb", "hush\u00fd", "hush\x7f", "hush\udcff"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    gone = Service(url="http://127.0.0.1:1", admin_url="http://127.0.0.1:1", pid=1)
    monkeypatch.setenv(live_service.KEY_FROM, key)
    with pytest.raises(InputError, match=r"^FLYWHEEL_API_KEY: .*serving\.keys add") as refusal:
        reload(gone, 1)
    assert "hush" not in str(refusal.value)


def test_what_httpx_says_of_a_header_that_it_refuses_is_not_repeated(
    listener: Callable[[Answer], tuple[Service, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, _ = listener((200, {"predictions": []}))
    monkeypatch.setattr(live_service, "read_key", lambda: "hush\n")
    with pytest.raises(TemporaryError, match=r"predict: LocalProtocolError$"):
        predict(service, ["a"], 5)
