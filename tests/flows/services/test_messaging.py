import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.server.utilities.messaging import Message, create_consumer, create_publisher, memory
from prefect.settings import PREFECT_MESSAGING_BROKER, temporary_settings
from sqlalchemy.exc import OperationalError

NUM_REFUSALS = 6  # Prefect's own consumer gives up after four


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    with temporary_settings({PREFECT_MESSAGING_BROKER: "flows.services.messaging"}):
        yield
    memory.Topic.clear_all()


async def deliver(dead_letters: Path) -> list[bytes | str]:
    """Publish to a handler that a locked database refuses again and again."""
    tried: list[bytes | str] = []

    async def handle(message: Message) -> None:
        tried.append(message.data)
        if len(tried) <= NUM_REFUSALS:
            raise OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked"))

    subscription = memory.Subscription(
        memory.Topic.by_name("events"), dead_letter_queue_path=dead_letters
    )
    subscription.topic._subscriptions.append(subscription)
    consumer = create_consumer("events", subscription=subscription, concurrency=1)
    running = asyncio.create_task(consumer.run(handle))
    async with create_publisher("events") as publisher:
        await publisher.publish_data(b"a run failed", {})
    for _ in range(200):
        if len(tried) > NUM_REFUSALS or dead_letters.exists():
            break
        await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return tried


@pytest.mark.slow
def test_an_event_is_not_given_up_while_the_database_is_locked(tmp_path: Path) -> None:
    tried = asyncio.run(deliver(tmp_path / "dead"))
    assert tried == [b"a run failed"] * (NUM_REFUSALS + 1)
    assert not (tmp_path / "dead").exists()


@pytest.mark.slow
def test_prefects_own_broker_still_needs_this_one(tmp_path: Path) -> None:
    """When it fails, flows/services/messaging.py may go."""
    with temporary_settings({PREFECT_MESSAGING_BROKER: memory.__name__}):
        tried = asyncio.run(deliver(tmp_path / "dead"))
    assert len(tried) <= NUM_REFUSALS
    assert (tmp_path / "dead").exists()
