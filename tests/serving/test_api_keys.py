"""Who may ask: nobody from outside without a key, and with one only what its scopes allow."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.project import REPOSITORY
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, Served, wait_for


def make_key(live_place: LivePlace, name: str, *scopes: str) -> str:
    options = [word for scope in scopes for word in ("--scope", scope)]
    said = run(live_place.folder, "serving.keys", "add", name, *options).stdout
    (key,) = re.findall(r"fw_\w+_[\w-]+", said)
    return str(key)


def run(folder: Path, module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, text=True, capture_output=True,
        env={"PYTHONPATH": str(REPOSITORY)}, timeout=60, check=False,
    )  # fmt: skip


def ask(served: Served, key: str, path: str = "/v1/predict") -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = f"{served.url}{path}"
    if path.endswith(("predict", "feedback")):
        return httpx.post(url, json={"texts": ["good"]}, headers=headers).status_code
    return httpx.get(url, headers=headers).status_code


def test_keys_scopes_and_revocation(live_place: LivePlace, bundles: Bundles) -> None:
    live_place.write_params(require_api_keys=True, key_refresh_seconds=0.1)
    live_place.point(live_place.release("v1.0.0", bundles.first))
    asker = make_key(live_place, "asker", "predict")
    admin = make_key(live_place, "admin", "admin")
    with live_place.serve() as served:
        assert ask(served, asker) == 200
        document = httpx.get(f"{served.url}/openapi.json").json()
        assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
        locked = {path for path, methods in document["paths"].items()
                  for method in methods.values() if "security" in method}  # fmt: skip
        assert locked == {"/v1/predict", "/v1/feedback", "/v1/model", "/metrics"}
        assert [ask(served, key) for key in ("", "fw_x_y", asker[:-1], asker + "x")] == [401] * 4
        assert ask(served, admin) == 403
        assert [ask(served, asker, path) for path in ("/v1/feedback", "/metrics")] == [403, 403]
        assert ask(served, admin, "/metrics") == ask(served, asker, "/v1/model") == 200
        assert ask(served, "", "/healthz") == ask(served, "", "/readyz") == 200
        assert httpx.get(f"{served.admin_url}/v1/state").status_code == 401
        header = {"authorization": f"Bearer {asker}"}
        assert httpx.get(f"{served.admin_url}/v1/state", headers=header).status_code == 403
        run(live_place.folder, "serving.keys", "revoke", asker.split("_")[1])
        wait_for(lambda: ask(served, asker) == 401)
        late = make_key(live_place, "late", "predict")
        wait_for(lambda: ask(served, late) == 200)
        said = served.log.read_text()
    for key in (asker, admin, late):
        assert key.split("_", 2)[2] not in said, "a secret is in no log"


def test_a_key_has_a_rate_and_others_do_not_feel_it(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.write_params(
        require_api_keys=True,
        limits__texts_per_second=0.05,
        limits__max_texts=3,
        limits__burst_texts=3,
    )
    live_place.point(live_place.release("v1.0.0", bundles.first))
    keen, calm = (make_key(live_place, name, "predict") for name in ("keen", "calm"))
    with live_place.serve() as served:
        assert [ask(served, keen) for _ in range(5)] == [200, 200, 200, 429, 429]
        answer = served.predict("a", authorization=f"Bearer {keen}")
        assert 5 <= int(answer.headers["retry-after"]) <= 20  # a text each 20 s
        assert ask(served, calm) == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.255.255.1"])
def test_on_any_other_address_it_does_not_start_without_keys(
    live_place: LivePlace, host: str
) -> None:
    live_place.write_params(host=host)
    result = run(live_place.folder, "serving")
    assert result.returncode == 1
    lines = result.stderr.strip().splitlines()
    assert "serving failed: " in lines[-1]
    assert "python -m serving.keys add" in lines[-1] or "Cannot assign" in lines[-1]
    assert "Traceback" not in result.stderr
    assert not (live_place.place.folder / "service.json").exists()


def test_with_a_key_it_may_be_reached_from_outside(live_place: LivePlace, bundles: Bundles) -> None:
    live_place.write_params(host="0.0.0.0")
    live_place.point(live_place.release("v1.0.0", bundles.first))
    key = make_key(live_place, "asker", "predict")
    with live_place.serve() as served:
        here = served._replace(url=f"http://127.0.0.1:{served.port}")
        assert ask(here, "") == 401
        assert ask(here, key) == 200
        assert served.admin_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("before", [{"host": "0.0.0.0"}, {"require_api_keys": True}])
@pytest.mark.slow
def test_a_process_that_follows_opens_no_door_that_was_shut(
    live_place: LivePlace, bundles: Bundles, before: dict[str, Any]
) -> None:
    """Whatever an edit of params.yaml says, a checkout of another commit among them."""
    live_place.write_params(**before)
    live_place.point(live_place.release("v1.0.0", bundles.first))
    make_key(live_place, "asker", "predict")
    with live_place.serve() as served:
        here = served._replace(url=f"http://127.0.0.1:{served.port}")
        live_place.write_params()
        (worker,) = psutil.Process(served.process.pid).children()
        worker.kill()
        wait_for(lambda: served.log.read_text().count("loading v1.0.0") == 2)
        assert [ask(here, "", path) for path in ("/v1/predict", "/healthz")] == [401, 200]
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: served.log.read_text().count("loading v1.0.0") == 3)
        assert [ask(here, "", path) for path in ("/v1/predict", "/healthz")] == [401, 200]
