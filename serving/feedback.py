"""The route by which corrections come in: stored before they are acknowledged."""

import asyncio
import datetime
import math
from typing import get_args

from fastapi import FastAPI, Request, Response

from serving.document import FEEDBACK_ANSWERS, describe_body, lock
from serving.doors import Doors, Person
from serving.http import RefusedError, answer, later, parse, read_body
from serving.limits import Rate, RateLimiter
from serving.params import FeedbackParams
from serving.prediction_ids import age_of
from serving.schema import FeedbackAnswer, FeedbackRequest
from serving.service import Service
from serving.store.feedback_log import FeedbackLog, FullError
from serving.store.records import Correction, Outcome, Verdict
from tasks.errors import FlywheelError

_LOOK_SECONDS = 0.2  # between two looks for a prediction that may be on its way
_SECONDS_PER_MINUTE = 60
_UNAVAILABLE = "unavailable"  # outcome of those answered 503
_OK, _CREATED = 200, 201
_UNCERTAIN = "it may be stored or not: send it again with the same event_id, it is kept once"


def add_feedback(app: FastAPI, service: Service, doors: Doors) -> None:
    params = service.params.feedback
    rate = Rate(params.per_rater_per_minute / _SECONDS_PER_MINUTE, params.rater_burst)
    raters = RateLimiter(rate)
    count = service.metrics.feedback.labels
    for verdict in (*get_args(Verdict), _UNAVAILABLE):
        count(verdict)  # there from the first scrape on, at 0

    @app.post(
        "/v1/feedback", response_model=FeedbackAnswer, status_code=_CREATED,
        responses=FEEDBACK_ANSWERS, summary="Correct a prediction", dependencies=lock(doors),
        openapi_extra=describe_body(FeedbackRequest.model_json_schema()),
    )  # fmt: skip
    async def feedback(request: Request) -> Response:
        person = doors.admit_person(request)
        sent = parse(await read_body(request, service.params.limits), FeedbackRequest)
        correction = _to_correction(sent, person, _classes(service))
        _charge(raters, correction)
        try:
            outcome = await _store(service.feedback, correction, params)
        except RefusedError:
            count(_UNAVAILABLE).inc()
            raise
        count(outcome.verdict).inc()
        return _acknowledge(correction, outcome, params)


def _classes(service: Service) -> tuple[str, ...]:
    live = service.fleet.lineup.live
    if live is None:
        raise later("no release is live yet, so nobody knows the classes")
    return live.label_set.classes


def _to_correction(sent: FeedbackRequest, person: Person, classes: tuple[str, ...]) -> Correction:
    if person.rater is not None and sent.rater not in (None, person.rater):
        raise RefusedError(403, "this token is another person's than rater says")
    if person.prediction_id not in (None, sent.prediction_id):
        raise RefusedError(403, "this token is for another prediction")
    return Correction(
        received_at=datetime.datetime.now(datetime.UTC),
        client=person.client,
        classes=classes,
        **{**sent.model_dump(), "rater": person.rater or sent.rater},
    )


def _charge(raters: RateLimiter, correction: Correction) -> None:
    """Who is not named counts for the key alone."""
    if correction.rater is None:
        return
    if wait := raters.seconds_to_wait(f"{correction.client or ''}\0{correction.rater}"):
        detail = "this rater corrects faster than a person can"
        raise RefusedError(429, detail, retry_after=str(math.ceil(wait)))


async def _store(log: FeedbackLog, correction: Correction, params: FeedbackParams) -> Outcome:
    """Wait for what the log says; RefusedError 503 where that is not certain."""
    try:
        async with asyncio.timeout(params.answer_seconds):
            while True:
                outcome = await asyncio.wrap_future(log.put(correction))
                if outcome.verdict != "unknown" or not _may_be_on_its_way(correction, params):
                    return outcome
                await asyncio.sleep(_LOOK_SECONDS)
    except FullError:
        raise later("too many corrections wait; this one is not stored") from None
    except TimeoutError:
        raise later(f"the store takes too long; {_UNCERTAIN}") from None
    except FlywheelError:  # the log has said which, to those whom its address concerns
        raise later(f"the store does not confirm it; {_UNCERTAIN}") from None


def _may_be_on_its_way(correction: Correction, params: FeedbackParams) -> bool:
    """From the process before this one, which answers until this one is ready, or beside it."""
    return abs(age_of(correction.prediction_id)) < params.settle_seconds


def _acknowledge(correction: Correction, outcome: Outcome, params: FeedbackParams) -> Response:
    if outcome.verdict in ("stored", "repeated"):
        content = {
            "event_id": correction.event_id,
            "prediction_id": correction.prediction_id,
            "label": outcome.label,
        }
        return answer(content, _CREATED if outcome.verdict == "stored" else _OK)
    raise _refusal(correction, outcome, params)


def _refusal(correction: Correction, outcome: Outcome, params: FeedbackParams) -> RefusedError:
    match outcome.verdict:
        case "unknown":
            return RefusedError(404, "no such prediction, or it is no longer kept")
        case "late":
            return RefusedError(410, f"its prediction is older than {params.max_days:g} days")
        case "conflict":
            return RefusedError(409, "another correction has this event_id")
        case "no_class":
            return _invalid("label", _expected_classes(correction, outcome), "no_class")
        case _:
            return _invalid("event_id", "no database takes what is in this event", "unfit")


def _expected_classes(correction: Correction, outcome: Outcome) -> str:
    classes = f"expected one of the classes {', '.join(correction.classes)}"
    if correction.label is None:  # the answer came from a release with other classes
        return f"{outcome.label!r} was answered, which is no class of what is live now; {classes}"
    return f"{classes}, or null"


def _invalid(field: str, message: str, kind: str) -> RefusedError:
    return RefusedError(422, [{"loc": ["body", field], "msg": message, "type": kind}])
