"""Releases as git tags, made with GTO: `classifier@v1.2.0` on a run's commit, and its stages.

The only module that knows GTO. Each call can be repeated after a kill: what is there stays.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from flows.checkout.git import git, identity
from tasks.errors import InputError
from tasks.releases import is_version

Stage = Literal["staging", "shadow", "prod"]
_DVC_FILE = Path("dvc.yaml")
_LONGEST_WAIT_SECONDS = 5.0


def artifact() -> tuple[str, Path]:
    """Name and path of the model that `dvc.yaml` declares; InputError unless it is one."""
    models = _models()
    if len(models) != 1:
        raise InputError(
            f"{_DVC_FILE}: {len(models)} artifacts of type model, expected one: what is released."
        )
    return models.popitem()


def has_artifact() -> bool:
    """A graph without a model makes nothing to release."""
    return bool(_models())


def _models() -> dict[str, Path]:
    try:
        tree = yaml.safe_load(_DVC_FILE.read_text(encoding="utf-8")) or {}
        declared = (tree.get("artifacts") or {}).items()
        return {name: Path(one["path"]) for name, one in declared if one.get("type") == "model"}
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{_DVC_FILE}: not readable: {reason}. Mend or restore it.") from None
    except (AttributeError, KeyError, TypeError):
        raise InputError(
            f"{_DVC_FILE}: its artifacts are not readable, expected a type and a path under each "
            "one's name. Mend or restore it."
        ) from None


def registered_versions() -> dict[str, str]:
    """Versions that git knows, here or at another machine's, and their commits."""
    name, _ = artifact()
    form = "--format=%(refname:lstrip=2) %(*objectname)%(objectname)"
    lines = git("for-each-ref", form, f"refs/tags/{name}@*").splitlines()
    found: dict[str, str] = {}
    for line in lines:
        tag, commits = line.split(" ")
        version = tag.partition("@")[2]
        if is_version(version):
            found[version] = commits[:40]  # of an annotated tag first what it names
    return found


def stage_commit(stage: Stage) -> str:
    """Of the version that is in the stage by the newest tag about it; "" when none is."""
    newest = _newest_tag(artifact()[0], stage)
    return "" if newest.is_leaving else newest.commit


def register(version: str, commit: str) -> None:
    """Tag the commit as this version, unless it is; InputError when another commit is."""
    known = registered_versions().get(version)
    if known == commit:
        return
    name, _ = artifact()
    if known:
        raise InputError(
            f"tag {name}@{version} is on commit {known[:10]}, expected {commit[:10]}: another "
            f"clone released it. See git show {name}@{version}."
        )
    with _registry() as gto:
        gto.register(".", name, commit, version=version, **_author())


def assign(version: str, stage: Stage) -> None:
    """The stage is this version's alone from now on, unless it is already.

    GTO names the highest version in a stage, DVC the commit of the newest tag about it: so after a
    rollback the higher version must leave the stage, and the assignment must be the last word.
    """
    name, _ = artifact()
    with _registry() as gto:
        found = gto.find_versions_in_stage(".", name, stage, versions_per_stage=-1) or []
        holders = [one.version for one in found]
        if holders == [version] and stage_commit(stage) == registered_versions().get(version):
            return
        _await_next_second(_newest_tag(name, stage))
        for other in holders:
            gto.unassign(".", name, version=other, stage=stage, **_author())
        # force: it may have been there before, which GTO takes for being there still
        gto.assign(".", name, stage, version=version, force=True, **_author())


def unassign(version: str, stage: Stage) -> None:
    """Nothing when the version is not in the stage."""
    name, _ = artifact()
    with _registry() as gto:
        found = gto.find_versions_in_stage(".", name, stage, versions_per_stage=-1) or []
        if version in [one.version for one in found]:
            _await_next_second(_newest_tag(name, stage))
            gto.unassign(".", name, version=version, stage=stage, **_author())


@contextlib.contextmanager
def _registry() -> Iterator[Any]:
    """GTO, imported where something is released: it takes a fifth of a second."""
    import gto.api  # noqa: PLC0415
    from gto.exceptions import GTOException  # noqa: PLC0415
    from scmrepo.exceptions import SCMError  # noqa: PLC0415

    try:
        yield gto.api
    except (GTOException, SCMError) as error:
        raise InputError(f"git tags of the release: {' '.join(str(error).split())}") from None


class _Tag(NamedTuple):
    commit: str
    second: int
    is_leaving: bool


def _newest_tag(name: str, stage: Stage) -> _Tag:
    """About the stage, by time; of one second an assignment comes after what made room for it."""
    form = "--format=%(*objectname) %(taggerdate:unix) %(refname)"
    sort = ["--sort=-refname", "--sort=-taggerdate", "--count=1"]
    patterns = [f"refs/tags/{name}#{stage}#*", f"refs/tags/{name}#{stage}!#*"]
    words = git("for-each-ref", form, *sort, *patterns).split()
    return _Tag(words[0], int(words[1]), "!#" in words[2]) if words else _Tag("", 0, False)


def _await_next_second(newest: _Tag) -> None:
    """Tags count in whole seconds: of one second nobody could tell which is the last word.

    InputError for a tag of the future, behind which nothing could be the last word for long.
    """
    seconds = newest.second + 1 - time.time()
    if seconds > _LONGEST_WAIT_SECONDS:
        raise InputError(
            f"git tags of the release: the newest was made {seconds:,.0f} s from now by this "
            "machine's clock. Set the clocks right; the next run then brings the tags up to date."
        )
    time.sleep(max(0.0, seconds))


def _author() -> dict[str, str]:
    """Git's own person where it knows one: a tag has no author but whom git calls the committer."""
    names = identity()
    if "GIT_COMMITTER_NAME" not in names:
        return {}
    return {"author": names["GIT_COMMITTER_NAME"], "author_email": names["GIT_COMMITTER_EMAIL"]}
