from typing import Any

import pytest

from tests.flows.services.conftest import RECEIVERS, write_receivers
from tests.flows.services.place import Place, wait_for
from tests.flows.services.receivers import MailBox, WebHook

pytestmark = pytest.mark.slow


def test_a_failing_run_is_told_by_webhook_and_by_mail(
    place: Place, hook: WebHook, mail: MailBox
) -> None:
    reason = 'split: 3 rows of "test" are <twins> of train; see data/split/excluded.parquet'
    run = place.wait_for_state(place.start(fail=reason), "Failed")
    told = wait_for(lambda: hook.about("failure", run.name))
    assert reason in told["message"]
    assert told["link"] == f"http://127.0.0.1:{place.port}/runs/flow-run/{run.id}"
    (path,) = {path for path, _ in hook.received}
    assert path == "/told?secret=s3same"

    def letters() -> list[Any]:
        return [letter for letter in mail.letters if run.name in letter["Subject"]]

    (letter,) = wait_for(letters)
    assert letter["Subject"] == f"flywheel: failure: {run.name}"
    assert letter["To"] == "team@example.org"
    text = letter.get_body(("plain", "html")).get_content()
    assert "data/split/excluded.parquet" in text
    assert str(run.id) in text


@pytest.mark.parametrize("subject", ["promotion", "refusal"])
def test_events_of_a_release_are_told(place: Place, hook: WebHook, subject: str) -> None:
    run = place.wait_for_state(place.start(tell=subject), "Completed")
    told = wait_for(lambda: hook.about(subject, run.name))
    assert told["message"] == "macro F1 0.71"
    assert str(run.id) in told["link"]
    assert hook.about("failure", run.name) is None


def test_the_address_is_not_to_be_read_from_the_server(place: Place) -> None:
    with place.client() as client:
        documents = client.read_block_documents(include_secrets=False)
    mine = [document for document in documents if (document.name or "").startswith("flywheel-")]
    assert mine
    assert all("s3same" not in document.model_dump_json() for document in mine)


def test_a_receiver_without_address_is_left_out_and_a_removed_one_is_removed(
    place: Place,
) -> None:
    def owned() -> tuple[set[str], set[str]]:
        with place.client() as client:
            blocks = {document.name or "" for document in client.read_block_documents()}
            names = {automation.name for automation in client.read_automations()}
        told = {name for name in names if name.startswith("flywheel: tell ")}
        return {name for name in blocks if name.startswith("flywheel-")}, told

    blocks, told = owned()
    assert blocks == {"flywheel-hook", "flywheel-mail"}  # chat has no address
    assert len(told) == 7
    said = place.up()
    assert said.count("notifications: chat is left out") == 1
    assert "TEST_CHAT" in said
    assert "s3same" not in said
    try:
        write_receivers(place, [RECEIVERS[1] | {"about": ["refusal"]}])
        place.up()
        assert owned() == ({"flywheel-mail"}, {"flywheel: tell mail of each refusal"})
        with place.client() as client:  # what `make up` does not own stays
            assert any("heartbeat" in item.name for item in client.read_automations())
    finally:
        write_receivers(place, RECEIVERS)
        place.up()
    assert owned() == (blocks, told)
