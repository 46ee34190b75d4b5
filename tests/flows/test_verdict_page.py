"""The verdict as a page: honest, complete, and harmless whatever stands in it."""

import pytest

from flows.pages.verdict import verdict_page
from tasks.verdict import Condition, Decision, Verdict
from tests.flows.test_pages import EVIL, rendered

GAIN = Condition(
    name="gain.min_gain", where="", value=0.0012, bound="> 0.015", passed=False, says="no gain"
)
ROWS = Condition(name="min_rows", where="", value=3507.0, bound=">= 500", passed=True, says="rows")
LATENCY = Condition(
    name="latency.max_ratio", where=EVIL, value=None, bound="<= 1.3", passed=False, says=EVIL
)


def make(
    decision: Decision, conditions: list[Condition], champion: str | None = "b" * 64
) -> Verdict:
    return Verdict(
        decision=decision, candidate="a" * 64, champion=champion, num_rows=3507,
        conditions=conditions,
    )  # fmt: skip


def test_what_failed_stands_first_with_value_and_bound() -> None:
    page = rendered(verdict_page(make("refused", [ROWS, GAIN, LATENCY])))
    assert "<strong>Candidate refused.</strong> It must not go live." in page
    assert "1 of 3 conditions hold, on 3,507 test rows." in page
    assert page.index("gain.min_gain") < page.index("<h3>Held</h3>") < page.index("min_rows")
    assert "<td>0.0012</td>\n<td>&gt; 0.015</td>\n<td>no gain</td>" in page
    assert "<td>3,507</td>" in page
    assert "<td>not measured</td>" in page
    assert f"<code>{'b' * 12}</code>" in page


def test_nothing_in_a_verdict_is_more_than_text() -> None:
    page = rendered(verdict_page(make("refused", [LATENCY])))
    for sign in ("<img", "<a ", "http:", "www.p"):
        assert sign not in page


@pytest.mark.parametrize(
    ("decision", "meaning"),
    [("passed", "It may go live."), ("undecided", "too few rows to say, so it must not go live")],
)
def test_every_decision_says_what_it_means(decision: Decision, meaning: str) -> None:
    page = verdict_page(make(decision, [ROWS], champion=None))
    assert meaning in page
    assert "no champion yet" in page
    assert "Failed" not in page
