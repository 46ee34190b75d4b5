"""`make forget`: what a person said, or of one prediction, taken out everywhere, and proven.

No Prefect flow: its server would remember whom it had to forget.
"""

import argparse
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import Engine

from flows import feedback
from flows.checkout.lock import STATE
from flows.feedback import FEEDBACK
from flows.forgotten import Found, find_copies, find_own_texts, remove_copies
from flows.services.address import HOME
from flows.terminal import run_door, say
from tasks.errors import InputError
from tasks.forget import store
from tasks.forget.collect import collect
from tasks.forget.others import leave_others, rows_of_others
from tasks.forget.partitions import rewrite
from tasks.forget.search import find_holding
from tasks.forget.traces import Subject, Traces, of_prediction, of_rater
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.params import load_params
from tasks.partitions.place import locked
from tasks.partitions.publish import settle

_MOST_SHOWN = 3
_LIMITS = (
    "`make run` makes again what was removed of data, and trains: models that learnt from it are as"
    " they were. Backups and other clones are not reached, and runs that used what was removed can"
    " no longer be restored in full."
)
_PREFECT = (
    f"What {HOME} holds goes with {HOME}/prefect.db: `make down`, remove it, `make up`; past runs"
    " are then no longer shown, and nothing else needs it."
)


def forget(subject: Subject) -> int:
    """Returns how many files and rows still hold something; InputError where nothing was found.
    Can be called again after a kill, and when something was left.

    The store goes last, and only when nothing else is left: until then it says what to look for.
    Till it is erased nothing is ingested, since what is not yet in a partition would come again.
    """
    seconds = load_params("ingest_feedback", IngestFeedbackParams).wait_seconds
    with (
        store.open_engine() as engine,
        feedback.changing("make forget", say),
        locked(FEEDBACK, seconds),
    ):
        settle(FEEDBACK)
        traces = leave_own(collect(FEEDBACK, engine, subject))
        say(f"{len(traces.event_ids):,} events on {len(traces.prediction_ids):,} predictions")
        num_gone = _take_out(traces, engine)
        feedback.version()
        num_left = prove(find_copies(traces))
        if num_left:
            if engine:
                say("store: left as it is, since it alone says what to look for")
            return num_left
        note = _note_of(subject)
        if not (traces.event_ids or num_gone or note.exists() or _rows_of(traces, engine)):
            raise InputError(_not_found(subject))
        return _erase(traces, engine, note) if engine else 0


def _take_out(traces: Traces, engine: Engine | None) -> int:
    """All but the store; returns how many files there were."""
    removed = remove_copies(traces)
    for place, _, held in removed:
        say(f"{place}: {len(held):,} removed")
    num_rewritten = rewrite(FEEDBACK, traces, anchors_of(engine))
    say(f"{FEEDBACK}: {num_rewritten:,} partitions written anew")
    return num_rewritten + sum(len(one.held) for one in removed)


def _erase(traces: Traces, engine: Engine, note: Path) -> int:
    """Nothing is found of them any more when this is killed: then the note says to go on."""
    note.touch()
    num_rows = store.erase(engine, sorted(traces.prediction_ids))
    store.scrub(engine)
    say(f"store: {num_rows:,} rows removed")
    num_left = prove(_look_into_store(traces, engine))
    if not num_left:
        note.unlink()
    return num_left


def _note_of(subject: Subject) -> Path:
    """Is there while all is gone but what the store has: of whom, nobody reads from its name."""
    digest = hashlib.sha256(repr(subject).encode("utf-8", "surrogatepass")).hexdigest()
    return STATE / f"forget-{digest}"


def _not_found(subject: Subject) -> str:
    if subject.prediction_id:
        return "nothing found of that prediction. It is gone already, or another id is meant"
    meant = "another CLIENT" if subject.client else "where keys are on, CLIENT=key_id"
    return (
        f"nothing found of that rater. It is gone already, or another name is meant, or {meant} "
        "(`python -m serving.keys list` shows them)"
    )


def leave_own(traces: Traces) -> Traces:
    """Without texts that stand in a user's own files, which stay; so does what is made of them."""
    own = find_own_texts(traces)
    if not own:
        return traces
    texts, places = {one.text for one in own}, sorted({one.place for one in own})
    more = f" and {len(places) - _MOST_SHOWN:,} more" if len(places) > _MOST_SHOWN else ""
    say(
        f"{len(texts):,} of the texts stand in files of yours, too, and stay: "
        f"{', '.join(places[:_MOST_SHOWN])}{more}. If they are theirs, take them out there"
    )
    return traces._replace(texts=traces.texts - texts)


def prove(places: Iterable[Found]) -> int:
    """Look everywhere again, and say of each place what is left."""
    num_left = 0
    for place, num_files, held in places:
        shown = f": {', '.join(held[:_MOST_SHOWN])}" if held else ""
        say(f"{place}: looked through {num_files:,} files, {len(held):,} left{shown}")
        num_left += len(held)
        if held and place.startswith(str(HOME)):
            say(_PREFECT)
    return num_left


def anchors_of(engine: Engine | None) -> Callable[[Sequence[str]], tuple[int, str] | None]:
    def find(event_ids: Sequence[str]) -> tuple[int, str] | None:
        if engine is None:
            return None
        with engine.connect() as connection:
            return store.read_anchor(connection, event_ids)

    return find


def _look_into_store(traces: Traces, engine: Engine) -> Iterator[Found]:
    """Its rows, and for SQLite the bytes of its files; others may have said the same meanwhile."""
    files = store.files_of(engine)
    with engine.connect() as connection:
        traces = leave_others(traces, rows_of_others(store.read_said(connection), traces))
    held = map(str, find_holding(files, traces))
    yield Found("store", len(files), [*_rows_of(traces, engine), *held])


def _rows_of(traces: Traces, engine: Engine | None) -> list[str]:
    if engine is None:
        return []
    ids = sorted(traces.prediction_ids)
    with engine.connect() as connection:
        events = store.read_feedback(connection, "prediction_id", ids)["event_id"]
        predictions = store.read_predictions(connection, ids)
    return [*events.to_pylist(), *(one for one, _ in predictions)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m flows.forget", description=__doc__)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--rater", help="as the client sent it")
    chosen.add_argument("--prediction", help="its prediction_id")
    parser.add_argument("--client", help="key_id of the API key it came by; none: keys were off")
    options = parser.parse_args()
    if options.prediction is not None:
        num_left = forget(of_prediction(options.prediction))
    else:
        num_left = forget(of_rater(options.rater, options.client))
    say(_LIMITS)
    if num_left:
        raise InputError(f"{num_left:,} left: the lines above say where. Mend that and run again.")
    say("0 left")


if __name__ == "__main__":
    run_door("forget", main)
