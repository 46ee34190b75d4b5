"""The graph of `dvc.yaml` as DVC resolves it, and what DVC finds changed; nothing runs here."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage import PipelineStage
from pydantic import Field

from flows.checkout.surroundings import site_cache
from tasks.artifacts import json_bytes
from tasks.errors import InputError
from tasks.params import Params, parse_section


class StageHints(Params):
    """`meta` of a stage in `dvc.yaml`: what it takes to run well; an absent key asks nothing."""

    retries: int = Field(default=0, ge=0, description="tries again after a temporary failure")
    retry_delay_seconds: float = Field(
        default=10, gt=0, description="first pause; doubles each time"
    )
    timeout_seconds: float | None = Field(default=None, gt=0, description="after that it is ended")
    resource: str | None = Field(default=None, description="Prefect concurrency limit, like gpu")


class StageNode(NamedTuple):
    """One stage: what it needs, what it writes, and why it would run now."""

    name: str
    desc: str
    upstream: tuple[str, ...]
    inputs: tuple[str, ...]  # its dependencies that other stages write
    outs: tuple[str, ...]
    hints: StageHints
    changes: tuple[str, ...]  # in DVC's words; empty: as dvc.lock records it
    edited_outs: tuple[str, ...]  # outputs that are there and differ from dvc.lock


def read_graph() -> list[StageNode]:
    """Every stage, each after its upstream, else in the order of `dvc.yaml`; one staleness check.

    Raises InputError when DVC cannot read its files.
    """
    with _repo() as repo:
        return list(_nodes(repo))


def graph_sha256(leave_out: Path) -> str:
    """What decides which bytes the graph makes: commands, params, code and data that no stage
    makes; what lies in `leave_out` aside. Raises InputError when DVC cannot read its files."""
    with _repo() as repo:
        stages = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
        written = [Path(out.fs_path) for stage in stages for out in stage.outs]
        aside = [*written, leave_out.resolve()]
        content = {stage.addressing: _origins(stage, aside) for stage in stages}
    return hashlib.sha256(json_bytes(content)).hexdigest()


def select(nodes: Sequence[StageNode], only: Sequence[str], from_stage: str) -> list[StageNode]:
    """The stages a run is asked for, in order; InputError for a name that is none."""
    names = [node.name for node in nodes]
    asked = [*only, *([from_stage] if from_stage else [])]
    for name in asked:
        if name not in names:
            raise InputError(f"no stage {name!r} in dvc.yaml; it has {', '.join(names)}.")
    if only and from_stage:
        raise InputError(f"only={list(only)} and from_stage={from_stage!r}: give one of the two.")
    if from_stage:
        return _downstream(nodes, from_stage)
    return [node for node in nodes if not only or node.name in only]


def is_stale(node: StageNode, stale: Iterable[str]) -> bool:
    """Whether DVC has to look at it again: it changed, or something it reads may be about to."""
    return bool(node.changes) or not set(stale).isdisjoint(node.upstream)


def stale_stages(nodes: Sequence[StageNode]) -> list[str]:
    stale: list[str] = []
    for node in nodes:
        if is_stale(node, stale):
            stale.append(node.name)
    return stale


@contextmanager
def _repo() -> Iterator[Repo]:
    try:
        with Repo(config={"core": {"site_cache_dir": str(site_cache())}}) as repo:
            yield repo
    except DvcException as error:
        reason = " ".join(str(error).split())
        raise InputError(f"DVC cannot read the graph: {reason}. Mend that and run again.") from None


def _origins(stage: PipelineStage, aside: Sequence[Path]) -> dict[str, Any]:
    """DVC remembers hashes of what has not changed since it looked last."""
    params = [dep.read_params() for dep in stage.deps if isinstance(dep, ParamsDependency)]
    files = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    hashes = {
        str(dep): dep.get_hash().value if dep.exists else None
        for dep in files
        if not _touches(Path(dep.fs_path), aside)
    }
    return {"cmd": stage.cmd, "params": params, "files": hashes}


def _downstream(nodes: Sequence[StageNode], first: str) -> list[StageNode]:
    reached = {first}
    for node in nodes:
        if not reached.isdisjoint(node.upstream):
            reached.add(node.name)
    return [node for node in nodes if node.name in reached]


def _nodes(repo: Repo) -> Iterator[StageNode]:
    graph, status = repo.index.graph, repo.status()
    place = {stage: index for index, stage in enumerate(repo.index.stages)}
    # DVC's edges point from the consumer to the producer
    for stage in nx.lexicographical_topological_sort(graph.reverse(), key=place.__getitem__):
        found = status.get(stage.addressing, [])
        if found or isinstance(stage, PipelineStage):
            yield _node(repo, stage, found)


def _node(repo: Repo, stage: Any, found: list[Any]) -> StageNode:
    producers = sorted(producer.addressing for producer in repo.index.graph.successors(stage))
    stages = [one for one in repo.index.stages if isinstance(one, PipelineStage)]
    written = [Path(out.fs_path) for one in stages for out in one.outs]
    meta = getattr(stage, "meta", None) or {}
    is_recorded = any(out.hash_info for out in [*stage.outs, *stage.deps])
    return StageNode(
        name=stage.addressing,
        desc=stage.desc or "",
        upstream=tuple(producers),
        inputs=tuple(str(dep) for dep in stage.deps if _touches(Path(dep.fs_path), written)),
        outs=tuple(str(out) for out in stage.outs),
        hints=parse_section(f"dvc.yaml: {stage.addressing}.meta", meta, StageHints),
        changes=tuple(_sentences(found)) if is_recorded else ("never run here",),
        # files added by hand are the user's to change: DVC takes them in as they are
        edited_outs=tuple(_edited(found)) if stage in stages else (),
    )


def _touches(path: Path, written: Iterable[Path]) -> bool:
    return any(path.is_relative_to(out) or out.is_relative_to(path) for out in written)


def _sentences(found: list[Any]) -> Iterator[str]:
    """`{"changed deps": {"a": "modified"}}` as "changed deps: a (modified)"; words stay words."""
    for item in found:
        if isinstance(item, str):
            yield item
            continue
        for kind, details in item.items():
            yield f"{kind}: {', '.join(f'{path} ({how})' for path, how in details.items())}"


def _edited(found: list[Any]) -> Iterator[str]:
    for item in found:
        if isinstance(item, dict):
            outs = item.get("changed outs", {})
            yield from (path for path, how in outs.items() if how == "modified")
