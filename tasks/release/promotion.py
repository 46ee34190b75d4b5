"""A promotion, step by step; who calls them puts the old pointer back when one of them fails.

verify, load, golden answers -> rehearse -> swap -> probe. A kill between any two leaves what was
live or what is to be, whole. The next promotion ends the canary or shadow that it leaves; one of
the version that it left live goes on with the probe.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tasks import live_service
from tasks.errors import FlywheelError, GateError, TemporaryError
from tasks.release import plan, rehearsal
from tasks.release.adopt import read_verdict
from tasks.release.change import describe, find_earlier, promoting, replace, tell
from tasks.release.check import check_apart
from tasks.release.params import ReleaseParams
from tasks.release.plan import Order
from tasks.release.probe import probe
from tasks.releases import Place, Pointer, Target, find_bundle, read_pointer, read_release

Say = Callable[[str], None]
_FIRST_LOOK_SECONDS = 5.0


class Promotion(NamedTuple):
    """What one step hands to the next."""

    place: Place
    params: ReleaseParams
    order: Order
    target: Target
    before: Pointer  # where a failure goes back to
    had_service: bool  # one was alive when this began, so one has to answer in the end
    is_swapped: bool = False  # by one that may have been killed before its probe

    @property
    def by(self) -> tuple[str, str]:
        return self.order.who, self.order.why


@contextlib.contextmanager
def begun(place: Place, params: ReleaseParams, order: Order, say: Say) -> Iterator[Promotion]:
    """Alone with promoting; what a killed one left is ended, and the version proven fit.

    Raises FlywheelError, in one line, when it must not go live.
    """
    release = read_release(place, order.version)
    with promoting(place, params.wait_seconds):
        pointer = end_leftovers(place, params, say)
        promotion = Promotion(place, params, order, release.target, pointer, has_service(place))
        if plan.is_unproven(pointer, release.target):
            promotion = _resume(promotion)
        elif pointer.live != release.target:
            verdict = read_verdict(place.verdict(order.version))
            plan.check_verdict(order, plan.verdict_problem(release, verdict, pointer.live))
            differences = check_apart(find_bundle(place, release.target), params.check)
            off = ", ".join(f"{name} {value:.1g}" for name, value in differences.items())
            say(f"{order.version}: bundle whole, golden answers right ({off} off)")
        yield promotion


def promote(place: Place, params: ReleaseParams, order: Order, say: Say) -> str:
    """All steps, without Prefect; in one line how it ended, GateError when it did not go live."""
    with begun(place, params, order, say) as proven:
        if proven.before.live == proven.target:
            return f"{order.version} is live already; {prove_live(proven, say)}"
        promotion = rehearse(proven, say)
        swap(promotion)
        try:
            return f"{order.version} is live; {prove_live(promotion, say)}"
        except BaseException as error:
            reason = f"{order.version} did not prove itself live: {error or type(error).__name__}"
            raise GateError(f"{reason}; {put_back(promotion, reason)}") from None


def end_leftovers(place: Place, params: ReleaseParams, say: Say) -> Pointer:
    """Whoever may promote is alone with it, so a canary or shadow that is there has no owner."""
    pointer = read_pointer(place)
    if not (pointer.canary or pointer.shadow):
        return pointer
    left = pointer.canary or pointer.shadow
    assert left
    say(f"{left.version} was left as canary or shadow by a promotion that was killed: ended")
    return _end_rehearsal(place, params, pointer, "its promotion was killed")


def rehearse(promotion: Promotion, say: Say) -> Promotion:
    """As a canary or shadow of the running service, if params say so; what is live stays live."""
    place, params, kind = promotion.place, promotion.params, promotion.params.rehearsal.kind
    if kind == "none" or promotion.is_swapped:
        return promotion
    if not promotion.had_service or promotion.before.live is None:
        what = "no service runs" if promotion.before.live else "nothing is live yet"
        say(f"no {kind}: {what}, so there is no traffic to rehearse on")
        return promotion
    version = promotion.order.version
    change = describe(promotion.before, "rehearse", promotion.by, version)
    pointer = plan.rehearsing(promotion.before, promotion.target, params.rehearsal, change)
    replace(place, promotion.before, pointer, params.wait_seconds)
    outcome = "interrupted"
    try:
        outcome = rehearsal.watch(place, pointer, params.rehearsal, say)
    except FlywheelError as error:
        outcome = str(error)
        raise
    finally:
        after = _end_rehearsal(place, params, pointer, outcome)
    say(outcome)
    return promotion._replace(before=after)


def swap(promotion: Promotion) -> None:
    """The version goes live, unless something else has changed meanwhile."""
    if promotion.is_swapped:
        return
    before = promotion.before
    change = describe(before, "promote", promotion.by, promotion.order.version)
    pointer = plan.promoted(before, promotion.target, change)
    replace(promotion.place, before, pointer, promotion.params.wait_seconds)


def prove_live(promotion: Promotion, say: Say) -> str:
    """The running service answers with it, in one line; GateError when it does not."""
    if not promotion.had_service:
        line = "no service runs, so none was asked; the next one starts with it"
    else:
        line = probe(promotion.place, promotion.target, promotion.params.probe)
    say(line)
    return line


def put_back(promotion: Promotion, reason: str) -> str:
    """What was live before is live again, unless somebody has changed it meanwhile."""
    place, now = promotion.place, read_pointer(promotion.place)
    if now.live != promotion.target or now.change is None:
        return f"not put back: meanwhile {tell(now)}"
    before = promotion.before
    to_version = before.live.version if before.live else None
    change = describe(now, "put back", (promotion.order.who, reason), to_version)
    pointer = plan.put_back(now, before, change)
    try:
        replace(place, now, pointer, promotion.params.wait_seconds)
    except TemporaryError as error:
        return f"not put back: {error}"
    return f"{to_version or 'nothing'} is live again"


def has_service(place: Place) -> bool:
    """One that is alive will be asked in the end; InputError now if it would not let this be done.

    Whether it is busy or restarting at this moment is no matter: the probe has patience.
    """
    try:
        service = live_service.find_service(place)
        if service:
            live_service.read_state(service, _FIRST_LOOK_SECONDS)
    except TemporaryError:
        return True
    return service is not None


def _resume(promotion: Promotion) -> Promotion:
    """Its gate, proofs and swap are done; a failure goes back to what was live before them."""
    live = promotion.before.previous
    previous = find_earlier(promotion.place, live) if live else None
    before = promotion.before.model_copy(update={"live": live, "previous": previous})
    return promotion._replace(before=before, is_swapped=True)


def _end_rehearsal(place: Place, params: ReleaseParams, expected: Pointer, why: str) -> Pointer:
    """The pointer without it; whatever was changed meanwhile ended it already."""
    change = describe(expected, "end rehearsal", ("flywheel", why), None)
    change = change.model_copy(update={"to_version": change.from_version})
    update = {"canary": None, "shadow": None, "change": change}
    pointer = expected.model_copy(update=update)
    with contextlib.suppress(TemporaryError):
        replace(place, expected, pointer, params.wait_seconds)
    return pointer
