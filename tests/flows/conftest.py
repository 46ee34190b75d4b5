"""A real Prefect server for the tests of the flows, one for each module that needs it."""

import os
from collections.abc import Iterator

import pytest

from flows.services.temporary import temporary_server
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
