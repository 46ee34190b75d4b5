"""`make down`: end what `make up` of this checkout started, and nothing else."""

import sys
from collections.abc import Callable

from flows.services import address, supervisor
from tasks.errors import FlywheelError


def main() -> None:
    num_ended = end(_say)
    _say(f"down: {num_ended} processes ended" if num_ended else "down: nothing was running")


def end(say: Callable[[str], None]) -> int:
    """End the services, and let plain `prefect` commands know; returns how many processes ended."""
    num_ended = supervisor.stop(say)
    if profile := address.read_profile(address.UP):
        address.write_profiles(address.DOWN, profile["PREFECT_API_URL"], profile[address.PASSWORD])
    return num_ended


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        main()
    except FlywheelError as problem:
        sys.exit(f"down failed: {problem}")
