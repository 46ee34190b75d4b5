"""Params that do not fit and disks that do not take the outputs: one line, nothing lost."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tasks.errors import ParamsError
from tests.tasks.aggregate.conftest import GOOD, HEADER, ROOT, Place, fail
from tests.tasks.namespaces import bound_by_permissions, in_namespace


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_reject_fractoin": 0.1}, "aggregate.max_reject_fractoin is not a known key"),
        ({"max_reject_fraction": "0.1"}, "aggregate.max_reject_fraction = '0.1': input should be"),
        ({"sources": []}, "aggregate.sources = []"),
    ],
)
def test_a_params_typo_is_named(turned: Place, changes, message: str) -> None:
    turned.set(**changes)
    assert message in fail(turned, ParamsError)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quoting": None}, "quoting is true or false for csv and tsv"),
        ({"encoding": "utf-9"}, "'utf-9' is no encoding Python knows"),
        ({"name": "../s"}, "aggregate.sources.0.name"),
        ({"votes": {"format": "json"}}, "map.votes and votes are both set or both null"),
        ({"format": "jsonl", "quoting": None, "columns": ["a"]}, "columns must be null: jsonl"),
        ({"columns": ["a", "a"]}, "must all differ"),
    ],
)
def test_contradicting_params_of_a_source_are_named(turned: Place, changes, message: str) -> None:
    turned.params["sources"][0] |= changes
    assert message in fail(turned, ParamsError)


def test_a_missing_params_section_is_named_and_the_earlier_outputs_stay(turned: Place) -> None:
    assert run_stage(turned.folder, {"aggregate": turned.params}).returncode == 0
    before = turned.outputs()
    turned.put("a.csv", GOOD + "20,more,x\n")
    done = run_stage(turned.folder, {"clean": {}})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "aggregate failed: params.yaml: section 'aggregate' is missing" in line
    assert turned.outputs() == before != {}


def test_the_command_fails_with_one_line_and_exit_code_1(turned: Place) -> None:
    turned.put("a.csv", "")
    done = run_stage(turned.folder, {"aggregate": turned.params})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("aggregate failed: raw/a.csv: the file is empty")


def test_a_full_disk_is_said_in_one_line_and_the_earlier_outputs_stay(turned: Place) -> None:
    incompressible = "".join(f"{i},{os.urandom(300).hex()},x\n" for i in range(2_000))
    turned.put("b.csv", HEADER + incompressible)
    assert_fails_on(turned, "size=300k", "No space left on device")


def test_an_unwritable_folder_is_said_in_one_line_and_the_earlier_outputs_stay(turned: Place):
    turned.put("b.csv", GOOD)
    assert_fails_on(turned, "remount,ro", "Read-only file system")


def test_a_folder_of_others_is_said_in_one_line_and_the_earlier_outputs_stay(turned: Place) -> None:
    params = {"aggregate": turned.params}
    assert run_stage(turned.folder, params, "locked/out").returncode == 0
    before = turned.outputs("locked/out")
    turned.put("a.csv", GOOD + "20,more,x\n")
    (turned.folder / "locked").chmod(0o555)
    done = run_stage(turned.folder, params, "locked/out", before=bound_by_permissions())
    (turned.folder / "locked").chmod(0o755)
    assert done.returncode == 1, done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("aggregate failed: Permission denied (locked/.out.new); let this user")
    assert turned.outputs("locked/out") == before != {}
    assert [path.name for path in (turned.folder / "locked").iterdir()] == ["out"]


def assert_fails_on(place: Place, option: str, message: str) -> None:
    """Run twice on a small disk of its own: well on a.csv, then on b.csv under `option`."""
    place.load()
    first = f"{sys.executable} -m tasks.aggregate fetch raw feedback disk/out"
    mount = f"mount -t tmpfs -o {option if 'size' in option else 'size=1m'} none disk"
    remount = f"mount -o {option} none disk" if "remount" in option else "true"
    done = in_namespace(
        f"mkdir -p disk && {mount} && {first} && sha256sum $(find disk -type f | sort) > before && "
        f"{remount} && sed -i s/a.csv/b.csv/ params.yaml && ! {first} && "
        f"sha256sum $(find disk -type f | sort) > after && cmp before after",
        place.folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("aggregate failed: ")
    assert message in line
    assert "and run again" in line or "remount it writable" in line


def run_stage(
    folder: Path, params: dict[str, object], target: str = "out", before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return subprocess.run(
        [*before, sys.executable, "-m", "tasks.aggregate", "fetch", "raw", "feedback", target],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
