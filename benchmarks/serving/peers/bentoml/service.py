"""BentoML with adaptive batching."""

import os
from typing import Any

import bentoml
from classifier import Classifier

MAX_BATCH_SIZE, MAX_LATENCY_MS = (
    int(os.environ["MAX_BATCH_SIZE"]),
    int(os.environ["MAX_LATENCY_MS"]),
)
WORKERS, THREADS = int(os.environ["WORKERS"]), int(os.environ["THREADS"])


@bentoml.service(workers=WORKERS, logging={"access": {"enabled": False}})
class Service:
    def __init__(self) -> None:
        self.classifier = Classifier(THREADS)

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_SIZE, max_latency_ms=MAX_LATENCY_MS)
    def predict(self, texts: list[str]) -> list[dict[str, Any]]:
        return self.classifier.classify(texts)
