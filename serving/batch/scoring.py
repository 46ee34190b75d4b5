"""From a chunk of rows to a part of the target: what the release says of each text."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from serving.batch.chunks import Chunk
from tasks.errors import GateError, InputError
from tasks.predictor import Floats, Predictor

_TEXTS_PER_STEP = 128  # that one thread takes


class Scorer(NamedTuple):
    """A release, and what is asked of a text."""

    predictor: Predictor
    version: str
    max_characters: int
    pool: Executor
    told: Callable[[int], None]  # how many more texts are scored

    def score(self, chunk: Chunk, first_row: int) -> pa.Table:
        """The chunk's own columns and those of `added_fields`."""
        problems = [
            problem or self._find_excess(text)
            for text, problem in zip(chunk.texts, chunk.problems, strict=True)
        ]
        rows = [row for row, problem in enumerate(problems) if problem is None]
        probs = np.full((len(problems), len(self.classes)), np.nan)
        if rows:
            probs[rows] = self._probs([str(chunk.texts[row]) for row in rows])
        labels = [None] * len(problems)
        for row in rows:
            labels[row] = self.classes[probs[row].argmax()]
        columns = [
            pa.array(range(first_row, first_row + len(problems)), pa.int64()),
            pa.array(labels, pa.string()),
            *(pa.array(column, pa.float64(), from_pandas=True) for column in probs.T),  # NaN: null
            pa.array([self.version] * len(problems), pa.string()),
            pa.array(problems, pa.string()),
        ]
        added = added_fields(self.classes)
        table = chunk.columns.replace_schema_metadata(None)
        for field, column in zip(added, columns, strict=True):
            table = table.append_column(field, column)
        return table

    @property
    def classes(self) -> Sequence[str]:
        return self.predictor.label_set.classes

    def _find_excess(self, text: str | None) -> str | None:
        if text is None or len(text) <= self.max_characters:
            return None
        return f"too long: {len(text):,} characters, at most {self.max_characters:,}"

    def _probs(self, texts: list[str]) -> Floats:
        """Texts of like length go together; the order is that of the texts again."""
        order = np.argsort([len(text) for text in texts], kind="stable")
        starts = range(0, len(order), _TEXTS_PER_STEP)
        steps = [[texts[i] for i in order[start : start + _TEXTS_PER_STEP]] for start in starts]
        probs = np.empty((len(texts), len(self.classes)))
        done = []
        for step in self.pool.map(self.predictor.probs, steps):
            done.append(step)
            self.told(len(step))
        probs[order] = np.concatenate(done)
        if not np.isfinite(probs).all():
            raise GateError(f"{self.version} gives probabilities that are no numbers. Roll back.")
        return probs


def added_fields(classes: Sequence[str]) -> list[pa.Field]:
    """The columns beside the source's own."""
    return [
        pa.field("row", pa.int64(), nullable=False),  # within the source, the first being 1
        pa.field("predicted", pa.string()),  # null: the row has a problem
        *(pa.field(f"probability_{name}", pa.float64()) for name in classes),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("problem", pa.string()),  # "KIND: more"; null: none
    ]


def check_names(schema: pa.Schema, classes: Sequence[str]) -> None:
    """InputError when the source has a column of a name that the target wants for itself."""
    names = [*schema.names, *(field.name for field in added_fields(classes))]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"the source's columns {doubled}: these names are taken, or stand twice. Rename them."
        )
