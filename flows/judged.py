"""What the gate judges by, found in the graph, and whether a verdict still answers it."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from flows.checkout import registry
from flows.stage_graph import StageNode
from tasks import documents
from tasks.errors import InputError
from tasks.evaluate.params import EvaluateParams
from tasks.gate.params import GateParams
from tasks.gate.question import failed_report, question_of
from tasks.params import load_params
from tasks.release.plan import verdict_problem, was_live
from tasks.releases import LIVE, Place, Release, read_history, read_pointer
from tasks.verdict import Verdict


class Inputs(NamedTuple):
    """Files of the graph, found by what dvc.yaml calls them."""

    bundle: Path
    test: Path
    holdout: Path  # corrections that nobody learns from
    validation: Path
    card: tuple[Path, ...]


def find_inputs(nodes: Sequence[StageNode]) -> Inputs:
    _, bundle = registry.artifact()
    outs = {Path(out) for node in nodes for out in node.outs}
    return Inputs(
        bundle, _one("split", "test.parquet", outs), _one("split", "holdout.parquet", outs),
        _one("validate", "metrics.json", outs), tuple(_card(sorted(outs))),
    )  # fmt: skip


def _one(stage: str, name: str, outs: set[Path]) -> Path:
    for out in outs:
        if out.name == name and out.parent.name == stage:
            return out
    raise InputError(f"dvc.yaml: no stage {stage} writes {name}, by which the gate judges.")


def _card(outs: Sequence[Path]) -> Iterator[Path]:
    cards = [out for out in outs if out.stem == "model_card"]
    yield from cards
    yield from (out for card in cards[:1] for out in outs if out == card.with_name("pictures"))


def forget_refused_data(inputs: Inputs) -> None:
    """For a graph that is up to date: the data that it was made of passed, whatever stage validate
    turned down before. Where they came back as they were, its code did not run to say so."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(failed_report(inputs.validation).parent)


def is_answered(release: Release, inputs: Inputs) -> bool:
    """Whether judging its bundle again would ask nothing new.

    Bounds, rows or the champion may be others by now, or the verdict is lost. Of what is or was
    live nobody asks any more.
    """
    live = read_pointer(place := Place(LIVE)).live
    if release.target == live or was_live(read_history(place), release.version):
        return True
    try:
        verdict = _read_verdict(release)
    except InputError:
        return False
    params, evaluate = load_params("gate", GateParams), load_params("evaluate", EvaluateParams)
    asked = question_of(params, evaluate, inputs.test, inputs.validation, inputs.holdout)
    champion = live.manifest_sha256 if live else None
    return (verdict.question, verdict.champion) == (asked, champion)


def why_not(release: Release) -> str:
    """Why it may not replace what is live, in one line; "" when it may."""
    try:
        verdict = _read_verdict(release)
    except InputError as error:
        return str(error)
    return verdict_problem(release, verdict, read_pointer(Place(LIVE)).live)


def _read_verdict(release: Release) -> Verdict:
    return documents.read(Place(LIVE).verdict(release.version), Verdict, "Restore that file.")
