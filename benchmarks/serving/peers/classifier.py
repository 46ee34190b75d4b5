"""What every peer serves: the same files, the same tokens, ONNX Runtime as it comes."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from tasks.text import normalise
from tasks.tokens import encode, load_tokenizer, pad


class Classifier:
    """`threads` 0: ONNX Runtime's default, one per core."""

    def __init__(self, threads: int = 0) -> None:
        bundle = Path(os.environ["BUNDLE"])
        max_tokens = json.loads((bundle / "preprocessing.json").read_text())["max_tokens"]
        self._classes = json.loads((bundle / "label_set.json").read_text())["classes"]
        self._tokenizer = load_tokenizer(bundle, max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            str(bundle / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def classify(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """One padded batch."""
        ids, mask = pad(encode(self._tokenizer, [normalise(text) for text in texts]))
        logits = self._session.run(["logits"], {"ids": ids, "mask": mask})[0].astype(float)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs = shifted / shifted.sum(axis=1, keepdims=True)
        return [
            {
                "label": self._classes[row.argmax()],
                "probabilities": dict(zip(self._classes, row.round(6).tolist(), strict=True)),
            }
            for row in probs
        ]
