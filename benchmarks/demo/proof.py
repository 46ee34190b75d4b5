"""What the turns have brought, measured; and each correction followed to where it went."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from benchmarks.demo.scenario import Sent
from benchmarks.demo.turns import Turn
from flows.journey import LEARNT, Releases, example_of, feedback_source
from tasks import feedback
from tasks.bundle import load_bundle
from tasks.evaluate.examples import Examples, read_examples
from tasks.gate.paired import Answers, Gain, measure_gain
from tasks.gate.params import GainParams, GateParams
from tasks.params import load_params
from tasks.predictor import Predictor, score_texts
from tasks.releases import LIVE, Place

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
    """Where the corrections of a turn were found."""

    num_sent: int
    num_ingested: int
    by_part: dict[str, int]  # of the split of the release that followed


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


def trace_all(turns: Sequence[Turn]) -> list[Traced]:
    """Every correction of each later turn, by its id, in the split of that turn's release."""
    ingested = _read_events()
    releases = Releases()
    return [_trace_turn(turn, ingested, releases) for turn in turns[1:]]


def _read_events() -> dict[str, str]:
    """Text of each event in the accepted partitions."""
    found: dict[str, str] = {}
    for partition in feedback.list_partitions(_FEEDBACK / feedback.ACCEPTED):
        table = pq.read_table(partition.file, columns=["event_id", "text"])
        events = zip(table["event_id"].to_pylist(), table["text"].to_pylist(), strict=True)
        for event_id, text in events:
            if event_id in found:
                raise RuntimeError(f"{event_id} is in two partitions")
            found[event_id] = text
    return found


def _trace_turn(turn: Turn, ingested: dict[str, str], releases: Releases) -> Traced:
    lost = [sent.event_id for sent in turn.sent if sent.event_id not in ingested]
    if lost:
        raise RuntimeError(f"{len(lost)} acknowledged corrections were lost, first {lost[0]}")
    parts: Counter[str] = Counter()
    source = feedback_source()
    places: dict[str, str] = {}
    for sent in turn.sent:
        text = ingested[sent.event_id]
        if text not in places:
            places[text] = _place_in(turn.version, example_of(text, source), releases)
        parts[places[text]] += 1
    return Traced(len(turn.sent), len(turn.sent) - len(lost), dict(parts))


def _place_in(version: str, example: str, releases: Releases) -> str:
    (station,) = [one for one in releases.stations(example) if one.release.version == version]
    if not station.part:
        return station.reason or "set aside by clean or validate"
    return f"{station.part}: {station.reason}" if station.reason else station.part


def pick_learnt(turns: Sequence[Turn]) -> Sent:
    """A correction that the last release has learnt from, to be shown station by station."""
    releases, source = Releases(), feedback_source()
    for sent in turns[-1].sent:
        stations = list(releases.stations(example_of(sent.text, source)))
        if any(one.part in LEARNT and one.release.version == turns[-1].version for one in stations):
            return sent
    raise RuntimeError("no correction was learnt from")
