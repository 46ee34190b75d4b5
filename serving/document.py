"""What the OpenAPI document says of requests that FastAPI itself does not read."""

from typing import Any

from fastapi import Security
from fastapi.security import HTTPBearer

from serving.doors import Doors
from serving.params import LimitParams
from serving.schema import FeedbackAnswer, Invalid, PredictRequest, Problem

DESCRIPTION = (
    "Classifies texts with the release that is live, each answer by one version, and takes "
    "corrections of what it answered: from these the next release learns."
)
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No valid API key, where keys are required"},
    403: {"model": Problem, "description": "The key lacks the scope"},
    408: {"model": Problem, "description": "The body came too slowly"},
    413: {"model": Problem, "description": "The body is too long"},
    415: {"model": Problem, "description": "Not application/json"},
    422: {"model": Invalid, "description": "Not as the schema says; nothing was stored"},
    429: {"model": Problem, "description": "Above the key's rate; see Retry-After"},
    503: {"model": Problem, "description": "Overloaded or without a release; see Retry-After"},
}
_IN_FEEDBACK: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such prediction, or it is no longer kept"},
    409: {"model": Problem, "description": "Another correction has this event_id"},
    410: {"model": Problem, "description": "The prediction is too old to be corrected"},
    422: {"model": Invalid, "description": "Not as the schema says, or no class; nothing stored"},
    429: {"model": Problem, "description": "Above the rate of key or person; see Retry-After"},
    503: {
        "model": Problem,
        "description": "Not acknowledged: send it again with the same event_id after Retry-After",
    },
}
FEEDBACK_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": FeedbackAnswer, "description": "It was stored before"},
    201: {"model": FeedbackAnswer, "description": "It is stored"},
    **REFUSALS,
    **_IN_FEEDBACK,
}


def lock(doors: Doors) -> list[Any]:
    """For the document alone: the endpoints ask `doors` themselves."""
    bearer = HTTPBearer(
        description="made by python -m serving.keys; for feedback, a token, too", auto_error=False
    )
    return [Security(bearer)] if doors.need_keys else []


def describe_body(schema: dict[str, Any]) -> dict[str, Any]:
    """For the document: FastAPI itself does not read these bodies."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def bounded(limits: LimitParams) -> dict[str, Any]:
    """The request's schema with the bounds of params.yaml."""
    schema = PredictRequest.model_json_schema()
    texts = schema["properties"]["texts"]
    texts["maxItems"] = limits.max_texts
    texts["items"]["maxLength"] = limits.max_characters
    return schema


def only(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: REFUSALS[status] for status in statuses}
