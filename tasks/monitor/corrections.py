"""Corrections of predictions: one answer each, whoever said what and however often."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from tasks.monitor.measures import Floats, Names
from tasks.slices import Rows
from tasks.text import normalise

_MS_PER_HOUR = 3_600_000.0


class Answers(NamedTuple):
    """One row per corrected prediction, in the order in which they were made."""

    made_at: Names  # datetime, in UTC
    texts: Names
    clients: Names
    versions: Names
    predicted: Names
    labels: Names  # the class that people say is right
    delay_hours: Floats  # to the first correction

    @property
    def is_right(self) -> Rows:
        return np.asarray(self.predicted == self.labels, dtype=bool)

    def select(self, rows: Rows) -> "Answers":
        return Answers._make(column[rows] for column in self)

    @property
    def num_rows(self) -> int:
        return len(self.predicted)


def resolve(table: pa.Table | None) -> Answers:
    """Of each person the newest word counts, of several the majority, of a tie the newest.

    A person is a rater within a client; whoever gives no name is one person per client.
    """
    if table is None or not table.num_rows:
        return _nothing()
    rows = table.to_pandas().sort_values(["received_at", "seq"], kind="stable")
    rows["first_at"] = rows.groupby("prediction_id")["received_at"].transform("min")
    rows["order"] = np.arange(len(rows))
    newest = rows.drop_duplicates(["prediction_id", "rater_client", "rater"], keep="last")
    votes = newest.groupby(["prediction_id", "label"], sort=False)["order"].agg(["size", "max"])
    ranked = votes.reset_index().sort_values(["size", "max"], kind="stable")
    said = ranked.drop_duplicates("prediction_id", keep="last")[["prediction_id", "label"]]
    each = rows.drop_duplicates("prediction_id").drop(columns="label").merge(said)
    each = each.sort_values(["created_at", "prediction_id"], kind="stable")
    delays = (each["first_at"] - each["created_at"]) / pd.Timedelta(milliseconds=_MS_PER_HOUR)
    return Answers(
        made_at=np.array(each["created_at"].dt.to_pydatetime().tolist(), dtype=object),
        texts=np.array([normalise(text) for text in each["text"]], dtype=object),
        clients=each["client"].to_numpy(dtype=object),
        versions=each["model_version"].to_numpy(dtype=object),
        predicted=each["predicted"].to_numpy(dtype=object),
        labels=each["label"].to_numpy(dtype=object),
        delay_hours=delays.to_numpy(dtype=float),
    )


def join(answers: Sequence[Answers]) -> Answers:
    """Those of several windows, in their order."""
    return Answers._make(map(np.concatenate, zip(_nothing(), *answers, strict=True)))


def _nothing() -> Answers:
    names: Names = np.zeros(0, dtype=object)
    return Answers(names, names, names, names, names, names, np.zeros(0))
