"""LitServe with batching as its documentation has it: `python service.py PORT`."""

import os
import sys
from typing import Any

import litserve
from classifier import Classifier

MAX_BATCH_SIZE = int(os.environ["MAX_BATCH_SIZE"])
BATCH_TIMEOUT = float(os.environ["BATCH_TIMEOUT"])
WORKERS, THREADS = int(os.environ["WORKERS"]), int(os.environ["THREADS"])


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.classifier = Classifier(THREADS)

    def decode_request(self, request: dict[str, Any]) -> str:
        return request["text"]

    def predict(self, batch: list[str]) -> list[dict[str, Any]]:
        return self.classifier.classify(batch)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    api = Api(max_batch_size=MAX_BATCH_SIZE, batch_timeout=BATCH_TIMEOUT)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning",
        access_log=False,
    )  # fmt: skip
