"""Prefect's in-memory message broker, which does not give up on an event while SQLite is locked.

Prefect hands an event to its automations in a transaction that reads and then writes. SQLite
refuses that at once if another has written in between; Prefect tries four times within half a
second and drops the event, and with it a notification or a sign of life.
"""

import asyncio
from collections.abc import Awaitable, Callable

from prefect.server.utilities.messaging import Message, memory
from prefect.server.utilities.messaging.memory import Publisher, break_topic, ephemeral_subscription
from sqlalchemy.exc import OperationalError

__all__ = ["Consumer", "Publisher", "break_topic", "ephemeral_subscription"]  # Prefect checks it
Handler = Callable[[Message], Awaitable[None]]
_FIRST_PAUSE_SECONDS = 0.05  # doubles each time
_LONGEST_PAUSE_SECONDS = 5.0


class Consumer(memory.Consumer):
    """Tries again, ever later, what the database refuses."""

    async def run(self, handler: Handler) -> None:
        async def patient(message: Message) -> None:
            pause_seconds = _FIRST_PAUSE_SECONDS
            while pause_seconds < _LONGEST_PAUSE_SECONDS:
                try:
                    await handler(message)
                    return
                except OperationalError:
                    await asyncio.sleep(pause_seconds)
                    pause_seconds *= 2
            await handler(message)

        await super().run(patient)
