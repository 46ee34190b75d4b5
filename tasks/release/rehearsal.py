"""A candidate beside what is live, on real traffic: figures from the service, and their bounds."""

import time
from collections.abc import Callable

from tasks import live_service
from tasks.errors import GateError, TemporaryError
from tasks.live_service import State, Traffic
from tasks.release.change import tell
from tasks.release.params import RehearsalParams
from tasks.releases import Place, Pointer, read_pointer

_PATIENCE_SECONDS = 10.0  # with a service that is restarting or very busy


def watch(
    place: Place, pointer: Pointer, params: RehearsalParams, say: Callable[[str], None]
) -> str:
    """Until the time is over, in one line what was seen.

    GateError as soon as a bound is broken, for too little traffic, and when `pointer`, which the
    rehearsal made, is replaced by somebody: a rollback does not wait for it.
    """
    started, first = time.monotonic(), _read(place)
    before = first.live or Traffic()
    while True:
        time.sleep(params.poll_seconds)
        if (found := read_pointer(place)) != pointer:
            raise GateError(f"{params.kind} ended: meanwhile {tell(found)}")
        now = _read(place)
        candidate = (now.canary if params.kind == "canary" else now.shadow) or Traffic()
        live = since(now.live or Traffic(), before)
        is_over = time.monotonic() - started >= params.seconds
        enough = count(candidate) >= params.min_requests
        # so many errors that no number of good answers to come could make up for them
        is_lost = candidate.num_errors > params.max_error_share * params.min_requests
        problems = judge(candidate, live, params) if enough or is_lost else []
        if is_over and not enough and not problems:
            problems = [
                f"{count(candidate)} requests in {params.seconds:g} s, at least "
                f"{params.min_requests} expected to judge by"
            ]
        if problems:
            raise GateError(f"{params.kind}: {'; '.join(problems)}")
        if is_over:
            return f"{params.kind}: {describe(candidate, params.kind)}"
        say(f"{params.kind}: {describe(candidate, params.kind)}")


def judge(candidate: Traffic, live: Traffic, params: RehearsalParams) -> list[str]:
    """Every bound that is broken, with value and bound."""
    problems: list[str] = []
    error_share = candidate.num_errors / max(count(candidate), 1)
    if error_share > params.max_error_share:
        problems.append(f"{error_share:.2%} errors, at most {params.max_error_share:.2%} expected")
    disagreement = candidate.num_disagreed / max(candidate.num_compared, 1)
    if params.kind == "shadow" and disagreement > params.max_disagreement:
        problems.append(
            f"{disagreement:.1%} other labels than the champion's, at most "
            f"{params.max_disagreement:.1%} expected"
        )
    if params.kind == "canary" and candidate.seconds_mean and live.seconds_mean:
        ratio = candidate.seconds_mean / live.seconds_mean
        if ratio > params.max_latency_ratio:
            problems.append(
                f"{ratio:.2f} x the champion's time, at most {params.max_latency_ratio:g} expected"
            )
    return problems


def count(candidate: Traffic) -> int:
    """Requests to judge by: those that it answered, and those that it could not."""
    return candidate.num_requests + candidate.num_errors


def since(now: Traffic, before: Traffic) -> Traffic:
    """The champion's figures of the rehearsal alone; a service that restarted counts from zero."""
    if now.num_requests < before.num_requests:
        return now
    number = now.num_requests - before.num_requests
    spent = _spent(now) - _spent(before)
    return Traffic(
        num_requests=number,
        num_errors=now.num_errors - before.num_errors,
        seconds_mean=spent / number if number else None,
    )


def describe(candidate: Traffic, kind: str) -> str:
    shares = f", {candidate.num_disagreed} of {candidate.num_compared} labels differ"
    other = shares if kind == "shadow" else ""
    return f"{count(candidate)} requests, {candidate.num_errors} errors{other}"


def _spent(traffic: Traffic) -> float:
    return (traffic.seconds_mean or 0.0) * traffic.num_requests


def _read(place: Place) -> State:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            if service := live_service.find_service(place):
                return live_service.read_state(service, _PATIENCE_SECONDS)
            problem = "the service has ended"
        except TemporaryError as error:
            problem = str(error)
        if time.monotonic() >= deadline:
            raise GateError(f"no figures for {_PATIENCE_SECONDS:g} s: {problem}")
        time.sleep(0.2)
