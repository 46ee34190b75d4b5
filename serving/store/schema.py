"""The store's schema brought up to date, by however many processes start at once."""

import functools

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from serving.store.engine import writing
from serving.store.problems import explaining, name_of
from tasks.errors import InputError

_LOCK = 0x666C7977  # any number that no other program of the same database locks
VERSION_TABLE = "flywheel_version"  # Alembic's own name for it is taken where Prefect is beside us
_OLD_VERSION_TABLE, _OLD_REVISION = "alembic_version", "0001"


def upgrade(engine: Engine) -> None:
    """Bring the schema to what this code knows, in one transaction.

    When it is there, nobody is locked out and nothing is waited for: what is found is only read.
    InputError when the schema is newer than the code.
    """
    with explaining(engine):
        with engine.connect() as connection:
            if _is_current(connection):
                return
        with writing(engine, is_migration=True) as connection:
            if connection.dialect.name == "postgresql":  # SQLite's write lock is held already
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if not _is_current(connection):
                _adopt_old_name(connection)
                command.upgrade(_configure(connection), "head")


def _is_current(connection: Connection) -> bool:
    found, known = _revision(connection, VERSION_TABLE), _known_revisions()
    if found is not None and found not in known:
        raise InputError(
            f"{name_of(connection.engine.url)}: its schema is at step {found}, this code knows "
            f"none beyond {known[0]}. Run a newer version of the code, or name another database."
        )
    return found == known[0]


def _adopt_old_name(connection: Connection) -> None:
    """A store from before VERSION_TABLE had its name; another program's table stays as it is."""
    old = _revision(connection, _OLD_VERSION_TABLE)
    tables = set(inspect(connection).get_table_names())
    if (
        VERSION_TABLE not in tables
        and old == _OLD_REVISION
        and tables >= {"predictions", "api_keys"}
    ):
        command.stamp(_configure(connection), old)
        connection.execute(text(f"DROP TABLE {_OLD_VERSION_TABLE}"))


def _revision(connection: Connection, table: str) -> str | None:
    """None where there is no such table, or more than one step in it."""
    context = MigrationContext.configure(connection, opts={"version_table": table})
    heads = context.get_current_heads()
    return heads[0] if len(heads) == 1 else None


@functools.cache
def _known_revisions() -> tuple[str, ...]:
    """The newest first."""
    scripts = ScriptDirectory.from_config(_configure(None))
    return tuple(script.revision for script in scripts.walk_revisions())


def _configure(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", "serving.store:migrations")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    return config
