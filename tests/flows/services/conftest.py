"""One place that is up, for the tests that only use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.flows.services.place import Place, end, make_place
from tests.flows.services.receivers import MailBox, WebHook

RECEIVERS: list[dict[str, object]] = [
    {"name": "hook", "kind": "webhook", "address_from": "TEST_HOOK",
     "about": ["failure", "promotion", "refusal", "blocked", "drift", "quality"]},
    {"name": "mail", "kind": "email", "about": ["failure"], "address_from": "TEST_MAIL"},
    {"name": "chat", "kind": "slack", "about": ["refusal"], "address_from": "TEST_CHAT"},
]  # fmt: skip


@pytest.fixture(scope="session")
def hook() -> Iterator[WebHook]:
    with WebHook() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def mail() -> Iterator[MailBox]:
    with MailBox() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def place(
    tmp_path_factory: pytest.TempPathFactory, hook: WebHook, mail: MailBox
) -> Iterator[Place]:
    made = make_place(tmp_path_factory.mktemp("services") / "checkout", addresses(hook, mail))
    write_receivers(made, RECEIVERS)
    try:
        made.up()
        yield made
    finally:
        end(made)


def addresses(hook: WebHook, mail: MailBox) -> dict[str, str]:
    return {
        "TEST_HOOK": f"http://127.0.0.1:{hook.port}/told?secret=s3same",
        "TEST_MAIL": f"mailto://127.0.0.1:{mail.port}?to=team@example.org&from=flywheel@example.org"
        "&smtp=127.0.0.1",
    }


def write_receivers(place: Place, receivers: list[dict[str, object]]) -> None:
    file: Path = place.folder / "params.yaml"
    tree = yaml.safe_load(file.read_text())
    tree["notifications"]["receivers"] = receivers
    file.write_text(yaml.safe_dump(tree))
