"""What a finished run shows in the Prefect UI: result, refused data, scores, card, lineage."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from prefect import State
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger

from flows.checkout.lock_file import read_dvc_lock
from flows.checkout.versions import SavedRun
from flows.pages.card import card_page
from flows.pages.earlier import EarlierRun, code_version, find_earlier, metrics_of, read_json
from flows.pages.lineage import lineage_page, reports_list
from flows.pages.markdown import LONGEST_TEXT, escaped
from flows.pages.result import in_one_line, is_fresh, is_stopped, result_table
from flows.pages.scores import scores_page
from flows.pages.validation import validation_page
from flows.stage_graph import StageNode
from flows.summary import read_stages
from tasks.stage import read_record

__all__ = ["in_one_line", "publish"]
States = Mapping[str, State[Any]]


class Shown(NamedTuple):
    """An artifact to be: a page, or the rows of a table. An empty one is not shown."""

    key: str
    description: str
    body: str | list[dict[str, str]]


def publish(nodes: Sequence[StageNode], states: States, saved: SavedRun) -> None:
    """Create this flow run's artifacts; what cannot be shown costs a warning, never the run."""
    warn = get_run_logger().warning
    for build in _builders(nodes, states, saved):
        try:
            shown = build()
        except Exception as error:  # an odd file; other tools write metrics and reports, too
            warn("%s is not shown in the UI: %s", build.func.__name__.strip("_"), _reason(error))
            continue
        try:
            _create(shown)
        except Exception as error:  # the server is away, and each further try would take minutes
            warn("from %s on nothing is shown in the UI: %s", shown.key, _reason(error))
            return


def _create(shown: Shown) -> None:
    if isinstance(shown.body, list):
        create_table_artifact(shown.body, shown.key, shown.description)
    elif shown.body:
        create_markdown_artifact(shown.body, shown.key, shown.description)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:LONGEST_TEXT]}"


def _builders(
    nodes: Sequence[StageNode], states: States, saved: SavedRun
) -> Iterator["partial[Shown]"]:
    """What this run has to say; one that found all up to date has its table and no more."""
    metrics_of_graph = cache(_declared_metrics)
    yield partial(_result, nodes, states, metrics_of_graph)
    ended = [node for node in nodes if node.name in states]
    fresh = [node for node in ended if is_fresh(states[node.name])]
    for node in ended:
        if report := _find_report(node, states[node.name]):
            yield partial(_validation, node.name, report)
    if not fresh:
        return
    find = cache(partial(find_earlier, saved.commit))
    yield partial(_scores, fresh, metrics_of_graph, find)
    for place in _outs_named("model_card.md", fresh):
        yield partial(_card, place)
    yield partial(_lineage, nodes, saved, find)


def _result(nodes: Sequence[StageNode], states: States, declared: Callable[[], set[str]]) -> Shown:
    metrics: dict[str, Any] = {}
    for node in nodes:
        with contextlib.suppress(OSError, ValueError):  # the page of scores says what is wrong
            paths = _metrics([node], declared())
            metrics |= _by_stage([node], {path: read_json(Path(path)) for path in paths})
    rows = result_table(states, metrics, read_record)
    return Shown("result", in_one_line(states), rows)


def _validation(stage: str, report: Path) -> Shown:
    text = validation_page(read_json(report), report)
    return Shown("validation", f"Refused by {escaped(stage)}, and why", text)


def _scores(
    fresh: Sequence[StageNode],
    declared: Callable[[], set[str]],
    find: Callable[[], EarlierRun | None],
) -> Shown:
    paths, earlier = _metrics(fresh, declared()), find()
    now = _by_stage(fresh, {path: read_json(Path(path)) for path in paths})
    then = _by_stage(fresh, metrics_of(earlier, paths) if earlier and paths else {})
    name = earlier.name if earlier else ""
    return Shown("metrics", "Scores beside earlier runs", scores_page(now, then, name))


def _card(place: Path) -> Shown:
    return Shown("model-card", "Its purpose and quality", card_page(place))


def _lineage(
    nodes: Sequence[StageNode], saved: SavedRun, find: Callable[[], EarlierRun | None]
) -> Shown:
    run = (saved.name, saved.commit)
    reports = reports_list(out for node in nodes for out in node.outs)
    text = lineage_page(run, code_version(), read_dvc_lock(), find(), reports)
    return Shown("lineage", "Origin: data, params, code", text)


def _find_report(node: StageNode, state: State[Any]) -> Path | None:
    """A stage that refused its input leaves the report in `<stage>-failed`, beside its outputs, and
    names it; its outputs are those of an earlier run again."""
    for place in _outs_named("report.json", [node]):
        if is_fresh(state):
            return place
        failed = place.parent.with_name(f"{place.parent.name}-failed") / place.name
        if is_stopped(state) and str(failed) in (state.message or "") and failed.is_file():
            return failed
    return None


def _outs_named(name: str, nodes: Sequence[StageNode]) -> list[Path]:
    places = [Path(out) for node in nodes for out in node.outs]
    return [place for place in places if place.name == name]


def _declared_metrics() -> set[str]:
    """What dvc.yaml calls metrics."""
    return {path for stage in read_stages().values() for path in stage["metrics"]}


def _metrics(nodes: Sequence[StageNode], declared: set[str]) -> list[str]:
    return [out for node in nodes for out in node.outs if out in declared and out.endswith(".json")]


def _by_stage(nodes: Sequence[StageNode], files: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Metrics by stage, whether or not a file says once more which stage it is of."""
    found: dict[str, dict[str, Any]] = {}
    for node in nodes:
        for path in node.outs:
            if isinstance(tree := files.get(path), dict):
                own = tree.get(node.name)
                found.setdefault(node.name, {}).update(own if isinstance(own, dict) else tree)
    return found
