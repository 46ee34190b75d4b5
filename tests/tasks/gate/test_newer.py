"""Which data are newer, so that a candidate that learnt from them need only not be worse."""

import pytest

from tasks.bundle import Origin
from tasks.gate.relative import is_newer
from tests.tasks.gate.cases import NOW, make_manifest

FEW, MANY, NONE = (900, None), (1100, None), (None, None)
EARLY, LATE = (1000, "2026-01-01"), (1000, "2026-02-01")


def make_origin(learnt: tuple[int | None, str | None], **data: str) -> Origin:
    num_examples, newest = learnt
    return make_manifest(NOW | data).origin.model_copy(
        update={"num_examples": num_examples, "newest": newest}
    )


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
        (make_origin(MANY, train="3"), make_origin(NONE), False),  # of a time that kept no count
        (make_origin(NONE, train="3"), make_origin(FEW), False),
    ],
)
def test_newer_are_other_examples_of_which_there_are_more_or_later_ones(
    candidate: Origin, champion: Origin, newer: bool
) -> None:
    assert is_newer(candidate, champion, "t") is newer
