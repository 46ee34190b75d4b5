"""The planner's flow on a real server: what it leaves on its page, and how it fails."""

from pathlib import Path

import pytest
import yaml

from tests.project import REPOSITORY, environment
from tests.tasks.train.workspace import write_workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_workspace(tmp_path)
    tree = yaml.safe_load((tmp_path / "params.yaml").read_text("utf-8"))
    tree["plan"] = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))["plan"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree), "utf-8")
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.chdir(tmp_path)
    return tmp_path
