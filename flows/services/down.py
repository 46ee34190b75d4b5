"""`make down`: end what `make up` of this checkout started, and nothing else."""

from collections.abc import Callable

from flows.services import address, supervisor
from flows.terminal import run_door, say


def main() -> None:
    num_ended = end(say)
    say(f"down: {num_ended} processes ended" if num_ended else "down: nothing was running")


def end(say: Callable[[str], None]) -> int:
    """End the services, and let plain `prefect` commands know; returns how many processes ended."""
    num_ended = supervisor.stop(say)
    if profile := address.read_profile(address.UP):
        address.write_profiles(address.DOWN, profile["PREFECT_API_URL"], profile[address.PASSWORD])
    return num_ended


if __name__ == "__main__":
    run_door("down", main)
