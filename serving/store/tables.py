"""The store's tables; a change here wants a step in migrations/versions, and a test says so.

What comes later refers to a prediction by its id, without a foreign key: a correction may arrive
before the prediction it answers is written, or though that one was dropped. Rows are only added,
but for `api_keys.revoked_at` and the end of old predictions (`retention`).
"""

import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

METADATA = MetaData(
    naming_convention={  # so that a later step can name what it changes, on any database
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


class UtcTime(TypeDecorator[datetime.datetime]):
    """A moment: goes in with any offset, comes out in UTC, also from SQLite, which keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without an offset: {value}")
        moment = value.astimezone(datetime.UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any | None, _: Dialect) -> datetime.datetime | None:
        if value is None:
            return None
        moment: datetime.datetime = value
        if moment.tzinfo is None:
            return moment.replace(tzinfo=datetime.UTC)
        return moment.astimezone(datetime.UTC)


class SequenceNumber(TypeDecorator[int]):
    """64 bits; SQLite counts up by itself in a plain INTEGER alone."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


PREDICTIONS = Table(
    "predictions",
    METADATA,
    Column("prediction_id", Text, primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Column("client", Text),  # key_id of who asked; null: keys are off
    Column("model_version", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("text", Text),  # as it was sent; null: by policy
    Column("text_sha256", Text),  # of the normalised text; null: by policy
    Column("label", Text, nullable=False),
    Column("probabilities", JSON, nullable=False),  # a list in the order of the label set
    Column("latency_ms", Float, nullable=False),  # from the reading of the request to its answer
    CheckConstraint("role IN ('live', 'canary', 'shadow')", name="role"),
    Index(None, "created_at"),
)
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False),
    Column("scopes", JSON, nullable=False),  # a list of predict, feedback, admin
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),  # null: it is valid
)
FEEDBACK = Table(
    "feedback",
    METADATA,
    # The order in which rows were begun, not committed: readers keep a set of what they have seen.
    Column("seq", SequenceNumber, primary_key=True),
    Column("event_id", Text, nullable=False),  # the client's UUID
    Column("received_at", UtcTime, nullable=False),
    Column("prediction_id", Text, nullable=False),
    Column("client", Text),  # key_id it came by; null: keys are off
    Column("rater", Text),  # pseudonym of the person; null: not named
    Column("label", Text, nullable=False),  # the right class, also where the prediction was right
    Column("predicted", Text, nullable=False),  # from here on as the prediction has it
    Column("model_version", Text, nullable=False),
    Column("predicted_at", UtcTime, nullable=False),
    Column("text", Text),  # normal form, masked; null: by policy
    Column("text_sha256", Text),
    Column("comment", Text),  # masked
    UniqueConstraint("event_id"),
    Index(None, "prediction_id"),
    sqlite_autoincrement=True,  # no number is given twice, also after the newest rows were deleted
)
