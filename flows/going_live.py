"""A release made live under Prefect: the steps as tasks, in a transaction that puts back."""

from typing import Literal

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.transactions import Transaction, get_transaction, transaction

from flows import tags
from flows.checkout import registry
from tasks.errors import FlywheelError, GateError
from tasks.params import load_params
from tasks.release import promotion
from tasks.release.params import ReleaseParams
from tasks.release.plan import Order
from tasks.release.promotion import Promotion
from tasks.releases import LIVE, Place, read_pointer, read_release

Subject = Literal["promotion", "refusal"]  # as flows/services/notifications.py knows them
_PROMOTION, _REASON = "promotion", "reason"  # what the transaction knows


def go_live(order: Order) -> str:
    """Prove, rehearse, swap, probe; in one line how it ended, for the run and for who is told.

    Raises FlywheelError when it is not live in the end; then what was live before is.
    """
    say = get_run_logger().info
    place, params = Place(LIVE), load_params("release", ReleaseParams)
    with promotion.begun(place, params, order, say) as proven:
        if proven.before.live == proven.target:
            proof = promotion.prove_live(proven, say)
            return f"{order.version} is live already; {proof}{tags.follow_live(say)}"
        proof = _swap_and_prove(proven if proven.is_swapped else _rehearse(proven))
    line = f"{order.version} is live ({order.why}); {proof}{tags.follow_live(say)}"
    tell("promotion", line)
    return line


def _rehearse(proven: Promotion) -> Promotion:
    """While it is a shadow, git's tags say so."""
    place, version, say = proven.place, proven.order.version, get_run_logger().info
    if proven.params.rehearsal.kind != "shadow":
        return promotion.rehearse(proven, say)
    tags.enter(read_release(place, version), "shadow", say)
    try:
        return promotion.rehearse(proven, say)
    finally:
        tags.leave(version, "shadow", say)


def _swap_and_prove(ready: Promotion) -> str:
    try:
        with transaction() as step:
            step.set(_PROMOTION, ready)
            swap(ready)
            return prove(ready)
    except FlywheelError as error:
        live = read_pointer(ready.place).live
        raise GateError(
            f"{ready.order.version} did not prove itself live: {error}; "
            f"{live.version if live else 'nothing'} is live"
        ) from None


@task(name="swap", task_run_name="swap", cache_policy=NO_CACHE)
def swap(ready: Promotion) -> None:
    """The pointer moves: from here on the version is live."""
    promotion.swap(ready)


@swap.on_rollback
def put_back(step: Transaction) -> None:
    """Called by Prefect when anything after the swap fails or is cancelled."""
    ready = step.get(_PROMOTION)
    reason = f"{ready.order.version} did not prove itself live: {step.get(_REASON, 'cancelled')}"
    line = promotion.put_back(ready, reason)
    get_run_logger().warning("%s; %s", reason, line)


@task(name="probe", task_run_name="probe", cache_policy=NO_CACHE)
def prove(ready: Promotion) -> str:
    """The running service answers with it, or this fails."""
    own = get_transaction()
    try:
        return promotion.prove_live(ready, get_run_logger().info)
    except FlywheelError as error:  # Prefect rolls back as soon as this task has failed
        if own and (step := own.get_parent()):
            step.set(_REASON, str(error))
        raise


def tell(subject: Subject, message: str) -> None:
    """Those whom section `notifications` names."""
    try:
        name, _ = registry.artifact()
    except FlywheelError:  # what is live is told of, whatever became of the graph
        name = "model"
    resource = {"prefect.resource.id": f"flywheel.{name}", "prefect.resource.name": name}
    emit_event(f"flywheel.{subject}", resource=resource, payload={"message": message})
