"""Which golden texts the running service is asked: some that it takes, however long they are."""

import time
from pathlib import Path

import pytest
import yaml

from tasks.bundle import GoldenExample
from tasks.errors import GateError
from tasks.live_service import Limits
from tasks.release.probe import choose
from tasks.release.promotion import promote
from tasks.releases import read_pointer
from tests.tasks.release.side import (
    PLACE,
    make_live,
    make_release,
    order,
    params,
    running_service,
)

LIMITS = Limits(max_texts=64, max_characters=20000, max_body_bytes=2**20)


def examples(*texts: str, label: str | None = "good") -> list[GoldenExample]:
    return [GoldenExample(text=text, source=None, label=label, probs={}) for text in texts]


def limited(**changes: int) -> Limits:
    return LIMITS.model_copy(update=changes)


@pytest.mark.parametrize(
    ("limits", "number", "expected"),
    [
        (LIMITS, 8, [1, 2000, 3000]),
        (LIMITS, 2, [1, 2000]),
        (limited(max_texts=1), 8, [1]),
        (limited(max_characters=2000), 8, [1, 2000]),
        (limited(max_body_bytes=12 + (2 + 2 + 1) + (2 * 2000 + 2 + 1)), 8, [1, 2000]),
        (limited(max_body_bytes=12 + (2 + 2 + 1) + (2 * 2000 + 2)), 8, [1]),
    ],
)
def test_the_shortest_texts_that_one_request_may_hold_are_asked(
    limits: Limits, number: int, expected: list[int]
) -> None:
    real = examples(*("\u00e9" * length for length in (3000, 1, 2000)))
    chosen = choose([*real, *examples("", label=None)], number, limits)
    assert [len(one.text) for one in chosen] == expected


def test_texts_of_which_none_may_be_asked_are_a_line() -> None:
    says = r"none of 1 golden texts .* shortest has 9 characters: raise max_characters \(8\) or"
    with pytest.raises(GateError, match=says) as raised:
        choose(examples("x" * 9), 8, limited(max_characters=8))
    assert "\n" not in str(raised.value)
    with pytest.raises(GateError, match="none of 0 golden texts may be asked: raise"):
        choose(examples("", label=None), 8, LIMITS)


def limit(**limits: int) -> None:
    tree = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    tree["serving"]["limits"] |= limits
    Path("params.yaml").write_text(yaml.safe_dump(tree), "utf-8")


@pytest.mark.slow
def test_a_service_that_refuses_the_golden_texts_is_not_asked_again_and_again(
    packaged: Path,
) -> None:
    """It started with other limits than params say now."""
    first = make_release(packaged, "first")
    make_release(packaged, "second", champion=first)
    make_live(first)
    before = read_pointer(PLACE).live
    limit(max_texts=1)
    with running_service():
        limit(max_texts=64)
        started = time.monotonic()
        with pytest.raises(GateError, match=r"predict: 422: .* Restart it.*v1\.0\.0 is live again"):
            promote(PLACE, params(), order("v1.1.0"), print)
        assert time.monotonic() - started < params().probe.seconds / 2
    assert read_pointer(PLACE).live == before
