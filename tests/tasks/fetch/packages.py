"""Tiny packages built on the spot, and the stage run where no index can be reached."""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import yaml

from tasks.artifacts import sha256_of

ROOT = Path(__file__).parents[3]
SETUP = "import pathlib, setuptools\nsetuptools.setup(name='tiny', version='1.0')\n"


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def tar(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            add(archive, name, content)
    return stream.getvalue()


def make_source(folder: Path, inner: bytes | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tiny-1.0.tar.gz"
    inner = inner if inner is not None else tar({"in/a.txt": b"A", "in/b.txt": b"B", "x.txt": b"X"})
    members = {"setup.py": SETUP.encode(), "data/inner.tar.gz": inner}
    members["PKG-INFO"] = b"Metadata-Version: 1.0\nName: tiny\nVersion: 1.0\n"
    file.write_bytes(tar({f"tiny-1.0/{name}": content for name, content in members.items()}))
    return file


def make_wheel(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tiny-1.0-py3-none-any.whl"
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("tiny/model/vocab.txt", "words")
        wheel.writestr("tiny/other/vocab.txt", "other words")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return file


def package(file: Path, **changes: object) -> dict[str, object]:
    is_wheel = file.suffix == ".whl"
    return {
        "name": "tiny",
        "version": "1.0",
        "distribution": "wheel" if is_wheel else "source",
        "sha256": sha256_of(file),
        "archive": None if is_wheel else "data/inner.tar.gz",
        "members": ["tiny/model/*"] if is_wheel else ["in/*.txt"],
        "folder": "tiny",
        **changes,
    }


def write_params(folder: Path, packages: list[dict[str, object]]) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())["fetch"]
    params |= {"packages": packages, "retries": 1, "timeout_seconds": 20}
    (folder / "params.yaml").write_text(yaml.safe_dump({"fetch": params}))


def offline(**environment: str) -> dict[str, str]:
    """An environment in which pip knows an index that cannot be reached, unless told otherwise."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    index = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    return kept | index | environment | {"PYTHONPATH": str(ROOT)}


def run_fetch(folder: Path, packages: list[dict[str, object]], **environment: str):
    write_params(folder, packages)
    return subprocess.run(
        [sys.executable, "-m", "tasks.fetch", "data/fetch"],
        cwd=folder,
        env=offline(**environment),
        capture_output=True,
        text=True,
        check=False,
    )
