"""How the doors speak to a terminal: lines at once, and one clear line when one cannot go on."""

import sys
from collections.abc import Callable

from tasks.errors import FlywheelError


def say(line: str) -> None:
    print(line, flush=True)


def run_door(name: str, main: Callable[[], None]) -> None:
    """Run a door's `main`; what a person can mend ends it with a line, not with a traceback."""
    try:
        main()
    except FlywheelError as problem:
        sys.exit(f"{name} failed: {problem}")
