"""What the OpenAPI document says of requests that FastAPI itself does not read."""

from typing import Any

from fastapi import Security
from fastapi.security import HTTPBearer

from serving.doors import Doors
from serving.params import LimitParams
from serving.schema import Invalid, PredictRequest, Problem

DESCRIPTION = "Classifies texts with the release that is live. Each answer is by one version."
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


def lock(doors: Doors) -> list[Any]:
    """For the document alone: the endpoints ask `doors` themselves."""
    bearer = HTTPBearer(description="made by python -m serving.keys", auto_error=False)
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
