"""`make rollback`: the swap at once, with no server and nothing else loaded; then git's tags."""

import sys

from flows.checkout import registry
from flows.terminal import say
from tasks.errors import FlywheelError
from tasks.release.__main__ import main as release
from tasks.releases import LIVE, Place, read_pointer, read_release


def main(arguments: list[str]) -> int:
    """Arguments as of `python -m tasks.release rollback`."""
    code = release(["rollback", *arguments])
    if live := read_pointer(place := Place(LIVE)).live:
        try:
            commit = read_release(place, live.version).commit
            registry.enter(live.version, commit, "prod", say)
        except FlywheelError as error:  # it is live all the same
            say(f"git's tags do not say so yet: {error}")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"rollback failed: {problem}")
