"""The process that answers: `python -m serving` starts one, and another before this one ends."""

import argparse
import asyncio
import datetime
import logging
import os
import resource
import signal
import socket
import sys
import threading
from typing import NamedTuple

import uvloop
from sqlalchemy import Engine
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from serving.admin import make_admin_app
from serving.app import make_app
from serving.auth import Keyring
from serving.doors import Doors, KeyedDoors, OpenDoors, is_loopback
from serving.guard import Guard
from serving.logs import set_up_logging
from serving.params import ServingParams
from serving.server import DrainingServer
from serving.service import Service
from serving.store.engine import open_engine, store_url
from serving.store.feedback import Rules
from serving.store.feedback_log import FeedbackLog
from serving.store.policy import Policy
from serving.store.prediction_log import PredictionLog
from serving.store.schema import upgrade
from serving.turnstile import make_turnstile
from serving.upkeep import Upkeep
from tasks.errors import FlywheelError, InputError
from tasks.params import load_params
from tasks.privacy import PrivacyParams
from tasks.releases import LIVE, Place
from tasks.stage import die_with_parent

# Of the interpreter, between threads: with its own 5 ms, one that has scored waits for its turn.
# With this 32 clients get 13 % more answers than with 0.5 ms.
_SWITCH_SECONDS = 0.0001
_FLUSH_SECONDS = 5.0
log = logging.getLogger(__name__)


class Given(NamedTuple):
    """By the process that holds the ports."""

    public: socket.socket
    admin: socket.socket
    ready: int  # gets a byte when a release is loaded, or none is there yet
    replaces: bool  # another process answers until then
    need_keys: bool  # whatever params.yaml says by now

    def host(self) -> str:
        """Where it really listens: params.yaml may have changed since."""
        host: str = self.public.getsockname()[0]
        return host


async def serve(given: Given) -> None:
    """Until a signal. InputError at the start, where another process can do better."""
    params = load_params("serving", ServingParams)
    engine = open_engine(store_url(params.prediction_log))
    keyring = Keyring(engine, params.key_refresh_seconds)
    doors = await asyncio.to_thread(_open_doors, engine, keyring, params, given)
    service = _make_service(engine, params)
    problem = await asyncio.to_thread(service.fleet.refresh)
    if problem and given.replaces:
        raise InputError(f"{problem}. Nothing is replaced by that: mend it, then restart again.")
    Upkeep(engine, keyring, params.prediction_log.keep_days).start()
    threading.Thread(target=service.fleet.watch, daemon=True).start()
    apps = [
        (make_app(service, doors), given.host(), given.public),
        (make_admin_app(service, doors, _ask_for_restart), "127.0.0.1", given.admin),
    ]
    servers = []
    async with asyncio.TaskGroup() as group:
        for app, host, listener in apps:
            guard = Guard(_known_hosts(app, host, doors), service.metrics)
            turn_away = make_turnstile(service.batcher, guard, service.metrics)
            servers.append(DrainingServer(guard, guard, params.limits, turn_away))
            group.create_task(servers[-1].serve([listener]))
        _end_on_signal(servers)
        while not all(server.started for server in servers):
            await asyncio.sleep(0.005)
        os.write(given.ready, b"1")
        os.close(given.ready)
    await asyncio.to_thread(_close, service)


def _make_service(engine: Engine, params: ServingParams) -> Service:
    privacy = load_params("privacy", PrivacyParams)
    predictions = PredictionLog(engine, params.prediction_log, privacy)
    max_age = datetime.timedelta(params.feedback.max_days)
    rules = Rules(max_age, Policy(params.prediction_log.keep, privacy))
    feedback = FeedbackLog(engine, rules, params.feedback.max_waiting, predictions.find)
    return Service(Place(LIVE), params, predictions, feedback)


def _open_doors(engine: Engine, keyring: Keyring, params: ServingParams, given: Given) -> Doors:
    """Bring the store's tables up to date; with keys required, without any, do not start.

    Without keys there are answers whatever is the matter with the store; with them, a process that
    cannot read them lets nobody in, so it ends, and the next one tries again.
    """
    must = given.need_keys or params.require_api_keys or not is_loopback(given.host())
    try:
        upgrade(engine)
        keyring.refresh()
    except FlywheelError as error:
        if must:
            raise
        log.error("answers go on, but predictions wait for the store: %s", error)
    if not must:
        return OpenDoors()
    if not keyring.num_keys:
        raise InputError(
            f"{given.host()}: whoever can reach it needs an API key, and there is none. "
            "Make one: python -m serving.keys add NAME --scope predict"
        )
    return KeyedDoors(keyring, params.limits, params.feedback.max_token_hours)


def _close(service: Service) -> None:
    if lost := service.close(_FLUSH_SECONDS):
        log.error("%d predictions did not reach the store", lost)


def _known_hosts(app: ASGIApp, host: str, doors: Doors) -> ASGIApp:
    """Without keys, a page in a browser must not reach this address under a name of its own."""
    if isinstance(doors, KeyedDoors):
        return app
    return TrustedHostMiddleware(app, ["127.0.0.1", "localhost", "[::1]", host])


def _ask_for_restart() -> None:
    os.kill(os.getppid(), signal.SIGHUP)


def _end_on_signal(servers: list[DrainingServer]) -> None:
    """SIGTERM: another process has taken over; SIGINT: nobody has."""

    def end(is_replaced: bool) -> None:
        for server in servers:
            server.is_replaced = is_replaced
            server.should_exit = True

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end, True)
    loop.add_signal_handler(signal.SIGINT, end, False)


def _allow_descriptors() -> None:
    """A connection takes one, and the usual limit for a process is 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m serving.worker", description=__doc__)
    for name in ("public", "admin", "ready"):
        parser.add_argument(name, type=int, help="number of an open file")
    parser.add_argument("--replaces", action="store_true")
    parser.add_argument("--need-keys", action="store_true")
    options = parser.parse_args(arguments)
    die_with_parent()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    sys.setswitchinterval(_SWITCH_SECONDS)
    set_up_logging()
    _allow_descriptors()
    public, admin = (socket.socket(fileno=fd) for fd in (options.public, options.admin))
    given = Given(public, admin, options.ready, options.replaces, options.need_keys)
    uvloop.run(serve(given))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FlywheelError as problem:
        log.error("serving failed: %s", problem)
        sys.exit(1)
