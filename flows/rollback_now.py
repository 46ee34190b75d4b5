"""`make rollback`: the swap at once, with no server and nothing else loaded; then git's tags."""

import sys

from flows.tags import follow_live
from flows.terminal import say
from tasks.errors import FlywheelError
from tasks.release.__main__ import main as release


def main(arguments: list[str]) -> int:
    """Arguments as of `python -m tasks.release rollback`."""
    code = release(["rollback", *arguments])
    follow_live(say)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"rollback failed: {problem}")
