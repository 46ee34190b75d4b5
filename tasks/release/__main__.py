"""What is live, by hand and with nothing else running: promote, roll back, list, history."""

import argparse
import sys
import time
from pathlib import Path

from tasks.errors import FlywheelError
from tasks.params import load_params
from tasks.release.change import find_user
from tasks.release.params import ReleaseParams
from tasks.release.plan import Order
from tasks.release.show import change_lines, release_lines
from tasks.releases import LIVE, Place


def main(arguments: list[str]) -> int:
    """One command; what it changes, it says in its last line."""
    options = _parse(arguments)
    place = Place(options.live)
    if options.command == "list":
        say("\n".join(release_lines(place)))
    elif options.command == "history":
        say("\n".join(change_lines(place)))
    elif options.command == "rollback":
        return roll_back(place, options)
    else:
        promote(place, options)
    return 0


def roll_back(place: Place, options: argparse.Namespace) -> int:
    """The swap first, then whatever else is to be said; 1 when the running service refuses it."""
    from tasks.release import rollback  # noqa: PLC0415 - the runtime, which a list does not need

    wait_seconds, ask_seconds = rollback.read_seconds(say)
    started = time.monotonic()
    done = rollback.roll_back(place, options.to, (options.who, options.why), wait_seconds)
    seconds = time.monotonic() - started
    change = done.change
    say(f"{change.from_version or 'nothing'} -> {change.to_version} in {seconds:.2f} s")
    answer = rollback.ask_service(place, done.target, ask_seconds)
    say(answer.says)
    return int(answer.refused)


def promote(place: Place, options: argparse.Namespace) -> None:
    from tasks.release import promotion  # noqa: PLC0415 - as above

    order = Order(options.version, options.who, options.why, options.despite_verdict)
    say(promotion.promote(place, load_params("release", ReleaseParams), order, say))


def say(line: str) -> None:
    print(line, flush=True)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tasks.release", description=__doc__)
    parser.add_argument("--live", type=Path, default=LIVE, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every release, what the gate said, and what is live")
    commands.add_parser("history", help="who changed what is live, when, why, from what to what")
    rollback = commands.add_parser("rollback", help="make an earlier release live, at once")
    rollback.add_argument("--to", metavar="VERSION", help="without it: what was live before")
    promotion = commands.add_parser("promote", help="make a release live, step by step")
    promotion.add_argument("version")
    promotion.add_argument("--despite-verdict", action="store_true")
    for command in (rollback, promotion):
        command.add_argument("--why", required=command is rollback, default="")
        command.add_argument("--who", default=find_user())
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        print(f"release failed: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
