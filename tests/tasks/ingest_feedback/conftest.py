"""An empty folder with params and a store, as the working directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.tasks.feedback_store import open_feedback, write_params


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path)
    with open_feedback() as engine:
        yield engine
