"""The public routes: predict, feedback, what is live, health, metrics, documentation."""

from collections.abc import Sequence

from fastapi import FastAPI, Request, Response
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse

from serving.document import DESCRIPTION, REFUSALS, bounded, describe_body, lock, only
from serving.doors import Doors
from serving.feedback import add_feedback
from serving.http import RefusedError, answer, later, parse, read_body
from serving.jobs import GoneError, OverloadedError
from serving.params import LimitParams
from serving.route import PlainRoute
from serving.schema import ModelAnswer, PredictAnswer, PredictRequest
from serving.service import NotReadyError, Service


def make_app(service: Service, doors: Doors) -> FastAPI:
    app = FastAPI(title="Flywheel", description=DESCRIPTION, version="1", redoc_url=None)
    app.router.route_class = PlainRoute
    _add_predict(app, service, doors)
    add_feedback(app, service, doors)
    _add_state(app, service, doors)
    _add_health(app, service)
    return app


def _add_predict(app: FastAPI, service: Service, doors: Doors) -> None:
    limits = service.params.limits

    @app.post(
        "/v1/predict", response_model=PredictAnswer, responses=REFUSALS,
        openapi_extra=describe_body(bounded(limits)), summary="Classify texts",
        dependencies=lock(doors),
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
            raise later("no release is live yet") from None
        except OverloadedError:
            raise later("too many texts wait") from None
        except GoneError:
            return Response(status_code=499)  # that nobody reads; so the metrics count it
        response = answer(found)
        if service.fleet.lineup.shadow:
            response.background = BackgroundTask(service.shade, texts, found, client)
        return response


def _add_state(app: FastAPI, service: Service, doors: Doors) -> None:
    locked = lock(doors)

    @app.get(
        "/v1/model", response_model=ModelAnswer, responses=only(401, 429, 503), dependencies=locked
    )
    async def model(request: Request) -> Response:
        """What is live, and what is being rehearsed."""
        doors.admit(request, None)
        live, canary, shadow = service.fleet.lineup
        if live is None:
            raise later("no release is live yet")
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

    @app.get(
        "/metrics", response_class=PlainTextResponse, responses=only(401, 403, 429),
        dependencies=locked,
    )  # fmt: skip
    async def metrics(request: Request) -> Response:
        """For Prometheus."""
        doors.admit(request, "admin")
        return Response(service.metrics.page(), media_type="text/plain; version=0.0.4")


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def healthz(request: Request) -> Response:
        """The process answers."""
        return answer({"status": "alive"})

    @app.get("/readyz", responses=only(503))
    async def readyz(request: Request) -> Response:
        """A release is loaded; a problem, if there is one, is of a release that did not load."""
        live = service.fleet.lineup.live
        if live is None:
            problem = service.fleet.problem or "no release is live yet; make run makes one"
            raise later(problem)
        return answer({"status": "ready", "version": live.target.version})


def _check(texts: Sequence[str], limits: LimitParams) -> None:
    if len(texts) > limits.max_texts:
        raise _too_long(["texts"], f"at most {limits.max_texts} texts")
    for index, text in enumerate(texts):
        if len(text) > limits.max_characters:
            raise _too_long(["texts", index], f"at most {limits.max_characters} characters")


def _too_long(place: list[str | int], message: str) -> RefusedError:
    return RefusedError(422, [{"loc": ["body", *place], "msg": message, "type": "too_long"}])
