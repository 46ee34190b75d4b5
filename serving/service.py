"""The prediction service without HTTP: texts in, predictions out, logged on the way."""

import asyncio
import datetime
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from serving.batcher import Batcher
from serving.fleet import Fleet, Role
from serving.jobs import GoneError, OverloadedError, Question
from serving.metrics import Metrics
from serving.model import Model, num_threads
from serving.params import ServingParams
from serving.prediction_ids import new_prediction_id
from serving.store.feedback_log import FeedbackLog
from serving.store.prediction_log import PredictionLog
from serving.store.records import PredictionRecord
from tasks.predictor import Floats
from tasks.releases import Place

log = logging.getLogger(__name__)
_DIGITS = 6  # of probabilities in answers
Answer = dict[str, Any]


class NotReadyError(Exception):
    """There is no release to answer with."""


class Tally(NamedTuple):
    """What a role has done since its release was loaded."""

    num_requests: int = 0
    num_errors: int = 0
    seconds: float = 0.0
    num_compared: int = 0  # a shadow's answers, against those that were given
    num_disagreed: int = 0


class Source(NamedTuple):
    """Who answered whom, and how quickly."""

    model: Model
    role: Role
    client: str | None
    seconds: float


class Service:
    """What the two HTTP applications share; made in the event loop."""

    def __init__(
        self, place: Place, params: ServingParams, log: PredictionLog, feedback: FeedbackLog
    ) -> None:
        self.params = params
        self.log = log
        self.feedback = feedback
        self.metrics = Metrics(lambda: self.batcher.num_waiting, log.state)
        self.metrics.waiting_feedback.set_function(lambda: feedback.num_waiting)
        workers = num_threads(params.model)
        self.batcher = Batcher(params.batch, workers, self.metrics.batch_texts.observe)
        self._loop = asyncio.get_running_loop()
        self.fleet = Fleet(place, params.model, self._changed)
        self.tallies: dict[tuple[str, str], Tally] = {}  # by role and version

    async def predict(
        self, texts: Sequence[str], client: str | None, is_gone: Callable[[], bool]
    ) -> Answer:
        """All by one version. NotReadyError, OverloadedError, GoneError."""
        started = time.perf_counter()
        model, role = self.fleet.choose(texts)
        if model is None:
            raise NotReadyError
        try:
            probs = await self.batcher.score(Question(model, texts, is_gone))
        except (OverloadedError, GoneError):
            raise
        except Exception:
            self._count(role, model, num_errors=1)
            raise
        seconds = time.perf_counter() - started
        self._count(role, model, num_requests=1, seconds=seconds)
        self.metrics.seconds.observe(seconds)
        records = _records(Source(model, role, client, seconds), texts, probs)
        self._keep(records)
        return _answer(model, records)

    async def shade(self, texts: Sequence[str], answer: Answer, client: str | None) -> None:
        """Let the shadow score what was just answered, if there is room; nobody waits for it."""
        shadow = self.fleet.lineup.shadow
        if shadow is None or self.batcher.num_waiting or not self.fleet.is_rehearsing():
            return
        started = time.perf_counter()
        try:
            probs = await self.batcher.score(Question(shadow, texts))
        except OverloadedError:
            return
        except Exception:  # nobody asked it: the rehearsal counts this, and ends by it
            log.exception("the shadow %s could not score", shadow.target.version)
            self._count("shadow", shadow, num_errors=1)
            return
        seconds = time.perf_counter() - started
        records = _records(Source(shadow, "shadow", client, seconds), texts, probs)
        given = [prediction["label"] for prediction in answer["predictions"]]
        pairs = zip(records, given, strict=True)
        self._count(
            "shadow", shadow, num_requests=1, seconds=seconds, num_compared=len(given),
            num_disagreed=sum(record.label != label for record, label in pairs),
        )  # fmt: skip
        self._keep(records)

    def close(self, seconds: float) -> int:
        """Returns how many predictions did not reach the store."""
        self.fleet.close()
        self.batcher.close()
        self.feedback.close(seconds)
        return self.log.close(seconds)

    def _keep(self, records: Sequence[PredictionRecord]) -> None:
        self.log.put(records)
        for label, number in Counter(record.label for record in records).items():
            self.metrics.texts.labels(records[0].model_version, records[0].role, label).inc(number)

    def _count(self, role: str, model: Model, **more: float) -> None:
        """In the event loop alone, so no lock; a model that has left counts no more."""
        if not any(model is present for present in self.fleet.lineup):
            return
        key = (role, model.target.version)
        tally = self.tallies.get(key, Tally())
        changed = {name: getattr(tally, name) + value for name, value in more.items()}
        self.tallies[key] = tally._replace(**changed)

    def _changed(self) -> None:
        self._loop.call_soon_threadsafe(self._start_counting)

    def _start_counting(self) -> None:
        """A rehearsal is judged by what it did itself, not by what that role did before."""
        loaded = {
            (role, model.target.version)
            for role, model in self.fleet.lineup._asdict().items()
            if model
        }
        for key in set(self.tallies) - loaded:
            self.tallies.pop(key, None)
        self.metrics.live.clear()
        for role, version in loaded:
            self.metrics.live.labels(version, role).set(1)


def _records(source: Source, texts: Sequence[str], probs: Floats) -> list[PredictionRecord]:
    now = datetime.datetime.now(datetime.UTC)
    classes = source.model.label_set.classes
    return [
        PredictionRecord(
            prediction_id=new_prediction_id(),
            created_at=now,
            client=source.client,
            model_version=source.model.target.version,
            role=source.role,
            text=text,
            label=classes[row.argmax()],
            probabilities=row.round(_DIGITS).tolist(),
            latency_ms=1000 * source.seconds,
        )
        for text, row in zip(texts, probs, strict=True)
    ]


def _answer(model: Model, records: Sequence[PredictionRecord]) -> Answer:
    classes = model.label_set.classes
    return {
        "predictions": [
            {
                "label": record.label,
                "probabilities": dict(zip(classes, record.probabilities, strict=True)),
                "prediction_id": record.prediction_id,
                "model_version": record.model_version,
            }
            for record in records
        ]
    }
