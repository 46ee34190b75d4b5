"""A release of a tiny model that is live, its test split, and a store of what it was asked."""

import datetime
import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from serving.store.engine import open_engine
from serving.store.schema import upgrade
from serving.store.tables import FEEDBACK, PREDICTIONS
from tasks.bundle import load_bundle
from tasks.monitor.__main__ import main
from tasks.monitor.report import Report
from tests.serving.live_place import LivePlace
from tests.tasks.evaluate.splits import write_split
from tests.tasks.monitor.scenes import SMALL_EMBEDDING, write_params

NOW = datetime.datetime(2026, 3, 29, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
SMALL = {
    "min_rows": 40, "num_windows": 3, "persistence": 2, "drift__embedding": SMALL_EMBEDDING,
    "quality__min_corrections": 30, "labels_ready__min_events": 50,
    "volume__min_predictions": 200,
}  # fmt: skip
_HOME = ["the", "film", "was", "good", "it", "is", "not", "awful", "bad", "food", "very", "great"]
_AWAY = ["поезд", "опоздал", "снова", "никто", "молчит", "вокзал"]
Row = dict[str, Any]


def phrases(number: int, seed: int, is_away: bool = False) -> list[str]:
    random = np.random.default_rng(seed)
    sizes = 3 + random.poisson(5, number)
    return [" ".join(random.choice(_AWAY if is_away else _HOME, size)) + "." for size in sizes]


class LiveSide:
    """Below `folder`, which is a checkout and where we are; the store is wherever `url` leads."""

    def __init__(self, folder: Path, bundle: Path, url: str) -> None:
        self.folder = folder
        self.live_place = LivePlace(folder)
        self.engine = open_engine(url)
        upgrade(self.engine)
        self.live_place.point(self.live_place.release("v1.0.0", bundle))
        write_params(folder, **SMALL)
        self.predictor = load_bundle(bundle)
        texts = phrases(300, seed=99)
        labels = self.answers(texts)  # the model is right on 5 of 6
        classes = self.predictor.label_set.classes
        wrong = [classes[(classes.index(label) + (i % 6 == 0)) % len(classes)]
                 for i, label in enumerate(labels)]  # fmt: skip
        (folder / "data/split").mkdir(parents=True)
        write_split(folder / "data/split/test.parquet", texts, wrong, ["ann"] * 300)

    def answers(self, texts: Sequence[str]) -> list[str]:
        places = self.predictor.probs(texts).argmax(axis=1)
        return [self.predictor.label_set.classes[place] for place in places]

    def ask(self, texts: Sequence[str], hours_ago: float, **changes: Any) -> list[Row]:
        """As many predictions, spread over half an hour, written to the store."""
        probs = self.predictor.probs(texts)
        classes = self.predictor.label_set.classes
        moment, minute = NOW - hours_ago * HOUR, HOUR / 2 / max(1, len(texts))
        rows = [
            {
                "prediction_id": uuid.uuid4().hex, "created_at": moment + i * minute,
                "client": None, "model_version": "v1.0.0", "role": "live", "text": text,
                "text_sha256": None, "label": classes[row.argmax()],
                "probabilities": row.round(6).tolist(), "latency_ms": 2.0 + i % 7, **changes,
            }
            for i, (text, row) in enumerate(zip(texts, probs, strict=True))
        ]  # fmt: skip
        with self.engine.begin() as connection:
            connection.execute(insert(PREDICTIONS), rows)
        return rows

    def correct(self, rows: Sequence[Row], share_right: float, **changes: Any) -> None:
        """Each prediction is corrected an hour later by one person."""
        classes = self.predictor.label_set.classes
        events = []
        for i, row in enumerate(rows):
            is_wrong = (i * 7919) % len(rows) >= share_right * len(rows)
            label = classes[(classes.index(row["label"]) + is_wrong) % len(classes)]
            events.append({
                "event_id": str(uuid.uuid4()), "received_at": row["created_at"] + HOUR,
                "prediction_id": row["prediction_id"], "client": None, "rater": "ann",
                "label": label, "predicted": row["label"], "model_version": row["model_version"],
                "predicted_at": row["created_at"], "text": None, "text_sha256": None,
                "comment": None, **changes,
            })  # fmt: skip
        with self.engine.begin() as connection:
            connection.execute(insert(FEEDBACK), events)

    def look(self, now: datetime.datetime = NOW) -> Report:
        """By the command's own `main`, in this folder."""
        main(["--now", now.isoformat(), "data/split/test.parquet", "live/monitor"])
        return self.report()

    def report(self) -> Report:
        return Report.model_validate_json((self.folder / "live/monitor/report.json").read_bytes())


def samples(folder: Path, name: str) -> list[Mapping[str, Any]]:
    """Of one gauge."""
    tree = json.loads((folder / "live/monitor/gauges.json").read_bytes())
    found = [gauge["samples"] for gauge in tree["gauges"] if gauge["name"] == name]
    return [sample for group in found for sample in group]
