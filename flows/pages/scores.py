"""Metrics of a run beside those of an earlier one and of the baselines."""

from collections.abc import Iterator, Mapping
from typing import Any

from flows.pages.markdown import flat, number, page, section

Metrics = Mapping[str, Mapping[str, Any]]  # by stage
_BOUNDS = ("_low", "_high")


def scores_page(now: Metrics, earlier: Metrics, earlier_name: str) -> str:
    """Scores with their baselines, then every metric that is new or not what it was.

    Empty when there is nothing to compare with and nothing to compare.
    """
    candidates = [
        section(f"{stage}: scores", *_score_table(scores, earlier.get(stage, {}), earlier_name))
        for stage, scores in now.items()
        if isinstance(scores.get("baselines"), Mapping)
    ]
    title = f"Metrics that differ from {earlier_name}" if earlier else "Metrics"
    columns = ("metric", "before", "now", "change") if earlier else ("metric", "now")
    rows = [row if earlier else (row[0], row[2]) for row in _changes(now, earlier)]
    return page(*candidates, section(title, columns, rows))


def _score_table(
    scores: Mapping[str, Any], earlier: Mapping[str, Any], earlier_name: str
) -> tuple[list[str], list[list[str]]]:
    """The candidate first; columns are the scores that a baseline has, too."""
    contestants = {"this run": scores} | ({earlier_name: earlier} if earlier else {})
    baselines = dict(scores["baselines"])
    shared = {key for one in baselines.values() for key in one}
    columns = [
        key for key in scores
        if key in shared and not key.endswith(_BOUNDS) and _is_number(scores[key])
    ]  # fmt: skip
    contestants |= {name.replace("_", " "): one for name, one in baselines.items()}
    rows = [[name, *(_score(one, key) for key in columns)] for name, one in contestants.items()]
    return ["", *(key.replace("_", " ") for key in columns)], rows


def _score(scores: Mapping[str, Any], key: str) -> str:
    if not _is_number(scores.get(key)):
        return ""
    bounds = [scores.get(f"{key}{end}") for end in _BOUNDS]
    interval = f" ({bounds[0]:.3f} to {bounds[1]:.3f})" if all(map(_is_number, bounds)) else ""
    return f"{scores[key]:.3f}{interval}"


def _changes(now: Metrics, earlier: Metrics) -> Iterator[tuple[str, str, str, str]]:
    before = flat(earlier)
    for key, value in flat(now).items():
        if not _is_number(value) or before.get(key) == value:
            continue
        old = before.get(key)
        change = f"{'+' if value > old else ''}{number(value - old)}" if _is_number(old) else "new"
        yield key, "" if old is None else number(old), number(value), change


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
