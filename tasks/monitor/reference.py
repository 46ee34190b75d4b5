"""What the live release was measured on: its test split, as the release itself answers it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tokenizers import Tokenizer

from tasks import documents
from tasks.artifacts import sha256_of, write_json
from tasks.bundle import load_bundle
from tasks.documents import Document
from tasks.errors import InputError
from tasks.monitor.draw import draw
from tasks.monitor.group import Group, make_group
from tasks.monitor.measures import Floats, Names
from tasks.monitor.params import MonitorParams
from tasks.predictor import Predictor, score_texts
from tasks.records import LABELLED, read_table
from tasks.releases import Place, Target, find_bundle

SCORED = "reference.json"


class Reference(NamedTuple):
    version: str
    classes: tuple[str, ...]
    tokenizer: Tokenizer
    group: Group
    is_right: npt.NDArray[np.float64]  # NaN: the example has no label


class _Scored(Document):
    """Kept from one look to the next, since scoring is the slowest part; of no other use."""

    bundle: str  # sha256 of its manifest
    rows: str  # sha256 of the reference
    seed: int
    predicted: list[str]
    confidence: list[float]


def read_reference(
    source: Path, live: tuple[Place, Target], target: Path, params: MonitorParams
) -> Reference:
    """At most `max_rows` of it, the same ones each time."""
    place, release = live
    predictor = load_bundle(find_bundle(place, release))
    table = read_table(source, LABELLED)
    if table.num_rows < params.min_rows:
        raise InputError(
            f"{source}: {table.num_rows} rows, expected {params.min_rows} or more to compare with. "
            "Lower monitor.min_rows, or name a larger split."
        )
    table = draw(table, "example_id", params.max_rows, params.seed)
    key = (release.manifest_sha256, sha256_of(source), params.seed)
    scored = _score(predictor, table["text"].to_pylist(), target / SCORED, key)
    predicted = np.array(scored.predicted, dtype=object)
    texts: list[str] = table["text"].to_pylist()
    group = make_group(texts, predictor.tokenizer, predicted, np.array(scored.confidence))
    return Reference(
        release.version, predictor.label_set.classes, predictor.tokenizer, group,
        _is_right(table["label"], predicted),
    )  # fmt: skip


def _is_right(labels: pa.ChunkedArray, predicted: Names) -> Floats:
    pairs = zip(labels.to_pylist(), predicted, strict=True)
    return np.array([np.nan if label is None else float(label == said) for label, said in pairs])


def _score(
    predictor: Predictor, texts: Sequence[str], kept: Path, key: tuple[str, str, int]
) -> _Scored:
    if (found := _read_kept(kept, key, len(texts))) is not None:
        return found
    probs = score_texts(predictor, texts, len(os.sched_getaffinity(0)))
    names = np.array(predictor.label_set.classes, dtype=object)[probs.argmax(axis=1)]
    bundle, rows, seed = key
    scored = _Scored(
        bundle=bundle, rows=rows, seed=seed, predicted=names.tolist(),
        confidence=probs.max(axis=1).tolist(),
    )  # fmt: skip
    write_json(kept, scored.model_dump(mode="json"))
    return scored


def _read_kept(kept: Path, key: tuple[str, str, int], number: int) -> _Scored | None:
    """None where it is of another bundle or of other rows, or no longer readable."""
    try:
        found = documents.read(kept, _Scored, "It is made anew.")
    except InputError:
        return None
    same = (found.bundle, found.rows, found.seed) == key
    whole = len(found.predicted) == len(found.confidence) == number
    return found if same and whole else None
