from pathlib import Path

import pytest
from rich.console import Console

from flows.restore import list_runs, restore_run
from tasks.errors import InputError
from tests.flows.runs import (
    git_here,
)

pytestmark = pytest.mark.slow
pytest_plugins = ["tests.flows.run_fixtures"]


def test_the_list_has_every_run_with_its_scores(clone: Path) -> None:
    for name in ("two", "four"):
        restore_run(name, print)
    console = Console(record=True, width=120)
    list_runs(console)
    rows = {line.split("│")[1].strip(): line for line in console.export_text().splitlines()[3:6]}
    assert [*rows] == ["failed", "four", "two"]
    assert "0.120" in rows["two"]
    assert "0.480" in rows["four"]
    assert "evaluate failed: too long" in rows["failed"]


def test_a_name_that_is_none_or_several(clone: Path) -> None:
    with pytest.raises(InputError, match=r"^fourr: no such run. Meant: four\?"):
        restore_run("fourr", print)
    commit = git_here("rev-parse", "HEAD").strip()
    for baseline in ("a" * 40, "b" * 40):
        git_here("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/twin", commit)
        commit = git_here("rev-parse", "HEAD^").strip()
    with pytest.raises(
        InputError, match=r"twin: 2 runs of that name. Give one in full: refs/exps/"
    ):
        restore_run("twin", print)
