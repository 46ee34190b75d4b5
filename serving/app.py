"""The public routes: predict, feedback, what is live, health, metrics, documentation."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response, Security
from fastapi.security import HTTPBearer
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse

from serving.doors import Doors
from serving.http import RefusedError, answer, parse, read_body
from serving.jobs import GoneError, OverloadedError
from serving.params import LimitParams
from serving.route import PlainRoute
from serving.schema import (
    FeedbackRequest,
    Invalid,
    ModelAnswer,
    PredictAnswer,
    PredictRequest,
    Problem,
)
from serving.service import NotReadyError, Service

_DESCRIPTION = "Classifies texts with the release that is live. Each answer is by one version."
_SECONDS_TO_RETRY = "1"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No valid API key, where keys are required"},
    403: {"model": Problem, "description": "The key lacks the scope"},
    408: {"model": Problem, "description": "The body came too slowly"},
    413: {"model": Problem, "description": "The body is too long"},
    415: {"model": Problem, "description": "Not application/json"},
    422: {"model": Invalid, "description": "Not as the schema says; nothing was stored"},
    429: {"model": Problem, "description": "Above the key's rate; see Retry-After"},
    503: {"model": Problem, "description": "Overloaded or without a release; see Retry-After"},
}


def make_app(service: Service, doors: Doors) -> FastAPI:
    app = FastAPI(title="Flywheel", description=_DESCRIPTION, version="1", redoc_url=None)
    app.router.route_class = PlainRoute
    _add_predict(app, service, doors)
    _add_feedback(app, service, doors)
    _add_state(app, service, doors)
    return app


def _add_predict(app: FastAPI, service: Service, doors: Doors) -> None:
    limits = service.params.limits

    @app.post(
        "/v1/predict", response_model=PredictAnswer, responses=_REFUSALS,
        openapi_extra=_describe_body(_bounded(limits)), summary="Classify texts",
        dependencies=_lock(doors),
    )  # fmt: skip
    async def predict(request: Request) -> Response:
        client = doors.admit(request, "predict")
        texts = parse(await read_body(request, limits), PredictRequest).texts
        _check(texts, limits)
        doors.charge(client, len(texts) - 1)
        state = request.scope["state"]
        try:
            found = await service.predict(texts, client, lambda: state.get("is_gone", False))
        except NotReadyError:
            raise _later("no release is live yet") from None
        except OverloadedError:
            raise _later("too many texts wait") from None
        except GoneError:
            return Response(status_code=499)  # that nobody reads; so the metrics count it
        response = answer(found)
        if service.fleet.lineup.shadow:
            response.background = BackgroundTask(service.shade, texts, found, client)
        return response


def _add_feedback(app: FastAPI, service: Service, doors: Doors) -> None:
    body = _describe_body(FeedbackRequest.model_json_schema())

    @app.post(
        "/v1/feedback", responses=_REFUSALS, openapi_extra=body, summary="Correct a prediction",
        dependencies=_lock(doors),
    )  # fmt: skip
    async def feedback(request: Request) -> Response:
        """Not taken yet: the form is fixed, and what is sent is checked but not stored."""
        doors.admit(request, "feedback")
        parse(await read_body(request, service.params.limits), FeedbackRequest)
        raise _later("feedback is not taken yet; nothing was stored")


def _add_state(app: FastAPI, service: Service, doors: Doors) -> None:
    lock = _lock(doors)

    @app.get(
        "/v1/model", response_model=ModelAnswer, responses=_only(401, 429, 503), dependencies=lock
    )
    async def model(request: Request) -> Response:
        """What is live, and what is being rehearsed."""
        doors.admit(request, None)
        live, canary, shadow = service.fleet.lineup
        if live is None:
            raise _later("no release is live yet")
        return answer(
            {
                "version": live.target.version,
                "manifest_sha256": live.target.manifest_sha256,
                "precision": live.precision,
                "classes": list(live.label_set.classes),
                "canary": canary.target.version if canary else None,
                "shadow": shadow.target.version if shadow else None,
            }
        )

    @app.get("/healthz")
    async def healthz(request: Request) -> Response:
        """The process answers."""
        return answer({"status": "alive"})

    @app.get("/readyz", responses=_only(503))
    async def readyz(request: Request) -> Response:
        """A release is loaded; a problem, if there is one, is of a release that did not load."""
        live = service.fleet.lineup.live
        if live is None:
            problem = service.fleet.problem or "no release is live yet; make run makes one"
            raise RefusedError(503, problem, retry_after=_SECONDS_TO_RETRY)
        return answer({"status": "ready", "version": live.target.version})

    @app.get(
        "/metrics", response_class=PlainTextResponse, responses=_only(401, 403, 429),
        dependencies=lock,
    )  # fmt: skip
    async def metrics(request: Request) -> Response:
        """For Prometheus."""
        doors.admit(request, "admin")
        return Response(service.metrics.page(), media_type="text/plain; version=0.0.4")


def _lock(doors: Doors) -> list[Any]:
    """For the document alone: the endpoints ask `doors` themselves."""
    bearer = HTTPBearer(description="made by python -m serving.keys", auto_error=False)
    return [Security(bearer)] if doors.need_keys else []


def _describe_body(schema: dict[str, Any]) -> dict[str, Any]:
    """For the document: FastAPI itself does not read these bodies."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _bounded(limits: LimitParams) -> dict[str, Any]:
    """The request's schema with the bounds of params.yaml."""
    schema = PredictRequest.model_json_schema()
    texts = schema["properties"]["texts"]
    texts["maxItems"] = limits.max_texts
    texts["items"]["maxLength"] = limits.max_characters
    return schema


def _check(texts: Sequence[str], limits: LimitParams) -> None:
    if len(texts) > limits.max_texts:
        raise _too_long(["texts"], f"at most {limits.max_texts} texts")
    for index, text in enumerate(texts):
        if len(text) > limits.max_characters:
            raise _too_long(["texts", index], f"at most {limits.max_characters} characters")


def _only(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: _REFUSALS[status] for status in statuses}


def _too_long(place: list[str | int], message: str) -> RefusedError:
    return RefusedError(422, [{"loc": ["body", *place], "msg": message, "type": "too_long"}])


def _later(detail: str) -> RefusedError:
    return RefusedError(503, detail, retry_after=_SECONDS_TO_RETRY)
