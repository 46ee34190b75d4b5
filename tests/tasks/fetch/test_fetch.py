"""Fetching without a network: tiny packages from a folder or by pip's find-links."""

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tasks.artifacts import sha256_of
from tests.tasks.fetch.packages import (
    ROOT,
    add,
    make_source,
    make_wheel,
    offline,
    package,
    run_fetch,
    write_params,
)


def unpacked(folder: Path) -> dict[str, str]:
    files = (folder / "data/fetch").rglob("*.txt")
    return {str(file.relative_to(folder / "data/fetch")): file.read_text() for file in files}


def test_a_file_one_already_has_is_used_without_asking_the_index(tmp_path: Path) -> None:
    own = make_source(tmp_path / "data/raw/packages")
    done = run_fetch(tmp_path, [package(own)])
    assert done.returncode == 0, done.stderr
    assert unpacked(tmp_path) == {"tiny/a.txt": "A", "tiny/b.txt": "B"}
    assert "taken from data/raw/packages/tiny-1.0.tar.gz" in done.stdout
    (record,) = json.loads((tmp_path / "data/fetch/packages.json").read_text())
    assert record["files"] == {"a.txt": 1, "b.txt": 1}
    assert record["sha256"] == sha256_of(own)


def test_pip_gets_a_source_and_a_wheel_and_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    source = make_source(tmp_path / "links")
    wheel = make_wheel(tmp_path / "wheels")
    packages = [package(source), package(wheel, folder="encoder")]
    links = f"{source.parent} {wheel.parent}"
    results = []
    for _ in range(2):
        done = run_fetch(tmp_path, packages, PIP_FIND_LINKS=links, PIP_NO_INDEX="1")
        assert done.returncode == 0, done.stderr
        files = sorted(file for file in (tmp_path / "data").rglob("*") if file.is_file())
        results.append({file: file.read_bytes() for file in files})
    assert results[0] == results[1]
    assert unpacked(tmp_path)["encoder/vocab.txt"] == "words"
    assert "WARNING" not in done.stdout + done.stderr
    assert "tiny-1.0.tar.gz: 0.0 MB" in done.stdout


def test_an_unreachable_index_is_temporary_and_says_how_to_use_a_file_one_has(tmp_path: Path):
    file = make_source(tmp_path / "elsewhere")
    (tmp_path / "data/fetch").mkdir(parents=True)
    (tmp_path / "data/fetch/old.txt").write_text("from the last run")
    done = run_fetch(tmp_path, [package(file)], PIP_EXTRA_INDEX_URL="http://127.0.0.1:9/more")
    assert done.returncode == 75
    (line,) = done.stderr.splitlines()
    assert "could not get tiny==1.0 (source)" in line
    assert "http://127.0.0.1:9/simple, http://127.0.0.1:9/more" in line
    assert "put it into data/raw/packages/" in line
    assert unpacked(tmp_path) == {"old.txt": "from the last run"}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["fetch"]


@pytest.mark.parametrize("where", ["own", "served"])
def test_a_wrong_hash_names_both_hashes_and_runs_nothing_of_the_file(tmp_path: Path, where: str):
    file = make_source(tmp_path / ("data/raw/packages" if where == "own" else "links"))
    expected = "0" * 64
    links = {"PIP_FIND_LINKS": str(file.parent), "PIP_NO_INDEX": "1"}
    done = run_fetch(tmp_path, [package(file, sha256=expected)], **links)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert expected in line
    assert sha256_of(file) in line
    assert not (tmp_path / "data/fetch").exists()


def test_a_version_the_index_lacks_is_no_temporary_failure(tmp_path: Path) -> None:
    file = make_wheel(tmp_path / "links")
    links = {"PIP_FIND_LINKS": str(file.parent), "PIP_NO_INDEX": "1"}
    done = run_fetch(tmp_path, [package(file, version="9.9")], **links)
    assert done.returncode == 1
    assert "tiny==9.9 (wheel) is not in" in done.stderr
    assert "versions found there: 1.0" in done.stderr


def test_no_packages_give_a_folder_that_exists(tmp_path: Path) -> None:
    done = run_fetch(tmp_path, [])
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "data/fetch/packages.json").read_text()) == []


def test_members_that_leave_the_folder_or_are_links_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        add(archive, "in/../evil.txt", b"E")
        link = tarfile.TarInfo("in/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    file = make_source(tmp_path / "data/raw/packages", stream.getvalue())
    for members in (["in/*.txt"], ["in/*/evil.txt"]):
        done = run_fetch(tmp_path, [package(file, members=members)])
        assert done.returncode == 1
        assert "is a link or leaves the folder; refused" in done.stderr
    assert not list(tmp_path.rglob("evil.txt"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": ["nothing/*"]}, "nothing matches 'nothing/*'; found in/a.txt"),
        ({"archive": "absent.zip"}, "nothing matches 'absent.zip'; found PKG-INFO"),
        ({"archive": "setup.py"}, "setup.py: not a readable zip or tar archive"),
        ({"folder": "../out"}, "must be a relative path without '..'"),
        ({"sha256": "abc"}, "fetch.packages.0.sha256 = 'abc'"),
        ({"versoin": "1.0"}, "fetch.packages.0.versoin is not a known key"),
    ],
)
def test_what_is_wrong_in_params_is_named(tmp_path: Path, changes, message: str) -> None:
    file = make_source(tmp_path / "data/raw/packages")
    done = run_fetch(tmp_path, [package(file, **changes)])
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert message in line


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "data/raw/packages")
    done = run_fetch(tmp_path, [package(wheel, members=["tiny/*/vocab.txt"])])
    assert done.returncode == 1
    assert "two members are named vocab.txt" in done.stderr


def test_pip_dies_with_the_stage(tmp_path: Path) -> None:
    write_params(tmp_path, [package(make_wheel(tmp_path / "elsewhere"))])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        stage = subprocess.Popen(
            [sys.executable, "-m", "tasks.fetch", "data/fetch"],
            cwd=tmp_path,
            env=offline(PIP_INDEX_URL=index),
            stdout=subprocess.DEVNULL,
        )
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(20)
            assert connection.recv(1 << 16).startswith(b"GET /simple/tiny/")
            stage.kill()
            stage.wait()
            connection.settimeout(8)  # pip itself would wait for 20 s
            assert connection.recv(1) == b""  # its end is closed: pip is gone


@pytest.mark.slow
def test_the_example_comes_from_the_package_index(tmp_path: Path) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())["fetch"]
    (example,) = [item for item in params["packages"] if item["distribution"] == "source"]
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump({"fetch": params | {"packages": [example]}})
    )
    done = subprocess.run(
        [sys.executable, "-m", "tasks.fetch", "data/fetch"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "data/fetch" / example["folder"]).iterdir())) == 8
