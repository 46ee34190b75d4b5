"""`make trace EVENT=...`: one correction, from its request to the models that learnt from it."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from flows.checkout.cache import find_cache
from flows.fate import describe, follow
from flows.journey import Event, check_event_id, find_in_partitions, find_in_store
from flows.outputs import outputs_here, outputs_of
from flows.terminal import run_door, say
from tasks.errors import FlywheelError, InputError
from tasks.feedback import QUARANTINED
from tasks.release.known import list_releases
from tasks.releases import LIVE, Place, Release, read_pointer

FEEDBACK = Path("data/feedback")
_SHOWN_CHARACTERS = 70


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m flows.trace", description=__doc__)
    parser.add_argument("event", help="the event_id that the client sent with its correction")
    for name, value in trace(parser.parse_args().event):
        say(f"  {name:<12}{value}")


def trace(event_id: str) -> Iterator[tuple[str, str]]:
    """Name and words of each station; InputError where the event never came in."""
    check_event_id(event_id)
    stored, why_not = _look_into_store(event_id)
    ingested = find_in_partitions(FEEDBACK, event_id)
    if stored is None and ingested is None:
        raise InputError(
            f"{event_id}: {why_not}, nor has any partition in {FEEDBACK}. It was not acknowledged, "
            "or was forgotten."
        )
    event = stored or (ingested[1] if ingested else {})
    yield "event", _describe(event)
    yield "prediction", f"{event['prediction_id']}, by {event['model_version']}"
    yield "store", "has it" if stored else why_not
    if ingested is None:
        yield "partition", "none yet: make ingest, or the next nightly-retrain, takes it in"
        return
    file, row = ingested
    yield "partition", str(file)
    if file.parent.name == QUARANTINED:
        yield "held", "it waits for a person, or was rejected: make release-feedback says why"
        return
    yield "text", _shorten(row["text"])
    yield "checkout", describe(follow(event_id, outputs_here()))
    cache = find_cache()
    for release in list_releases(Place(LIVE)):
        yield release.version, _describe_in(release, event_id, cache)
    live = read_pointer(Place(LIVE)).live
    yield "live", live.version if live else "nothing yet"


def _describe_in(release: Release, event_id: str, cache: Path) -> str:
    try:
        said = describe(follow(event_id, outputs_of(release, cache)))
    except InputError as error:  # an old one; newer ones may well be there
        return str(error)
    return f"{said} (run {release.run}, commit {release.commit[:12]})"


def _shorten(text: str | None) -> str:
    return repr(text[:_SHOWN_CHARACTERS]) if text else "was not kept (serving.prediction_log.keep)"


def _look_into_store(event_id: str) -> tuple[Event | None, str]:
    try:
        found = find_in_store(event_id)
    except FlywheelError as error:
        return None, f"the store was not asked ({error})"
    return found, "the store does not have it"


def _describe(event: Event) -> str:
    rater, client = event["rater"] or "somebody", event["client"] or "no key"
    said = "is right" if event["label"] == event["predicted"] else f"should be {event['label']!r}"
    return f"{event['received_at']}, {rater} by {client}: {event['predicted']!r} {said}"


if __name__ == "__main__":
    run_door("trace", main)
