"""Models trained once for all tests that only score them."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.tasks.gate.arena import Arena


class Trained(NamedTuple):
    arena: Arena
    champion: Path
    other_seed: Path  # the champion trained again
    weak: Path  # the same data, far fewer steps
    newer: Path  # more data


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    arena = Arena(tmp_path_factory.mktemp("arena"))
    return Trained(
        arena,
        champion=arena.train("champion", seed=0, max_epochs=6),
        other_seed=arena.train("other_seed", seed=1, max_epochs=6),
        weak=arena.train("weak", seed=0, max_epochs=1),
        newer=arena.train("newer", seed=0, max_epochs=6, num_rows=1200),
    )
