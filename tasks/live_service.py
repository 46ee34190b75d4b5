"""The running prediction service, as others on this machine find it and ask it."""

import fcntl
import os
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import BaseModel, ConfigDict

from tasks import documents
from tasks.documents import Document
from tasks.errors import InputError, TemporaryError
from tasks.params import Params, load_params
from tasks.releases import SERVICE_LOCK, SERVICE_RECORD, Place, Target

KEY_FROM = "FLYWHEEL_API_KEY"  # environment variable with a key of scopes admin and predict
_SHOWN_CHARACTERS = 200
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)


class Service(Document):
    """What the service writes when it listens."""

    url: str
    admin_url: str
    pid: int


class _Answer(BaseModel):
    """Of the service: it may say more than is read here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Served(_Answer):
    version: str
    manifest_sha256: str

    def is_of(self, target: Target) -> bool:
        return (self.version, self.manifest_sha256) == (target.version, target.manifest_sha256)


class Reloaded(_Answer):
    live: Served | None
    problem: str | None  # why it goes on with what it had


class Model(Served):
    classes: list[str]


class Prediction(_Answer):
    label: str
    probabilities: dict[str, float]
    model_version: str


class _Predictions(_Answer):
    predictions: list[Prediction]


class Traffic(_Answer):
    """Of one model since it was loaded; a shadow's texts are also compared with what is live."""

    num_requests: int = 0  # answered
    num_errors: int = 0
    seconds_mean: float | None = None
    num_compared: int = 0
    num_disagreed: int = 0


class State(_Answer):
    live: Traffic | None
    canary: Traffic | None
    shadow: Traffic | None


Kind = TypeVar("Kind", bound=BaseModel)


class Limits(Params):
    """What one request may hold, of section serving.limits; the rest is the service's own."""

    model_config = ConfigDict(extra="ignore")

    max_texts: int
    max_characters: int
    max_body_bytes: int


class _Serving(Params):
    model_config = ConfigDict(extra="ignore")

    limits: Limits


def read_limits() -> Limits:
    return load_params("serving", _Serving).limits


def find_service(place: Place) -> Service | None:
    """None when none is alive; TemporaryError when it lives and does not listen yet."""
    if not _is_held(place.folder / SERVICE_LOCK):
        return None
    try:
        return documents.read(place.folder / SERVICE_RECORD, Service, "Wait until it listens.")
    except InputError as error:
        raise TemporaryError(f"the service is alive, and {error}") from None


def reload(service: Service, seconds: float) -> Reloaded:
    """It looks at the pointer at once, and answers when it has swapped or refused."""
    return _ask("POST", f"{service.admin_url}/v1/reload", Reloaded, seconds)


def read_state(service: Service, seconds: float) -> State:
    return _ask("GET", f"{service.admin_url}/v1/state", State, seconds)


def read_model(service: Service, seconds: float) -> Model:
    return _ask("GET", f"{service.url}/v1/model", Model, seconds)


def predict(service: Service, texts: list[str], seconds: float) -> list[Prediction]:
    body = {"texts": texts}
    return _ask("POST", f"{service.url}/v1/predict", _Predictions, seconds, body).predictions


def read_key() -> str:
    """From the environment; "": none. InputError, which never shows it, for what is no key."""
    key = os.environ.get(KEY_FROM, "").strip()  # a file that it was read from ends with a newline
    if not (key.isascii() and key.isprintable()):
        raise InputError(
            f"{KEY_FROM}: it has characters that no HTTP header can carry, expected one line of "
            "printable ASCII. Set it to the key alone, as `python -m serving.keys add` showed it."
        )
    return key


def _ask(
    method: str,
    url: str,
    kind: type[Kind],
    seconds: float,
    body: dict[str, list[str]] | None = None,
) -> Kind:
    """One request; an error in one line for whatever comes instead of the answer: TemporaryError,
    or InputError where the same question would be refused again."""
    headers = {"Authorization": f"Bearer {key}"} if (key := read_key()) else {}
    try:
        # a proxy that the environment names is not for this machine's own service
        with httpx.Client(trust_env=False, timeout=seconds) as client:
            answer = client.request(method, url, json=body, headers=headers)
    except httpx.HTTPError as error:
        # what httpx says of a header that it refuses quotes it, and with it the key
        says = "" if isinstance(error, httpx.LocalProtocolError) else f": {error}"
        raise TemporaryError(f"{method} {url}: {type(error).__name__}{says}") from None
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise InputError(
            f"{method} {url}: {answer.status_code}. Its API keys are on: put one with scopes admin "
            f"and predict in the environment variable {KEY_FROM}."
        )
    if not answer.is_success:
        said = " ".join(answer.text.split())[:_SHOWN_CHARACTERS]
        problem = f"{method} {url}: {answer.status_code}: {said}"
        if answer.is_client_error and answer.status_code not in _LATER:
            raise InputError(
                f"{problem}. Is it this version, with these serving.limits? Restart it."
            )
        raise TemporaryError(problem)
    return documents.parse(answer.content, kind, f"{method} {url}", "Is that our own service?")


def _is_held(lock: Path) -> bool:
    """Whether a service lives, which holds it alone; who asks shares it with others who ask."""
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
