"""The store's schema brought up to date, by however many processes start at once."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from serving.store.engine import writing
from serving.store.problems import explaining, name_of
from tasks.errors import InputError

_LOCK = 0x666C7977  # any number that no other program of the same database locks


def upgrade(engine: Engine) -> None:
    """Bring the schema to what this code knows, in one transaction; nothing when it is there.

    InputError when the schema is newer than the code.
    """
    with explaining(engine), writing(engine) as connection:
        if engine.dialect.name == "postgresql":  # SQLite's write lock is held already
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config = _configure(connection)
        scripts = ScriptDirectory.from_config(config)
        known = [script.revision for script in scripts.walk_revisions()]
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in known:
            raise InputError(
                f"{name_of(engine.url)}: its schema is at step {found}, this code knows none "
                f"beyond {known[0]}. Run a newer version of the code, or name another database."
            )
        if found != known[0]:
            command.upgrade(config, "head")


def _configure(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "serving.store:migrations")
    config.attributes["connection"] = connection
    return config
