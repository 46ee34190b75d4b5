"""A real Prefect server, one for each module that needs it, and a checkout that can release."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.services.temporary import temporary_server
from tests.flows.learning_checkout import make_learning_checkout
from tests.flows.live_checkout import make_live_checkout
from tests.project import REPOSITORY


@pytest.fixture(scope="module")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API's URL; this process and the commands it starts are led there meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("server"))
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        with temporary_server() as url:
            patch.undo()
            yield url
    assert "PREFECT_API_URL" not in os.environ


@pytest.fixture
def live_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that declares a model, as the working directory; nothing is released yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    make_live_checkout(tmp_path)
    return tmp_path


@pytest.fixture
def learning_checkout(live_checkout: Path) -> Path:
    """One that reads corrections, too, and has learnt from the first of them."""
    make_learning_checkout()
    return live_checkout
