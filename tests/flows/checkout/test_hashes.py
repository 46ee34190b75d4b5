import random
from pathlib import Path

import pytest
import yaml

from flows.checkout.hashes import (
    RecordedOut,
    listing_bytes,
    listing_of,
    md5_of,
    read_listing,
    read_recorded_outs,
)
from tasks.stage import peak_memory_mib
from tests.project import run

NAMES = [
    "a",
    "a.b",
    "a-b",
    "B",
    "ä",
    "z\u0308",
    "شماره",
    "🙂",
    "two words",
    "'q\"",
    "-x",
    "#h",
    "_",
]


def write_tree(folder: Path, seed: int) -> None:
    """Names that sort, quote and encode in every way; sizes around DVC's limit for threads."""
    generator = random.Random(seed)
    for _ in range(generator.randrange(1, 12)):
        parts = generator.sample(NAMES, generator.randrange(1, 4))
        file = folder.joinpath(*(f"{part}{generator.randrange(3)}" for part in parts))
        if any(parent.is_file() for parent in file.parents) or file.is_dir():
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        size = generator.choice([0, 1, 100, 1 << 20, (1 << 21) + 1])
        file.write_bytes(generator.randbytes(min(size, 64)) * (size // 64 + 1))


def test_every_md5_is_the_one_dvc_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(tmp_path, ["git", "init", "-q"])
    run(tmp_path, ["dvc", "init", "-q"])
    Path(".dvcignore").write_text("__pycache__/\n*.pyc\n/tree0/ignored.txt\n!kept.pyc\n")
    for number in range(12):
        write_tree(Path(f"tree{number}"), seed=number)
    Path("tree0/__pycache__").mkdir()
    Path("tree0/.git/deep").mkdir(parents=True)
    for name in ("__pycache__/x", "x.pyc", "kept.pyc", "ignored.txt", ".git/deep/x", ".gitkeep"):
        Path("tree0", name).write_text(name)
    Path("tree1/empty/deep").mkdir(parents=True)
    Path("tree1/link.txt").symlink_to("../file.bin")
    Path("tree1/folder-link").symlink_to("../tree2")
    Path("bare").mkdir()
    Path("file.bin").write_bytes(bytes(range(256)) * 40)
    Path("nothing").touch()
    Path("ü.txt").write_bytes(b"one\r\ntwo\r\n")
    targets = sorted(path.name for path in Path.cwd().iterdir() if not path.name.startswith("."))
    run(tmp_path, ["dvc", "add", "-q", *targets])

    for name in targets:
        (recorded,) = yaml.safe_load(Path(f"{name}.dvc").read_text())["outs"]
        assert md5_of(Path(name)) == md5_of(tmp_path / name) == recorded["md5"], name
        if recorded["md5"].endswith(".dir"):
            stored = Path(".dvc/cache/files/md5", recorded["md5"][:2], recorded["md5"][2:])
            assert listing_bytes(listing_of(Path(name))) == stored.read_bytes()
            assert read_listing(stored.read_bytes()) == listing_of(Path(name))
    assert "kept.pyc" in listing_of(Path("tree0"))
    assert "x.pyc" not in listing_of(Path("tree0"))


def test_outputs_are_read_as_dvc_recorded_them(chain: Path) -> None:
    outs = read_recorded_outs()
    assert set(outs) == {"data/on/numbers.txt", "data/on/parts", "data/double/all.txt"}
    for path, out in outs.items():
        assert out == RecordedOut(path.split("/")[1], path, md5_of(Path(path)))


def test_no_lock_file_records_nothing(bare: Path) -> None:
    assert read_recorded_outs() == {}


def test_large_files_are_streamed(tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    with file.open("wb") as stream:
        stream.truncate(256 << 20)
    before = peak_memory_mib()
    md5_of(file)
    assert peak_memory_mib() - before < 64
