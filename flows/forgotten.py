"""Copies of what is to be forgotten: in data that stages made, in DVC's cache and at its remote."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flows.checkout.cache import find_cache, list_objects
from flows.checkout.hashes import file_md5
from flows.checkout.remote_objects import Remote, default_remote
from flows.feedback import FEEDBACK
from flows.services.address import HOME
from tasks.forget.history import find_in_history
from tasks.forget.own import Own, find_own
from tasks.forget.search import find_holding, holds
from tasks.forget.traces import Traces

_DATA = Path("data")
_SQLITE_LOGS = ("-wal", "-shm")  # read with their database
_INPUTS = (_DATA / "raw", _DATA / "fetch")  # a user's own, and what was downloaded: never touched
_MADE = (_DATA, Path(".run"))  # stages make all of it again


class Found(NamedTuple):
    place: str
    num_files: int  # looked through
    held: list[str]  # of these, what holds something


def remove_copies(traces: Traces) -> list[Found]:
    """All but the partitions, which are written anew, and what is equal to a user's own file."""
    inputs = {file_md5(file) for folder in _INPUTS for file in files_below(folder)}
    derived = list(_derived())
    objects = {md5: file for md5, file in list_objects(find_cache()) if md5 not in inputs}
    removed = []
    for place, files in (("data and .run", derived), ("DVC's cache", list(objects.values()))):
        held = find_holding(files, traces)
        removed.append(Found(place, len(files), list(map(str, held))))
        if place == "data and .run":
            _remove(held)
    with default_remote() as remote:
        if remote:
            gone = [one for one in _held_there(remote, traces) if one not in inputs]
            for md5 in gone:
                remote.forget(md5)
            removed.append(Found(f"DVC remote {remote.name}", 0, gone))
    _remove([Path(file) for file in removed[1].held])  # now that the remote's need no fetching
    return removed


def find_own_texts(traces: Traces) -> list[Own]:
    inputs = [file for folder in _INPUTS for file in files_below(folder)]
    made = (file for file in _derived() if file.suffix == ".parquet")
    return find_own(inputs, made, traces.texts)


def find_copies(traces: Traces) -> Iterator[Found]:
    """Everywhere in this checkout, and at the remote."""
    places = {
        **{str(folder): list(files_below(folder)) for folder in (*_MADE, Path("models"))},
        "live": [file for file in files_below(Path("live")) if "store.db" not in file.name],
        "DVC's cache": [file for _, file in list_objects(find_cache())],
    }
    for place, files in places.items():
        yield Found(place, len(files), list(map(str, find_holding(files, traces))))
    files = [file for file in files_below(HOME) if not file.name.endswith(_SQLITE_LOGS)]
    yield Found(f"{HOME}, Prefect's own", len(files), find_in_history(files, traces))
    with default_remote() as remote:
        if remote:
            num_objects = len(remote.list_md5s(set()))
            yield Found(f"DVC remote {remote.name}", num_objects, _held_there(remote, traces))


def files_below(folder: Path) -> Iterator[Path]:
    yield from (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _derived() -> Iterator[Path]:
    for file in (file for folder in _MADE for file in files_below(folder)):
        if not any(file.is_relative_to(kept) for kept in (FEEDBACK, *_INPUTS)):
            yield file


def _held_there(remote: Remote, traces: Traces) -> list[str]:
    """What the cache has, too, is looked at there; the rest is fetched, one at a time."""
    cached = dict(list_objects(find_cache()))
    held = []
    with tempfile.TemporaryDirectory() as folder:
        for md5 in remote.list_md5s(set(cached)):
            file = cached.get(md5) or Path(folder, "object")
            if md5 not in cached:
                remote.read_into(md5, file)
            if holds(file, traces):
                held.append(md5)
    return held


def _remove(files: list[Path]) -> None:
    for file in files:
        file.unlink()
