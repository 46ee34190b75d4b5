"""Where this checkout's Prefect server answers, and the secret that lets one in."""

import base64
import http.client
import json
import os
import secrets
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tasks.artifacts import whole_file

HOME = Path(".prefect")  # pyproject.toml's [tool.prefect] says the same to Prefect
PROFILES = HOME / "profiles.toml"
UP, DOWN = "up", "down"  # profiles: with the address of `make up`, and without any
PASSWORD = "PREFECT_SERVER_API_AUTH_STRING"
BROKER = "PREFECT_SERVER_EVENTS_MESSAGING_BROKER"  # setting: the module that hands events on
LOOPBACK = "127.0.0.1"
_EVERYWHERE = ("0.0.0.0", "::")
_PATIENCE_SECONDS = 2.0


def running_api() -> str | None:
    """The API's URL if the server of `make up` answers to this checkout's password."""
    profile = read_profile(UP)
    url = profile.get("PREFECT_API_URL")
    return url if url and answers(url, profile[PASSWORD]) else None


def url_of(port: int, host: str = LOOPBACK) -> str:
    return f"http://{LOOPBACK if host in _EVERYWHERE else host}:{port}/api"


def port_of(api_url: str) -> int:
    port = urllib.parse.urlsplit(api_url).port
    assert port is not None, api_url  # url_of wrote it
    return port


def answers(api_url: str, password: str) -> bool:
    """Whether a server at that URL is ready and takes the password."""
    token = base64.b64encode(password.encode()).decode()
    request = urllib.request.Request(
        f"{api_url}/admin/version", headers={"Authorization": f"Basic {token}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback: no proxy
    try:
        with opener.open(request, timeout=_PATIENCE_SECONDS):
            return True
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False


def read_profile(name: str) -> dict[str, str]:
    """Settings of one profile; empty before the first start."""
    try:
        tree = tomllib.loads(PROFILES.read_text(encoding="utf-8"))
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        return {}
    profile: dict[str, str] = tree.get("profiles", {}).get(name, {})
    return profile


def password() -> str:
    """The environment's, else the one of earlier starts, else a new one."""
    return os.environ.get(PASSWORD) or read_profile(DOWN).get(PASSWORD) or secrets.token_urlsafe(24)


def write_profiles(active: str, api_url: str, password: str) -> None:
    """Make plain `prefect` commands in this checkout find the server, or know there is none."""
    secret = {"PREFECT_API_AUTH_STRING": password, PASSWORD: password}
    profiles = {
        UP: {"PREFECT_API_URL": api_url, **secret},
        DOWN: {"PREFECT_SERVER_EPHEMERAL_ENABLED": "true", **secret},
    }
    lines = [_toml_line("active", active)]
    for name, settings in profiles.items():
        lines += ["", f"[profiles.{name}]", *(_toml_line(*item) for item in settings.items())]
    write_private(PROFILES, "\n".join([*lines, ""]))


def _toml_line(key: str, value: str) -> str:
    return f"{key} = {json.dumps(value)}"  # a JSON string is a TOML string


def write_private(target: Path, text: str) -> None:
    """Like `whole_file`, but for this user's eyes only from the first byte on."""
    mask = os.umask(0o077)
    try:
        with whole_file(target) as stream:
            stream.write(text.encode())
    finally:
        os.umask(mask)
