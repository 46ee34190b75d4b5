"""A stage reads only what its makers wrote: every byte is hashed again before it runs."""

from collections.abc import Sequence
from pathlib import Path

from flows.checkout.cache import cached_listing, find_cache
from flows.checkout.dvc_locks import dvc_lock
from flows.checkout.hashes import RecordedOut, listing_md5, listing_of, md5_of, read_recorded_outs
from flows.checkout.lock_file import DamagedLock
from tasks.errors import InputError

_REMEDY = (
    "Run `make doctor`: it finds damaged copies; `python -m flows.doctor --mend` moves them aside,"
    " and the next run makes or fetches them anew."
)


def verify_inputs(inputs: Sequence[str]) -> None:
    """Compare inputs that other stages made with what dvc.lock recorded when they made them.

    DVC itself trusts a file by mode, size and time, so a flipped bit would pass.
    """
    for recorded in _recorded(inputs):
        check_out(recorded)


def check_out(recorded: RecordedOut) -> None:
    path = Path(recorded.path)
    if not path.exists():
        raise InputError(
            f"{path}: no such file; {recorded.stage} made it. `dvc checkout {path}` brings it back."
        )
    if path.is_dir() and recorded.md5.endswith(".dir"):
        _check_folder(recorded, listing_of(path))
    elif (found := md5_of(path)) != recorded.md5:
        raise _altered(recorded.path, recorded.md5, found, recorded.stage)


def _check_folder(recorded: RecordedOut, found: dict[str, str]) -> None:
    if (md5 := listing_md5(found)) == recorded.md5:
        return
    expected = cached_listing(find_cache(), recorded.md5)
    if expected is None:  # then the folder's own md5 has to do
        raise _altered(recorded.path, recorded.md5, md5, recorded.stage)
    name = min(path for path in {*expected, *found} if expected.get(path) != found.get(path))
    raise _altered(
        f"{recorded.path}/{name}",
        expected.get(name, "no such file"),
        found.get(name, "no such file"),
        recorded.stage,
    )


def _recorded(inputs: Sequence[str]) -> list[RecordedOut]:
    """Outputs that are, hold, or lie below the inputs.

    Another stage may be finishing, and dvc.lock half written; then its writer is waited for.
    """
    try:
        return _find(inputs, read_recorded_outs())
    except (DamagedLock, KeyError):
        with dvc_lock():
            outs = read_recorded_outs()
    try:
        return _find(inputs, outs)
    except KeyError as missing:
        raise InputError(
            f"dvc.lock: records no output {missing}, which a stage is to read. Run the stage that"
            " makes it first."
        ) from None


def _find(inputs: Sequence[str], outs: dict[str, RecordedOut]) -> list[RecordedOut]:
    found: dict[str, RecordedOut] = {}
    for path in map(Path, inputs):
        related = [
            out for out in outs.values()
            if path.is_relative_to(out.path) or Path(out.path).is_relative_to(path)
        ]  # fmt: skip
        if not related:
            raise KeyError(str(path))
        found |= {out.path: out for out in related}
    return list(found.values())


def _altered(place: str, expected: str, found: str, stage: str) -> InputError:
    return InputError(
        f"{place}: altered since {stage} made it: expected md5 {expected}, found {found}. {_REMEDY}"
    )
