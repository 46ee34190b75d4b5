"""How each stage of a run came out: in one line, and as a table."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from prefect import State

from flows.pages.markdown import LONGEST_TEXT, number, printable

_WORDS = {"Completed": "ran", "NotReady": "not run"}
_PREFIX = re.compile(r"^Task run encountered an exception \w+: ")  # Prefect's, of every failure
_COUNTS = ("rows_in", "rows_out", "rejected")
States = Mapping[str, State[Any]]


def in_one_line(states: States) -> str:
    """What a person wants to know first: did it stop, and how much of it ran."""
    stopped = [name for name, state in states.items() if is_stopped(state)]
    words = [word_of(state) for state in states.values()]
    num_ran, num_all = words.count("ran"), len(words)
    if stopped:
        return f"stopped at {', '.join(stopped)}; {num_ran} of {num_all} ran"
    if num_all and words.count("up to date") == num_all:
        return f"nothing to do: all {num_all} stages were up to date"
    others = [
        f"{words.count(word)} {word}"
        for word in ("from cache", "up to date", "not run")
        if word in words
    ]
    return ", ".join([f"{num_ran} of {num_all} stages ran", *others])


def result_table(
    states: States,
    metrics: Mapping[str, Mapping[str, Any]],
    read_record: Callable[[str], Mapping[str, Any]],
) -> list[dict[str, str]]:
    """One row per stage; columns that would be empty are left out."""
    rows = [
        _row(name, state, metrics.get(name, {}), read_record(name))
        for name, state in states.items()
    ]
    filled = [column for column in rows[0] if any(row[column] for row in rows)] if rows else []
    return [{column: row[column] for column in filled} for row in rows]


def is_stopped(state: State[Any]) -> bool:
    return state.is_failed() or state.is_crashed() or state.is_cancelled()


def reason_of(state: State[Any]) -> str:
    """Why it stopped, in the stage's own words, without Prefect's."""
    return _PREFIX.sub("", state.message or f"{word_of(state)}, it did not say why")


def is_fresh(state: State[Any]) -> bool:
    """Its outputs are whole and came to be in this run, by work or from DVC's cache."""
    return state.is_completed() and word_of(state) != "up to date"


def word_of(state: State[Any]) -> str:
    name = state.name or state.type.value
    return _WORDS.get(name, name.lower())


def _row(
    name: str, state: State[Any], metrics: Mapping[str, Any], record: Mapping[str, Any]
) -> dict[str, str]:
    ran = word_of(state) == "ran"
    counts = {
        column.replace("_", " "): _count(metrics.get(column) if state.is_completed() else None)
        for column in _COUNTS
    }
    return {
        "stage": name,
        "state": word_of(state),
        **counts,
        "peak MiB": _count(record.get("peak_memory_mib") if ran else None),
        "note": _first_line(state.message or ""),
    }


def _count(value: object) -> str:
    return number(round(value)) if isinstance(value, int | float) else ""


def _first_line(text: str) -> str:
    line = _PREFIX.sub("", printable(text).strip().split("\n", 1)[0])
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
