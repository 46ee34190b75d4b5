"""Params for one run alone: params.yaml holds them meanwhile, and is itself again afterwards."""

import contextlib
import errno
import hashlib
import stat
from collections.abc import Callable, Iterator, Sequence
from os import fchmod
from pathlib import Path

from flows.checkout.assignments import set_values
from flows.checkout.lock import STATE
from flows.checkout.rescue import rescue_folder
from tasks.artifacts import whole_file
from tasks.errors import ParamsError
from tasks.params import PARAMS_FILE

ORIGINAL = STATE / "params.yaml.original"  # there: params.yaml is, or may be, overridden
WRITTEN_SHA256 = STATE / "params.yaml.sha256"  # of what the run wrote; anything else is an edit


@contextlib.contextmanager
def overridden(assignments: Sequence[str], say: Callable[[str], None]) -> Iterator[None]:
    """Inside the block params.yaml has these values; afterwards it is what it was, byte for byte.

    Raises ParamsError, before anything is written, for an unknown key or a value of wrong type.
    """
    if not assignments:
        yield
        return
    put_back(say)
    original = _read()
    changed, changes = set_values(original, assignments)
    mode = stat.S_IMODE(PARAMS_FILE.stat().st_mode)
    _write(WRITTEN_SHA256, _sha256(changed), mode)
    _write(ORIGINAL, original, mode)
    try:
        _write(PARAMS_FILE.resolve(), changed, mode)
        for change in changes:
            say(f"for this run alone, {change}")
        yield
    finally:
        put_back(say)


def put_back(say: Callable[[str], None]) -> None:
    """Undo the overrides of this run, or of one that was killed; a person's edit is kept."""
    if not ORIGINAL.exists():
        return
    target = PARAMS_FILE.resolve()
    target.with_name(f".{target.name}.new").unlink(missing_ok=True)  # of a killed write
    original = ORIGINAL.read_bytes()
    current = target.read_bytes() if target.exists() else b""
    if current in (b"", original) or _sha256(current) == WRITTEN_SHA256.read_bytes():
        _move_back(target)
        return
    kept = rescue_folder() / PARAMS_FILE
    _write(kept, original, stat.S_IMODE(ORIGINAL.stat().st_mode))
    ORIGINAL.unlink()
    say(
        f"{PARAMS_FILE} was edited during a run with overrides: your edit stays, the overrides in"
        f" it as well; as it was before the run it is in {kept}"
    )


def _move_back(target: Path) -> None:
    """One rename: nothing in between, and no room needed on a full disk."""
    try:
        ORIGINAL.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:  # params.yaml is a link to another filesystem
            raise
        _write(target, ORIGINAL.read_bytes(), stat.S_IMODE(ORIGINAL.stat().st_mode))
        ORIGINAL.unlink()


def _read() -> bytes:
    try:
        return PARAMS_FILE.read_bytes()
    except FileNotFoundError:
        raise ParamsError(
            f"{PARAMS_FILE}: no such file in {Path.cwd()}. Run from the repository's root."
        ) from None


def _write(file: Path, content: bytes, mode: int) -> None:
    with whole_file(file) as stream:
        fchmod(stream.fileno(), mode)
        stream.write(content)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
