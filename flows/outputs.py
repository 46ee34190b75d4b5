"""Where the files are that the stages wrote: in this checkout, or for a release in DVC's cache."""

from collections.abc import Mapping
from pathlib import Path

from flows.checkout.cache import object_of
from flows.checkout.git import GitError, git
from flows.checkout.lock_file import DVC_LOCK, parse_dvc_lock
from tasks.errors import InputError
from tasks.releases import Release

Outputs = Mapping[str, Path]  # by path in dvc.yaml


def outputs_here() -> Outputs:
    """The tables as the last run left them."""
    return {str(file): file for file in Path("data").glob("*/*.parquet")}


def outputs_of(release: Release, cache: Path) -> Outputs:
    """By its run's dvc.lock; none where it is of no run."""
    if not release.commit:
        return {}
    try:
        content = git("show", f"{release.commit}:./{DVC_LOCK}")
    except GitError as error:
        raise InputError(
            f"{release.version}: its run's commit {release.commit[:12]} is not here ({error}). "
            f"Fetch it: git fetch origin 'refs/exps/*:refs/exps/*'"
        ) from None
    stages = parse_dvc_lock(content.encode()).stages
    outs = [out for stage in stages.values() for out in stage.outs]
    return {out.path: object_of(cache, out.md5) for out in outs if out.md5}


def find(outputs: Outputs, path: str) -> Path | None:
    """None where the graph had no such output then; InputError where the cache lost it."""
    file = outputs.get(path)
    if file is not None and not file.is_file():
        raise InputError(
            f"{file}: DVC's cache does not have {path} any more. Fetch it: dvc fetch "
            "--all-commits, or dvc pull in the run that `make restore` brings back."
        )
    return file
