"""`make forget`: what a person said, or of one prediction, taken out everywhere, and proven.

No Prefect flow: its server would remember whom it had to forget.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Engine

from flows import feedback
from flows.feedback import FEEDBACK
from flows.forgotten import Found, find_copies, remove_copies
from flows.terminal import run_door, say
from tasks.errors import InputError
from tasks.forget import store
from tasks.forget.collect import collect
from tasks.forget.partitions import rewrite
from tasks.forget.search import find_holding
from tasks.forget.traces import Subject, Traces, of_prediction, of_rater
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.params import load_params
from tasks.partitions.place import locked
from tasks.partitions.publish import settle

_MOST_SHOWN = 3
_LIMITS = (
    "Models that learnt from it are as they were: train again. Backups and other clones are not"
    " reached, and runs that used what was removed can no longer be restored in full."
)


def forget(subject: Subject) -> int:
    """Returns how many files and rows still hold something; InputError where nobody was found.
    Can be called again after a kill.

    The store goes last: until then it says what to look for.
    """
    seconds = load_params("ingest_feedback", IngestFeedbackParams).wait_seconds
    with store.open_engine() as engine:
        with feedback.changing("make forget", say), locked(FEEDBACK, seconds):
            settle(FEEDBACK)
            traces = collect(FEEDBACK, engine, subject)
            say(f"{len(traces.event_ids):,} events on {len(traces.prediction_ids):,} predictions")
            for place, _, held in remove_copies(traces):
                say(f"{place}: {len(held):,} removed")
            num_rewritten = rewrite(FEEDBACK, traces, anchors_of(engine))
            say(f"{FEEDBACK}: {num_rewritten:,} partitions written anew")
        if engine:
            num_rows = store.erase(engine, sorted(traces.prediction_ids))
            store.scrub(engine)
            say(f"store: {num_rows:,} rows removed")
        num_left = prove(traces, engine)
    if not (num_left or traces.event_ids or traces.prediction_ids):
        meant = "another CLIENT" if subject.client else "where keys are on, CLIENT=key_id"
        raise InputError(
            f"nothing found of that rater. It is gone already, or another name is meant, or {meant}"
            " (`python -m serving.keys list` shows them)"
        )
    return num_left


def prove(traces: Traces, engine: Engine | None) -> int:
    """Look everywhere again, and say of each place what is left."""
    num_left = 0
    for place, num_files, held in [*find_copies(traces), *_look_into_store(traces, engine)]:
        shown = f": {', '.join(held[:_MOST_SHOWN])}" if held else ""
        say(f"{place}: looked through {num_files:,} files, {len(held):,} left{shown}")
        num_left += len(held)
    return num_left


def anchors_of(engine: Engine | None) -> Callable[[Sequence[str]], tuple[int, str] | None]:
    def find(event_ids: Sequence[str]) -> tuple[int, str] | None:
        if engine is None:
            return None
        with engine.connect() as connection:
            return store.read_anchor(connection, event_ids)

    return find


def _look_into_store(traces: Traces, engine: Engine | None) -> Iterator[Found]:
    """Its rows, and for SQLite the bytes of its files."""
    if engine is None:
        return
    ids = sorted(traces.prediction_ids)
    with engine.connect() as connection:
        rows = store.read_feedback(connection, "prediction_id", ids)["event_id"].to_pylist()
        rows += [one for one, _ in store.read_predictions(connection, "prediction_id", ids)]
    files = store.files_of(engine)
    yield Found("store", len(files), [*rows, *map(str, find_holding(files, traces))])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m flows.forget", description=__doc__)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--rater", help="as the client sent it")
    chosen.add_argument("--prediction", help="its prediction_id")
    parser.add_argument("--client", help="key_id of the API key it came by; none: keys were off")
    options = parser.parse_args()
    by_rater = options.rater and of_rater(options.rater, options.client)
    num_left = forget(by_rater or of_prediction(options.prediction))
    say(_LIMITS)
    if num_left:
        raise InputError(f"{num_left:,} left: the lines above say where. Mend that and run again.")
    say("0 left")


if __name__ == "__main__":
    run_door("forget", main)
