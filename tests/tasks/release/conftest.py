"""A folder with params and room for a live side, as working directory."""

from pathlib import Path

import pytest

from tests.tasks.release import side


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    side.write_params(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(side.REPOSITORY))
    return tmp_path
