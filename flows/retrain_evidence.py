"""What speaks for a training: corrections not learnt from, changed inputs, what is held."""

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from flows import released
from flows.checkout.cache import cached_listing, find_cache
from flows.checkout.git import git
from flows.stage_graph import StageNode, graph_sha256, read_graph, stale_stages
from flows.standing import standing_events
from tasks.errors import InputError
from tasks.feedback import ACCEPTED, list_partitions
from tasks.partitions.decide import list_held
from tasks.release.known import list_releases
from tasks.releases import LIVE, Place
from tasks.retrain_policy.decide import Evidence, evidence_id_of
from tasks.retrain_policy.history import AskedBy, Training

FEEDBACK = Path("data/feedback")
_BY_FEEDBACK = re.compile(rf"changed (deps|outs): {FEEDBACK}\S* \(\w+\)")  # that and no other


class Found(NamedTuple):
    evidence: Evidence
    partitions: tuple[str, ...]  # accepted, by name
    stale: tuple[str, ...]  # stages that DVC would look at
    is_unfinished: bool  # nothing is stale, but the bundle that is there is not judged to the end
    standing: dict[AskedBy, str]  # events, and the evidence that the monitor gave of each


def gather(asked_by: AskedBy, is_forced: bool, history: Sequence[Training]) -> Found:
    """Called under the checkout's lock, with the params that the run will have."""
    nodes = read_graph()
    stale = tuple(stale_stages(nodes))
    accepted = {
        partition.file.stem: partition.manifest.num_events
        for partition in list_partitions(FEEDBACK / ACCEPTED)
    }
    held = sum(
        one.partition.manifest.num_events for one in list_held(FEEDBACK) if one.decision is None
    )
    learnt, standing = _learnt_partitions(history), standing_events()
    # one that went, or was rewritten because somebody is to be forgotten, is to be unlearnt
    is_other = bool(learnt - accepted.keys()) or any(map(_is_changed_otherwise, nodes))
    evidence = Evidence(
        asked_by=asked_by,
        is_forced=is_forced,
        evidence_id=evidence_id_of(accepted, graph_sha256(FEEDBACK)),
        num_new=sum(num for name, num in accepted.items() if name not in learnt) if stale else 0,
        num_held=held,
        has_changed_inputs=bool(stale) and is_other,
        standing=tuple(standing),
    )
    is_unfinished = not stale and _is_unfinished(nodes)
    return Found(evidence, tuple(sorted(accepted)), stale, is_unfinished, standing)


def _is_changed_otherwise(node: StageNode) -> bool:
    return not all(_BY_FEEDBACK.fullmatch(change) for change in node.changes)


def _is_unfinished(nodes: Sequence[StageNode]) -> bool:
    """Where releases are kept, that is: what a clone that goes away makes is judged elsewhere."""
    return not os.environ.get("FLYWHEEL_TEMPORARY_CLONE") and not released.is_settled(nodes)


def _learnt_partitions(history: Iterable[Training]) -> set[str]:
    """By the newest candidate that the gate has judged, whichever door it came through."""
    finished = [one for one in history if one.outcome == "finished"]
    own = set(finished[-1].started.partitions) if finished else set()
    releases = sorted(list_releases(Place(LIVE)), key=lambda release: release.judged_at)
    if not releases or (finished and releases[-1].judged_at <= finished[-1].started.at):
        return own
    return _partitions_of(releases[-1].commit) or own


def _partitions_of(commit: str) -> set[str]:
    """As the .dvc file of that commit and DVC's cache have it; none where either is gone."""
    with contextlib.suppress(InputError):
        text = git("show", f"{commit}:{FEEDBACK / ACCEPTED}.dvc")
        md5s = re.findall(r"^- md5: ([0-9a-f]{32}\.dir)$", text, re.MULTILINE)
        listings = [cached_listing(find_cache(), md5) or {} for md5 in md5s]
        return {Path(name).stem for names in listings for name in names if name.endswith(".json")}
    return set()
