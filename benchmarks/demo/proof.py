"""What the turns have brought, measured; and each correction followed to where it went."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from benchmarks.demo.scenario import Sent
from benchmarks.demo.turns import Turn
from flows.checkout.cache import find_cache
from flows.fate import LEARNT, TAKEN, follow, split_tables
from flows.outputs import Outputs, find, outputs_of
from tasks import feedback
from tasks.bundle import load_bundle
from tasks.evaluate.examples import Examples, read_examples
from tasks.gate.paired import Answers, Gain, measure_gain
from tasks.gate.params import GainParams, GateParams
from tasks.params import load_params
from tasks.predictor import Predictor, score_texts
from tasks.releases import LIVE, Place, read_release

_TEST = Path("data/split/test.parquet")
_FEEDBACK = Path("data/feedback")
_LEVEL = 0.95
_THREADS = 2


class Compared(NamedTuple):
    """Two releases on one set of rows."""

    name: str
    num_rows: int
    gain: Gain


class Traced(NamedTuple):
    """Where the corrections of a turn were found, by their ids, in the data of its release."""

    num_sent: int  # that the service acknowledged
    num_taken: int  # that aggregate took from the partitions
    num_texts: int  # on which they are votes
    by_part: dict[str, int]  # votes, by what became of their text


class Kept(NamedTuple):
    """All turns together: what people were told, and what lies in the partitions."""

    num_acknowledged: int
    num_events: int
    num_lost: int  # acknowledged, and in no partition
    num_doubled: int


def compare(turns: Sequence[Turn], heldout: Path) -> tuple[list[Compared], list[Compared]]:
    """On the held-out texts: each turn with the first; on each other source: the last, too."""
    first = _load(turns[0].version)
    truth = read_examples(heldout, first.label_set)
    ours = [
        Compared(turn.version, len(truth.texts), _gain(first, _load(turn.version), truth))
        for turn in turns[1:]
    ]
    test, last = read_examples(_TEST, first.label_set), _load(turns[-1].version)
    others = [_compare_source(name, test, first, last) for name in test.source_names()]
    return ours, others


def _compare_source(name: str, test: Examples, first: Predictor, last: Predictor) -> Compared:
    chosen = test.sources == name
    texts = [text for text, is_chosen in zip(test.texts, chosen, strict=True) if is_chosen]
    rows = test._replace(texts=texts, labels=test.labels[chosen])
    return Compared(name, len(texts), _gain(first, last, rows))


def _load(version: str) -> Predictor:
    return load_bundle(Place(LIVE).bundle(version))


def _gain(first: Predictor, last: Predictor, rows: Examples) -> Gain:
    then, now = (score_texts(one, rows.texts, _THREADS).argmax(axis=1) for one in (first, last))
    params: GainParams = load_params("gate", GateParams).gain
    answers = Answers(rows.labels, then, now, len(first.label_set.classes))
    return measure_gain(answers, params.model_copy(update={"level": _LEVEL}))


def count_kept(turns: Sequence[Turn]) -> Kept:
    """What the service acknowledged against the ids in the accepted partitions."""
    acknowledged = [sent.event_id for turn in turns for sent in turn.sent]
    partitions = feedback.list_partitions(_FEEDBACK / feedback.ACCEPTED)
    found = Counter(
        event_id
        for partition in partitions
        for event_id in feedback.read_partition(partition)["event_id"].to_pylist()
    )
    lost = sum(event_id not in found for event_id in acknowledged)
    return Kept(len(acknowledged), found.total(), lost, found.total() - len(found))


def trace_all(turns: Sequence[Turn]) -> list[Traced]:
    """Every correction of each later turn, by its id, in the split of that turn's release."""
    return [_trace_turn(turn) for turn in turns[1:]]


def _trace_turn(turn: Turn) -> Traced:
    outputs = outputs_of(read_release(Place(LIVE), turn.version), find_cache())
    taken = _read_pairs(outputs, TAKEN, "event_id", "example_id")
    places = {
        example: f"{Path(path).stem}: {reason}" if reason else Path(path).stem
        for path in split_tables(outputs)
        for example, reason in _read_pairs(outputs, path, "example_id", "reason").items()
    }
    examples = [taken[sent.event_id] for sent in turn.sent if sent.event_id in taken]
    parts = Counter(places.get(example, "refused before the split") for example in examples)
    return Traced(len(turn.sent), len(examples), len(set(examples)), dict(parts))


def _read_pairs(outputs: Outputs, path: str, key: str, value: str) -> dict[str, str]:
    file = find(outputs, path)
    if file is None:
        raise RuntimeError(f"the release's run made no {path}")
    columns = [name for name in pq.read_schema(file).names if name in (key, value)]
    table = pq.read_table(file, columns=columns)
    values = table[value].to_pylist() if value in columns else [""] * len(table)
    return dict(zip(table[key].to_pylist(), values, strict=True))


def pick_learnt(turns: Sequence[Turn]) -> Sent:
    """A correction that the last release has learnt from, to be shown station by station."""
    outputs = outputs_of(read_release(Place(LIVE), turns[-1].version), find_cache())
    for sent in turns[-1].sent:
        if follow(sent.event_id, outputs).part in LEARNT:
            return sent
    raise RuntimeError("no correction was learnt from")
