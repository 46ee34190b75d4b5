"""`make forget`: what a person said, or of one prediction, taken out everywhere, and proven.

No Prefect flow: its server would remember whom it had to forget.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlalchemy import Engine

from flows import feedback
from flows.feedback import FEEDBACK
from flows.forgotten import Found, find_copies, find_own_texts, remove_copies
from flows.services.address import HOME
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
    "`make run` makes again what was removed of data, and trains: models that learnt from it are as"
    " they were. Backups and other clones are not reached, and runs that used what was removed can"
    " no longer be restored in full."
)
_PREFECT = (
    f"What {HOME} holds goes with {HOME}/prefect.db: `make down`, remove it, `make up`; past runs"
    " are then no longer shown, and nothing else needs it."
)


def forget(subject: Subject) -> int:
    """Returns how many files and rows still hold something; InputError where nobody was found.
    Can be called again after a kill, and when something was left.

    The store goes last, and only when nothing else is left: until then it says what to look for.
    """
    seconds = load_params("ingest_feedback", IngestFeedbackParams).wait_seconds
    with store.open_engine() as engine:
        with feedback.changing("make forget", say), locked(FEEDBACK, seconds):
            settle(FEEDBACK)
            traces = collect(FEEDBACK, engine, subject)
            say(f"{len(traces.event_ids):,} events on {len(traces.prediction_ids):,} predictions")
            traces = leave_own(traces)
            for place, _, held in remove_copies(traces):
                say(f"{place}: {len(held):,} removed")
            num_rewritten = rewrite(FEEDBACK, traces, anchors_of(engine))
            say(f"{FEEDBACK}: {num_rewritten:,} partitions written anew")
        num_left = prove(find_copies(traces))
        if engine and num_left:
            say("store: left as it is, since it alone says what to look for")
        elif engine:
            num_rows = store.erase(engine, sorted(traces.prediction_ids))
            store.scrub(engine)
            say(f"store: {num_rows:,} rows removed")
            num_left = prove(_look_into_store(traces, engine))
    if not (num_left or traces.event_ids or traces.prediction_ids):
        meant = "another CLIENT" if subject.client else "where keys are on, CLIENT=key_id"
        raise InputError(
            f"nothing found of that rater. It is gone already, or another name is meant, or {meant}"
            " (`python -m serving.keys list` shows them)"
        )
    return num_left


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
    """Its rows, and for SQLite the bytes of its files."""
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
