"""Which data are newer, so that a candidate that learnt from them need only not be worse."""

import pytest

from tasks.bundle import Learnt, Origin
from tasks.gate.relative import is_newer
from tests.tasks.gate.cases import NOW, make_manifest

FEW, MANY = Learnt(num_examples=900, newest=None), Learnt(num_examples=1100, newest=None)
EARLY, LATE = (Learnt(num_examples=1000, newest=f"2026-0{month}-01") for month in (1, 2))


def make_origin(learnt: Learnt | None, **data: str) -> Origin:
    return make_manifest(NOW | data).origin.model_copy(update={"learnt": learnt})


@pytest.mark.parametrize(
    ("candidate", "champion", "newer"),
    [
        (make_origin(MANY, train="3"), make_origin(FEW), True),
        (make_origin(LATE, validation="3"), make_origin(EARLY), True),
        (make_origin(LATE, train="3"), make_origin(FEW), True),
        (make_origin(MANY), make_origin(FEW), False),  # the very same examples
        (make_origin(FEW, train="3"), make_origin(MANY), False),  # brought back, or cleaned harder
        (make_origin(EARLY, train="3"), make_origin(LATE), False),
        (make_origin(EARLY, train="3"), make_origin(EARLY), False),  # cleaned otherwise
        (make_origin(MANY, train="3", test="of another day"), make_origin(FEW), False),
        (make_origin(MANY, train="3"), make_origin(None), False),  # of a time that kept no count
        (make_origin(None, train="3"), make_origin(FEW), False),
    ],
)
def test_newer_are_other_examples_of_which_there_are_more_or_later_ones(
    candidate: Origin, champion: Origin, newer: bool
) -> None:
    assert is_newer(candidate, champion, "t") is newer
