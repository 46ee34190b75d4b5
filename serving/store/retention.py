"""The end of old predictions."""

import datetime

from sqlalchemy import Engine, delete, select

from serving.store.engine import writing
from serving.store.problems import explaining
from serving.store.tables import PREDICTIONS

_CHUNK = 1000  # rows of one transaction: new predictions wait for some tens of milliseconds at most


def delete_old(engine: Engine, before: datetime.datetime) -> int:
    """The oldest of those made before, a chunk at most; returns how many they were.

    TemporaryError while the store is away.
    """
    columns = PREDICTIONS.c
    oldest = (
        select(columns.prediction_id)
        .where(columns.created_at < before)
        .order_by(columns.created_at)
        .limit(_CHUNK)
    )
    with explaining(engine), engine.connect() as connection:
        if connection.execute(oldest.limit(1)).first() is None:
            return 0  # found out without keeping anybody from writing
    with explaining(engine), writing(engine) as connection:
        free = oldest.with_for_update(skip_locked=True)  # PostgreSQL: another service has the rest
        statement = delete(PREDICTIONS).where(columns.prediction_id.in_(free))
        return connection.execute(statement).rowcount
