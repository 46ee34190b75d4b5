"""No text makes the search for addresses and numbers slow."""

import time

import pytest

from tasks.params import load_params
from tasks.privacy import PrivacyParams, mask
from tests.project import REPOSITORY

PARAMS = load_params("privacy", PrivacyParams, REPOSITORY / "params.yaml")
HOSTILE = [
    "1", "1 ", "1.", "1:", "(", "+1 ", "@", "a@", "a@a.", '"@', "DE89", "DE89 ", "D E ", "4", "4 ",
    "020 7946 0958 ", "[at] a(dot)", " at a dot", "a.", "\t", "12-", "fe80::", "٣ ",
    "1aaaa", "123456 aaaa ", "DE89 aaaa", "(1(aaaa", "ab.c:",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_twice_as_long_a_text_takes_no_more_than_some_twice_as_long(piece: str) -> None:
    half, whole = (seconds_for(piece * (size // len(piece))) for size in (10_000, 20_000))
    assert whole < 3 * half + 0.05


def seconds_for(text: str) -> float:
    """The best of three, so that a busy machine does not count."""
    times = []
    for _ in range(3):
        started = time.process_time()
        mask(text, PARAMS)
        times.append(time.process_time() - started)
    return min(times)


def test_a_text_of_digits_takes_no_longer_than_some_prose_of_its_length() -> None:
    """Asking the libraries about each number in it would take fifty times as long."""
    prose = "It arrived on Monday, write to ann@example.org about 2014. " * 340
    digits = "020 7946 0958 " * 1428
    assert seconds_for(digits) < 3 * seconds_for(prose)
