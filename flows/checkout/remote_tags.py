"""Tags of releases to and from the git remote that runs go to, where one is set."""

import functools
from collections.abc import Callable

from flows.checkout.git import GitError, git, without_secrets
from flows.checkout.registry import artifact
from flows.checkout.versions import configured_remotes, try_often

Say = Callable[[str], None]


def fetch_tags(say: Say) -> None:
    """So that the next version and the next tag of a stage get numbers that nobody has.

    A remote that stays away costs a line: numbers may then be given twice, which `push_tags` says.
    """
    _, remote = configured_remotes()
    if not remote:
        return
    options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
    try:
        theirs, ours = _tags_of(remote), _tags_here()
        wanted = "".join(f"{tag}:{tag}\n" for tag in sorted(theirs.keys() - ours.keys()))
        if wanted:
            git("fetch", *options, "--stdin", remote, stdin=wanted)
    except GitError as error:
        say(f"remote {without_secrets(remote)}: its releases are not known here: {error}")


def push_tags(say: Say) -> None:
    """Those that the remote lacks; TemporaryError when it stays away.

    A tag that is on another object there is another clone's: it stays, and is named in a line.
    """
    _, remote = configured_remotes()
    if not remote:
        return
    refspecs = " ".join(f"{pattern}:{pattern}" for pattern in _patterns())
    push = functools.partial(_push_missing, remote, say)
    try_often(push, f"git push {remote} {refspecs}", remote, say)


def _push_missing(remote: str, say: Say) -> None:
    theirs, ours = _tags_of(remote), _tags_here()
    missing = sorted(ours.keys() - theirs.keys())
    if missing:
        git("push", "--quiet", remote, *(f"{tag}:{tag}" for tag in missing))
    if taken := sorted(tag for tag in ours.keys() & theirs.keys() if ours[tag] != theirs[tag]):
        names = ", ".join(tag.removeprefix("refs/tags/") for tag in taken)
        say(
            f"remote {without_secrets(remote)}: {names} "
            "there is of another clone, and stays as it is. See git ls-remote --tags."
        )


def _tags_of(remote: str) -> dict[str, str]:
    """Object by full name."""
    lines = git("ls-remote", "--refs", remote, *_patterns()).splitlines()
    return {ref: found for found, ref in (line.split("\t") for line in lines)}


def _tags_here() -> dict[str, str]:
    lines = git("for-each-ref", "--format=%(objectname) %(refname)", *_patterns()).splitlines()
    return {ref: found for found, ref in (line.split(" ") for line in lines)}


def _patterns() -> list[str]:
    """Versions and stages, as GTO names their tags."""
    return [f"refs/tags/{artifact()[0]}{sign}*" for sign in "@#"]
