"""What speaks for a training: corrections not learnt from, changed inputs, what is held."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from flows import released
from flows.feedback import FEEDBACK
from flows.learnt import learnt_partitions
from flows.stage_graph import StageNode, graph_sha256, read_graph, stale_stages
from flows.standing import standing_events
from tasks.feedback import ACCEPTED, list_partitions
from tasks.partitions.decide import list_held
from tasks.partitions.votes import count_votes
from tasks.retrain_policy.decide import Evidence, evidence_id_of
from tasks.retrain_policy.history import AskedBy, Training

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
    accepted = {one.name: one for one in list_partitions(FEEDBACK / ACCEPTED)}
    held = sum(
        one.partition.manifest.num_events for one in list_held(FEEDBACK) if one.decision is None
    )
    learnt, standing = learnt_partitions(history), standing_events()
    new = [one for name, one in accepted.items() if name not in learnt] if stale else []
    # one that went, or was rewritten because somebody is to be forgotten, is to be unlearnt
    is_other = bool(learnt - accepted.keys()) or any(map(_is_changed_otherwise, nodes))
    evidence = Evidence(
        asked_by=asked_by,
        is_forced=is_forced,
        evidence_id=evidence_id_of(accepted, graph_sha256(FEEDBACK)),
        num_new=count_votes(new),
        num_new_events=sum(one.manifest.num_events for one in new),
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
