"""The run to compare with: the last one kept before this, or what is committed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from flows.checkout.cache import find_cache, object_of
from flows.checkout.git import git
from flows.checkout.lock_file import DVC_LOCK, DvcLock, parse_dvc_lock
from flows.checkout.versions import name_of, run_refs
from tasks.errors import InputError

_USUAL_CACHE = Path(".dvc/cache/files/md5")  # asking DVC where it is takes most of a second
_MOST_TRIED = 3


class EarlierRun(NamedTuple):
    """A run as git has it; its outputs are in DVC's cache."""

    name: str
    lock: DvcLock


def find_earlier(but_not: str) -> EarlierRun | None:
    """The newest run other than commit `but_not`; None when nothing readable is kept."""
    runs = [(commit, f"run {name_of(ref)}") for ref, commit in run_refs().items()]
    others = [run for run in runs if run[0] != but_not][:_MOST_TRIED]
    for commit, name in [*others, ("HEAD", "the last commit")]:
        try:
            content = git("show", f"{commit}:./{DVC_LOCK}")
            return EarlierRun(name, parse_dvc_lock(content.encode("utf-8", "surrogateescape")))
        except InputError:  # it has no dvc.lock or a foreign one; the next will do
            continue
    return None


def metrics_of(earlier: EarlierRun, paths: Sequence[str]) -> dict[str, Any]:
    """Content of these metrics files then; without those it had not, or the cache has lost."""
    outs = [out for stage in earlier.lock.stages.values() for out in stage.outs]
    md5s = {out.path: out.md5 for out in outs if out.md5 and out.path in paths}
    cache = _USUAL_CACHE if _USUAL_CACHE.is_dir() else find_cache()
    files = {path: object_of(cache, md5) for path, md5 in md5s.items()}
    return {path: read_json(file) for path, file in files.items() if file.is_file()}


def read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def code_version() -> str:
    """The commit this run's code is at, and its subject."""
    return git("log", "-1", "--format=%h %s").strip()
