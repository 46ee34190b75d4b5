"""API keys, `python -m serving.keys`: add NAME --scope predict | list | renew ID | revoke ID ..."""

import argparse
import datetime
import os
import secrets
import sys
from collections.abc import Sequence
from typing import get_args

from sqlalchemy import Engine, insert, select, update

from serving.auth import PREFIX, Scope, hash_secret
from serving.params import ServingParams
from serving.store.engine import open_engine, store_url, writing
from serving.store.problems import explaining
from serving.store.schema import upgrade
from serving.store.tables import API_KEYS
from serving.tokens import mint_token
from tasks.errors import FlywheelError, InputError
from tasks.params import load_params

_ID_BYTES, _SECRET_BYTES = 6, 32
_MAX_NAME = 80
_KEY_FROM = "FLYWHEEL_API_KEY"  # environment variable; a command line is seen by others


def add_key(engine: Engine, name: str, scopes: Sequence[Scope]) -> str:
    """Make a key and keep its hash; the key returned is known to nobody else."""
    if not name.isprintable() or not 0 < len(name.strip()) <= _MAX_NAME:
        raise InputError(
            f"name {name!r:.90}: expected up to {_MAX_NAME} printable characters. Give the key the "
            "name of who will hold it."
        )
    key_id, secret = secrets.token_hex(_ID_BYTES), _make_secret()
    row = {
        "key_id": key_id,
        "name": name.strip(),
        "secret_sha256": hash_secret(secret),
        "scopes": sorted(set(scopes)),
        "created_at": datetime.datetime.now(datetime.UTC),
    }
    with explaining(engine), writing(engine) as connection:
        connection.execute(insert(API_KEYS).values(row))
    return f"{PREFIX}_{key_id}_{secret}"


def renew_key(engine: Engine, key_id: str) -> str:
    """Another secret under the same id: whoever corrects by it stays who they were. The old one and
    its tokens end, as by revoking."""
    secret = _make_secret()
    valid = (API_KEYS.c.key_id == key_id) & API_KEYS.c.revoked_at.is_(None)
    with explaining(engine), writing(engine) as connection:
        changed = update(API_KEYS).where(valid).values(secret_sha256=hash_secret(secret))
        if not connection.execute(changed).rowcount:
            raise InputError(
                f"key {key_id[:40]!r}: no valid key has this id. `python -m serving.keys list` "
                "shows all; for a revoked one add another."
            )
    return f"{PREFIX}_{key_id}_{secret}"


def revoke_key(engine: Engine, key_id: str) -> None:
    """It stops working with the service's next look at the keys; revoking again changes nothing."""
    now = datetime.datetime.now(datetime.UTC)
    with explaining(engine), writing(engine) as connection:
        its_row = API_KEYS.c.key_id == key_id
        if connection.execute(select(API_KEYS.c.key_id).where(its_row)).first() is None:
            raise InputError(
                f"key {key_id[:40]!r}: there is none with this id. `python -m serving.keys list` "
                "shows all ids: the middle one of the three parts of a key."
            )
        valid = API_KEYS.c.revoked_at.is_(None)
        connection.execute(update(API_KEYS).where(its_row, valid).values(revoked_at=now))


def _make_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def list_keys(engine: Engine) -> list[str]:
    """One line for each key, oldest first."""
    with explaining(engine), engine.connect() as connection:
        rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at)).all()
    return [
        f"{row.key_id}  {row.name}  {' '.join(row.scopes)}  since {row.created_at:%Y-%m-%d %H:%M}"
        + (f"  revoked {row.revoked_at:%Y-%m-%d %H:%M}" if row.revoked_at else "")
        for row in rows
    ]


def main(arguments: argparse.Namespace) -> list[str]:
    """Do as the command line says; returns what to print."""
    params = load_params("serving", ServingParams)
    if arguments.action == "token":
        return [make_token(arguments, params.feedback.max_token_hours)]
    engine = open_engine(store_url(params.prediction_log))
    try:
        upgrade(engine)
        return act(engine, arguments)
    finally:
        engine.dispose()


def act(engine: Engine, arguments: argparse.Namespace) -> list[str]:
    if arguments.action == "add":
        return [add_key(engine, arguments.name, arguments.scope)]
    if arguments.action == "renew":
        return [renew_key(engine, arguments.key_id)]
    if arguments.action == "revoke":
        revoke_key(engine, arguments.key_id)
        return [f"key {arguments.key_id} is revoked"]
    return list_keys(engine) or ["there are no keys"]


def make_token(arguments: argparse.Namespace, max_hours: float) -> str:
    """Asks neither the store nor the service: whoever holds a key can do it anywhere."""
    if not 0 < arguments.hours <= max_hours:
        raise InputError(
            f"hours {arguments.hours:g}: expected up to {max_hours:g} "
            "(serving.feedback.max_token_hours). The service refuses a token that lasts longer."
        )
    if not (key := os.environ.get(_KEY_FROM)):
        raise InputError(f"{_KEY_FROM} is not set. Put a key with the scope feedback there.")
    return mint_token(key, arguments.rater, arguments.hours, arguments.prediction)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m serving.keys", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="make a key and print it, this once")
    add.add_argument("name", help="who will hold it")
    add.add_argument("--scope", action="append", required=True, choices=get_args(Scope))
    actions.add_parser("list", help="all keys without their secrets")
    for action, does in (
        ("renew", "print the same key with another secret; the old one ends"),
        ("revoke", "let a key no longer in"),
    ):
        actions.add_parser(action, help=does).add_argument("key_id", help="as `list` shows it")
    token = actions.add_parser("token", help=f"let one person correct, by the key in {_KEY_FROM}")
    token.add_argument("--rater", required=True, help="who that is")
    token.add_argument("--hours", type=float, required=True, help="that it lasts")
    token.add_argument("--prediction", help="id of the only one to be corrected")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        print(*main(parse_arguments()), sep="\n")
    except FlywheelError as problem:
        sys.exit(f"keys failed: {problem}")
