"""The end of a run: the gate judges its bundle, which becomes a release and, if it may, live."""

import os
from collections.abc import Sequence

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from flows import process, released, tags
from flows.checkout import registry
from flows.checkout.remote_tags import fetch_tags
from flows.checkout.versions import SavedRun
from flows.going_live import go_live, tell
from flows.judged import Inputs, find_inputs, forget_refused_data, is_answered
from flows.pages.card import card_page
from flows.pages.verdict import verdict_page
from flows.stage_graph import StageNode, read_graph, stale_stages
from tasks.errors import FlywheelError, InputError
from tasks.params import load_params
from tasks.release.adopt import Candidate, adopt, read_verdict
from tasks.release.known import find_release
from tasks.release.params import ReleaseParams
from tasks.release.plan import Order, reasons
from tasks.releases import LIVE, VERDICT, Place, Release, read_pointer
from tasks.stage import RECORDS

_JUDGED = RECORDS / "gate"


def finish(nodes: Sequence[StageNode], chosen: Sequence[StageNode], saved: SavedRun) -> str:
    """Judge, keep and promote what the run has made; in one line what came of it, or "".

    Can be called again after a kill at any moment: what is done is not done twice. Raises
    FlywheelError when the gate itself could not work; a refusal is a result.
    """
    sha256 = released.bundle_sha256()
    if not sha256:
        return ""
    if os.environ.get("FLYWHEEL_TEMPORARY_CLONE"):
        return "not judged here: this clone goes away, and what is live is elsewhere"
    if len(chosen) < len(nodes) and not is_current(nodes):
        return "not judged: the packaged model is not up to date"
    forget_refused_data(inputs := find_inputs(nodes))
    known = find_release(Place(LIVE), sha256)
    if known and not is_answered(known, inputs):
        known = None
    release = known or keep(judge(inputs), saved)
    tagged = tags.make_true(release, get_run_logger().warning)
    if released.is_due(release):
        return f"{promote_by_itself(release)}{tagged}"
    line = describe(release, is_new=known is None)
    if known is None and release.decision != "passed":
        tell("refusal", line)
    return f"{line}{tagged}"


def is_current(nodes: Sequence[StageNode]) -> bool:
    """Whether the bundle is what the graph makes now; a run of some stages can leave it behind."""
    owner = _owner(nodes)
    if owner is None:
        return False
    return owner.name not in stale_stages(read_graph())


def judge(inputs: Inputs) -> Inputs:
    """The gate in a process of its own; its verdict becomes a page of the run."""
    live = read_pointer(place := Place(LIVE)).live
    arguments = [*map(str, (inputs.bundle, inputs.test, inputs.validation, _JUDGED))]
    arguments += ["--holdout", str(inputs.holdout)]
    if live:
        arguments += ["--champion", str(place.bundle(live.version))]
        arguments += ["--champion-id", live.manifest_sha256]
    run_gate(arguments)
    verdict = read_verdict(_JUDGED / VERDICT)
    _publish(verdict_page(verdict), "gate-verdict", f"The gate: {verdict.decision}")
    return inputs


@task(name="gate", task_run_name="gate", cache_policy=NO_CACHE)
def run_gate(arguments: Sequence[str]) -> None:
    """`python -m tasks.gate`, its lines in the run's log."""
    process.begin({})
    ended = process.run_module("tasks.gate", arguments, get_run_logger().info)
    if ended.exit_code:
        last = ended.last_lines[-1] if ended.last_lines else "it said nothing"
        raise InputError(f"the gate could not judge: {last} (exit code {ended.exit_code})")


def keep(inputs: Inputs, saved: SavedRun) -> Release:
    """As the next version, numbers that other clones gave away left out."""
    fetch_tags(get_run_logger().warning)
    params, taken = load_params("release", ReleaseParams), registry.registered_versions()
    verdict = _JUDGED / VERDICT
    candidate = Candidate(inputs.bundle, verdict, inputs.card, saved.name, saved.commit)
    release = adopt(Place(LIVE), candidate, params.bump, taken, params.wait_seconds)
    for card in inputs.card:
        if card.suffix == ".md":
            _publish(card_page(card), "release-card", f"Model card of {release.version}")
    return release


def promote_by_itself(release: Release) -> str:
    """What stops it is a result, too: the run did its work, and what was live still is."""
    try:
        return go_live(Order(release.version, "flywheel", "it passed the gate"))
    except FlywheelError as error:
        line = f"{release.version} passed the gate and is not live: {error}"
        tell("refusal", line)
        return line


def describe(release: Release, is_new: bool) -> str:
    live = read_pointer(place := Place(LIVE)).live
    stays = f"{live.version} stays live" if live else "nothing is live"
    if live == release.target:
        return f"{release.version}, judged before, is live"
    if not is_new:
        return f"{release.version}, judged before ({release.decision}); {stays}"
    if release.decision == "passed":
        return f"{release.version} passed the gate and waits in staging; {stays}"
    verdict = read_verdict(place.verdict(release.version))
    return f"{release.version} {release.decision} by the gate: {reasons(verdict)}; {stays}"


def _owner(nodes: Sequence[StageNode]) -> StageNode | None:
    _, bundle = registry.artifact()
    return next((node for node in nodes if str(bundle) in node.outs), None)


def _publish(body: str, key: str, description: str) -> None:
    """What cannot be shown costs a warning, never the run."""
    try:
        create_markdown_artifact(body, key, description)
    except Exception as error:
        get_run_logger().warning("%s is not shown in the UI: %s", key, error)
