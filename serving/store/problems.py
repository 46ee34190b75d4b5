"""A database's errors in one line, without addresses' passwords and without anyone's text."""

import contextlib
import errno
from collections.abc import Iterator

from sqlalchemy import URL, Engine
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)

from tasks.errors import FlywheelError, InputError, TemporaryError

# By the beginning of SQLite's name of the error: what is the matter, whether it heals, the remedy.
_SQLITE = {
    "SQLITE_BUSY": ("another process holds it locked", True, "Try again, or end that process"),
    "SQLITE_LOCKED": ("it is locked", True, "Try again"),
    "SQLITE_FULL": ("the disk is full", True, "Free some space"),
    "SQLITE_IOERR": ("the disk does not take or give data", True, "Free some space, or mend it"),
    "SQLITE_READONLY": ("it is read-only", False, "Let this user write the file and its folder"),
    "SQLITE_CANTOPEN": ("it cannot be opened", False, "Let this user write the file's folder"),
    "SQLITE_PERM": ("this user may not open it", False, "Let this user write the file"),
    "SQLITE_NOTADB": ("it is no SQLite database", False, "Name another file, or move it away"),
    "SQLITE_CORRUPT": (
        "it is damaged", False,
        "Move it and the files -wal and -shm beside it away, and move a backup into its place",
    ),
}  # fmt: skip
# By a part of what PostgreSQL's client says, which itself may hold parts of the address.
_POSTGRESQL = {
    "password authentication failed": "it refuses the user or the password",
    "no password supplied": "it wants a password",
    "does not exist": "it has no such database or user",
    "too many": "it has no connection left",
    "read-only": "it is read-only",
    "No space left": "its disk is full",
    "lock timeout": "somebody else holds a table locked",
    "statement timeout": "it takes too long",
}


@contextlib.contextmanager
def explaining(engine: Engine) -> Iterator[None]:
    """Turn what a database or its file raises into an InputError or a TemporaryError."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise explain(error, engine) from None


def explain(error: Exception, engine: Engine) -> FlywheelError:
    """What is the matter with the database, in one line with its address but no password."""
    name = name_of(engine.url)
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return TemporaryError(f"{name}: {error.strerror}. Free some space.")
        return InputError(f"{name}: {error.strerror}. Let this user write the file's folder.")
    cause = error.orig if isinstance(error, DBAPIError) else None
    if code := getattr(cause, "sqlite_errorname", None):
        return _explain_sqlite(name, str(code), str(cause))
    if isinstance(error, DBAPIError) and not isinstance(error, (ProgrammingError, DataError)):
        said = str(cause)
        found = [meaning for part, meaning in _POSTGRESQL.items() if part in said]
        meaning = found[0] if found else f"it cannot be reached ({type(cause).__name__})"
        return TemporaryError(
            f"{name}: {meaning}. See that it is up and that address and password are right."
        )
    return InputError(
        f"{name}: it does not do what it is asked ({type(cause or error).__name__}). See that no "
        "other program made or changed its tables."
    )


def _explain_sqlite(name: str, code: str, said: str) -> FlywheelError:
    for start, (meaning, heals, remedy) in _SQLITE.items():
        if code.startswith(start):
            return (TemporaryError if heals else InputError)(f"{name}: {meaning}. {remedy}.")
    return InputError(f"{name}: {said}. See that no other program made or changed its tables.")


def name_of(url: URL) -> str:
    """An address as it may be shown: options may hold a password, too."""
    return url.set(query={}).render_as_string(hide_password=True)


def is_about_data(error: Exception) -> bool:
    """A value no database takes, however often it is tried, rather than a database in trouble."""
    if isinstance(error, ProgrammingError):  # with a state, it is the server that says so
        return getattr(error.orig, "sqlstate", None) is None
    if isinstance(error, DBAPIError):
        return isinstance(error, (DataError, IntegrityError))
    return isinstance(error, (StatementError, ValueError, TypeError, OverflowError))
