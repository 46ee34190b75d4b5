"""How a value becomes a condition: what is not a number fails, whichever way it is compared."""

import math

from tasks.verdict import Condition


def at_least(name: str, value: float, bound: float, says: str, where: str = "") -> Condition:
    return _compared(name, where, value, (f">= {bound:g}", value >= bound), says)


def at_most(name: str, value: float, bound: float, says: str, where: str = "") -> Condition:
    return _compared(name, where, value, (f"<= {bound:g}", value <= bound), says)


def above(name: str, value: float, bound: float, says: str, where: str = "") -> Condition:
    return _compared(name, where, value, (f"> {bound:g}", value > bound), says)


def holds(name: str, passed: bool, value: str, bound: str, says: str) -> Condition:
    """A condition that is met or not, without a number."""
    return Condition(name=name, where="", value=value, bound=bound, passed=passed, says=says)


def unmeasured(name: str, because: str, where: str = "", passed: bool = False) -> Condition:
    return Condition(
        name=name, where=where, value=None, bound="measured", passed=passed, says=because
    )


def _compared(
    name: str, where: str, value: float, outcome: tuple[str, bool], says: str
) -> Condition:
    bound, passed = outcome
    is_number = math.isfinite(value)
    return Condition(
        name=name,
        where=where,
        value=float(value) if is_number else None,
        bound=bound,
        passed=bool(passed) and is_number,
        says=says if is_number else f"{says}: not a number",
    )
