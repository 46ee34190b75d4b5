"""A checkout with feedback of Ann and others wherever it can lie, and `make forget` in it."""

import contextlib
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import Engine, insert

from flows.feedback import version
from serving.store.engine import writing
from serving.store.tables import PREDICTIONS
from tasks.ingest_feedback.ingest import ingest
from tasks.privacy import pseudonym
from tests.chain import Stages
from tests.flows.feedback_checkout import make_feedback_checkout
from tests.project import run, try_run
from tests.tasks.feedback_store import START, TARGET, make_event, open_feedback, read_params, send

DERIVE = """
import pathlib, pyarrow as pa, pyarrow.parquet as pq
made = pathlib.Path("data/derive"); made.mkdir(parents=True, exist_ok=True)
files = sorted(pathlib.Path("data/feedback/accepted").glob("*.parquet"))
rows = pa.concat_tables([pq.read_table(file) for file in files])
texts = pa.table({"text": rows["text"], "raters": [[one] for one in rows["rater"].to_pylist()]})
pq.write_table(texts, made / "texts.parquet", compression="zstd")
(made / "origins.json").write_text(str([f"feedback:{one}" for one in rows["event_id"].to_pylist()]))
"""
STAGE = {"cmd": "python derive.py", "deps": ["data/feedback/accepted"], "outs": ["data/derive"]}
HOLD = {"min_history_events": 3, "min_events": 2, "max_rater_share": 0.9}
SECRET, SHORT = "my neighbour Alice Miller said it was awful", "oh dear"
ANN = pseudonym("k1", "ann")


def text_of(number: int) -> str:
    return {1: SECRET, 2: SHORT}.get(number, f"an ordinary text, number {number}")


def id_of(number: int) -> str:
    """Of its prediction."""
    return uuid.uuid5(uuid.NAMESPACE_URL, str(number)).hex


def put(engine: Engine, number: int, **changes: Any) -> None:
    """A prediction, and what somebody said of it."""
    prediction = {
        "prediction_id": id_of(number), "created_at": START, "client": "k1", "role": "live",
        "model_version": "v1.0.0", "text": text_of(number), "text_sha256": None, "label": "no",
        "probabilities": [1.0], "latency_ms": 1.0,
    }  # fmt: skip
    with writing(engine) as connection:
        connection.execute(insert(PREDICTIONS), [prediction])
    event = make_event(number, prediction_id=id_of(number), client="k1", rater=f"r_{number}")
    send(engine, [event | {"text": text_of(number), "comment": None} | changes])


@contextlib.contextmanager
def feedback_of_ann(folder: Path, own_stages: Stages) -> Iterator[Engine]:
    """Ann's are 1, 2, 5, 6 and 7; 1 to 5 were accepted, 6 and 7 are held, 8 is not ingested yet.
    For the working directory."""
    make_feedback_checkout(folder, {"derive": STAGE, **own_stages}, HOLD)
    (folder / "derive.py").write_text(DERIVE)
    with open_feedback() as engine:
        for numbers in ((1, 2, 3, 4, 5), (6, 7)):
            for number in numbers:
                put(engine, number, **({} if number in (3, 4) else {"rater": ANN}))
            ingest(TARGET, read_params())
        put(engine, 8, rater=ANN)
        version()
        run(folder, ["dvc", "repro", "-q"])
        run(folder, ["dvc", "push", "-q"])
        yield engine


def forget(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return try_run(Path(), [sys.executable, "-m", "flows.forget", *arguments])


def holders(*words: str) -> list[str]:
    """Files of this checkout and its remote that hold one of the words, by plain reading."""
    found = []
    for folder in (Path("data"), Path("live"), Path(".dvc"), Path("../flywheel-remote")):
        for file in filter(Path.is_file, folder.rglob("*")):
            content = file.read_bytes()
            if content[:4] == b"PAR1":
                content = str(pq.read_table(file).to_pylist()).encode()
            if any(word.encode() in content for word in words):
                found.append(str(file))
    return found


def ids_of(*numbers: int) -> list[str]:
    return sorted(make_event(number)["event_id"] for number in numbers)
