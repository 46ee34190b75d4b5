"""What is wrong with the machine is an error; only what is wrong with a bundle is a verdict."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

from tasks import bundle
from tasks.bundle import MANIFEST
from tasks.gate.evidence import Broken
from tasks.gate.measure import load
from tests.tasks.gate.arena import ROOT
from tests.tasks.gate.test_main import Place

ONNX = "[ONNXRuntimeError] : 1 : FAIL : Load model from model.onnx failed:"


@pytest.mark.parametrize(
    ("number", "is_of_machine"),
    [
        (errno.EIO, True), (errno.EMFILE, True), (errno.ENOMEM, True), (errno.ESTALE, True),
        (errno.EACCES, True), (errno.ENOENT, False), (errno.ENOTDIR, False),
        (errno.EISDIR, False),
    ],
)  # fmt: skip
def test_a_file_that_the_machine_cannot_read_breaks_no_bundle(
    packaged: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_of_machine: bool
) -> None:
    def fail(file: Path) -> str:
        raise OSError(number, os.strerror(number), str(file))

    monkeypatch.setattr(bundle, "sha256_of", fail)
    if is_of_machine:
        with pytest.raises(OSError, match=os.strerror(number)):
            load(packaged / "package/bundle")
    else:
        assert isinstance(load(packaged / "package/bundle"), Broken)


@pytest.mark.parametrize(
    ("says", "is_of_machine"),
    [
        (f"{ONNX}std::bad_alloc", True),
        ("Exception during initialization: bad allocation", True),
        ("AllocateRawInternal Failed to allocate memory for requested buffer of size 9", True),
        (f"{ONNX}system error number {errno.EMFILE}", True),
        (f"{ONNX}system error number {errno.ENOENT}", False),
        (f"{ONNX}Protobuf parsing failed.", False),
    ],
)
def test_a_runtime_without_memory_or_files_breaks_no_bundle(
    packaged: Path, monkeypatch: pytest.MonkeyPatch, says: str, is_of_machine: bool
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError(says)

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    if is_of_machine:
        with pytest.raises(OSError, match="RuntimeError: "):
            load(packaged / "package/bundle")
    else:
        assert isinstance(load(packaged / "package/bundle"), Broken)


@pytest.mark.slow
def test_the_command_says_so_in_one_line_and_gives_no_verdict(
    packaged: Path, tmp_path: Path
) -> None:
    place = Place(tmp_path, packaged)
    (place.champion / MANIFEST).unlink()
    (place.champion / MANIFEST).symlink_to("/proc/self/mem")  # reading its start is EIO
    command = [
        sys.executable, "-m", "tasks.gate", "candidate", "test.parquet", place.metrics, "gate",
        "--champion", "champion",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == os.EX_TEMPFAIL
    assert done.stderr.startswith("gate failed: OSError [Errno 5] Input/output error: an error of")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "gate").exists()
