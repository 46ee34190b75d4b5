"""The admin routes, on a port of their own that only this machine reaches."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response

from serving.doors import Doors
from serving.http import RefusedError, answer
from serving.model import Model
from serving.route import PlainRoute
from serving.service import Service, Tally


def make_admin_app(service: Service, doors: Doors, restart: Callable[[], None]) -> FastAPI:
    app = FastAPI(title="Flywheel, admin", version="1", redoc_url=None)
    app.router.route_class = PlainRoute

    @app.post("/v1/reload")
    async def reload(request: Request) -> Response:
        """Look at the pointer now; answers when what it names is loaded, or was refused."""
        _admit(doors, request)
        problem = await asyncio.to_thread(service.fleet.refresh)
        return answer({**_lineup(service), "problem": problem})

    @app.get("/v1/state")
    async def state(request: Request) -> Response:
        """What each role has answered since its release was loaded, queue and log."""
        _admit(doors, request)
        log = service.log.state()
        return answer(
            {
                **_lineup(service),
                "pid": os.getpid(),
                "problem": service.fleet.problem,
                "waiting_texts": service.batcher.num_waiting,
                "prediction_log": log._asdict(),
                "waiting_corrections": service.feedback.num_waiting,
            }
        )

    @app.post("/v1/restart", status_code=202)
    async def begin_restart(request: Request) -> Response:
        """A new process takes over, then this one finishes its answers and ends."""
        _admit(doors, request)
        restart()
        return answer({"status": "restarting"}, 202)

    return app


def _admit(doors: Doors, request: Request) -> None:
    """A page from anywhere can make a browser on this machine send a POST; it names its origin."""
    if "origin" in request.headers or "sec-fetch-site" in request.headers:
        raise RefusedError(403, "not from a web page")
    doors.admit(request, "admin")


def _lineup(service: Service) -> dict[str, Any]:
    lineup = service.fleet.lineup._asdict()
    return {role: _described(service, role, model) for role, model in lineup.items()}


def _described(service: Service, role: str, model: Model | None) -> dict[str, Any] | None:
    if model is None:
        return None
    tally = service.tallies.get((role, model.target.version), Tally())
    return {
        "version": model.target.version,
        "manifest_sha256": model.target.manifest_sha256,
        "num_requests": tally.num_requests,
        "num_errors": tally.num_errors,
        "seconds_mean": tally.seconds / tally.num_requests if tally.num_requests else None,
        "num_compared": tally.num_compared,
        "num_disagreed": tally.num_disagreed,
    }
