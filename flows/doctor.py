"""`make doctor`: hash again all that DVC keeps, here and at the remote; say what is damaged."""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from flows.checkout.audit import (
    MIN_LITTER_AGE_SECONDS,
    find_altered_outs,
    find_damaged_objects,
    find_litter,
    find_users,
)
from flows.checkout.cache import find_cache, holds, list_objects, object_of
from flows.checkout.dvc_locks import dvc_lock
from flows.checkout.health import dvc_environment, mend
from flows.checkout.lock import checkout_lock
from flows.checkout.lock_file import DVC_LOCK, read_dvc_lock
from flows.checkout.remote_objects import Remote, default_remote
from flows.checkout.rescue import move_aside, rescue_folder
from tasks.errors import FlywheelError, InputError

_WAIT_SECONDS = 600.0


class Doctor:
    """One visit: finds damage, mends it when told to, and counts what stays wrong."""

    def __init__(self, console: Console, mending: bool) -> None:
        self.mending = mending
        self.num_wrong = 0
        self._console = console
        self._cache = find_cache()
        self._rescued = rescue_folder()
        self._users: dict[str, list[str]] = {}

    def examine(self) -> None:
        if self.mending:
            mend(self._say)
        if self._examine_dvc_lock():
            self._users = find_users(self._cache)
            self._examine_outs()
        self._try_remote()
        self._examine_cache()

    def _examine_dvc_lock(self) -> bool:
        if not DVC_LOCK.exists():
            self._say(f"{DVC_LOCK}: not there yet; the first run writes it")
            return False
        try:
            with dvc_lock():
                num_stages = len(read_dvc_lock().stages)
        except InputError as problem:
            self._wrong(str(problem), mended="")
            return False
        self._fine(f"{DVC_LOCK}: whole, {num_stages} stages")
        return True

    def _examine_outs(self) -> None:
        num_outs, altered = find_altered_outs()
        for out, reason in altered:
            mended = ""
            if self.mending:
                mended = f"moved to {move_aside(Path(out.path), self._rescued)}"
            self._wrong(reason, mended)
        self._fine(f"outputs: {num_outs - len(altered)} of {num_outs} are as {DVC_LOCK} has them")

    def _examine_cache(self) -> None:
        num_objects, damaged = find_damaged_objects(self._cache)
        for md5, file, found in damaged:
            mended = f"moved to {move_aside(file, self._rescued)}" if self.mending else ""
            self._wrong(f"cache: {md5} has md5 {found}; {self._used_by(md5)}", mended)
        self._fine(f"cache: {num_objects - len(damaged)} of {num_objects} objects are sound")
        for file in find_litter(self._cache):
            self._litter(str(file))
            if self.mending:
                file.unlink()

    def _try_remote(self) -> None:
        try:
            with default_remote() as remote:
                if remote:
                    self._examine_remote(remote)
                else:
                    self._say("remote: none is set as default, so this checkout is the only copy")
        except Exception as error:  # each kind of remote has errors of its own
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            self._wrong(f"the default remote cannot be read: {reason}", mended="")

    def _examine_remote(self, remote: Remote) -> None:
        md5s = remote.list_md5s({md5 for md5, _ in list_objects(self._cache)})
        num_sound = 0
        for md5 in md5s:
            if (found := remote.found_md5(md5)) == md5.removesuffix(".dir"):
                num_sound += 1
                continue
            reason = f"remote {remote.name}: {md5} has md5 {found}; {self._used_by(md5)}"
            self._wrong(reason, self._mend_remote(remote, md5))
        self._fine(f"remote {remote.name}: {num_sound} of {len(md5s)} objects are sound")
        for path in remote.list_litter(MIN_LITTER_AGE_SECONDS):
            self._litter(path)
            if self.mending:
                remote.remove(path)

    def _mend_remote(self, remote: Remote, md5: str) -> str:
        if not self.mending:
            return ""
        if not holds(self._cache, md5):
            self._say(f"the cache has no good copy of {md5}: run its stage, then this again")
            return ""
        remote.replace(md5, object_of(self._cache, md5))
        return "pushed anew from the cache"

    def _used_by(self, md5: str) -> str:
        return f"it is {' and '.join(self._users.get(md5, ['of an earlier run']))}"

    def _wrong(self, what: str, mended: str) -> None:
        self.num_wrong += not mended
        self._console.print(f"[red]wrong[/]  {escape(what)}", soft_wrap=True)
        if mended:
            self._console.print(f"[green]mended[/] {escape(mended)}", soft_wrap=True)

    def _fine(self, what: str) -> None:
        self._console.print(f"[green]fine[/]   {escape(what)}", soft_wrap=True)

    def _litter(self, file: str) -> None:
        self._say(f"{file}: left by a broken transfer; {'removed' if self.mending else 'harmless'}")

    def _say(self, what: str) -> None:
        self._console.print(f"[blue]note[/]   {escape(what)}", soft_wrap=True)


def main(arguments: list[str]) -> int:
    """Returns 1 when anything stays wrong, else 0."""
    parser = argparse.ArgumentParser(prog="python -m flows.doctor", description=__doc__)
    parser.add_argument(
        "--mend", action="store_true",
        help="move what is damaged to data/.rescued, so that DVC makes or fetches it anew",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    with checkout_lock("doctor", _WAIT_SECONDS, console.print):
        os.environ |= dvc_environment()  # DVC works in this process as well
        doctor = Doctor(console, options.mend)
        doctor.examine()
    if doctor.num_wrong:
        remedy = "see above" if doctor.mending else "`python -m flows.doctor --mend` mends it"
        console.print(f"[bold red]{doctor.num_wrong} wrong[/]; {remedy}.")
    return int(doctor.num_wrong > 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"doctor failed: {problem}")
