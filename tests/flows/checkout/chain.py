"""A real git and DVC checkout: two quick stages, a remote, and data added by hand."""

import os
import shutil
from pathlib import Path

import yaml

from flows.checkout.hashes import md5_of
from tests.project import run

CACHE, REMOTE = Path(".dvc/cache/files/md5"), Path("../remote/files/md5")

STAGES = {
    "on": {  # a name that YAML 1.1 takes for a truth
        "cmd": "mkdir -p data/on/parts/deep && sed s/$/0/ data/raw/seed.txt > data/on/numbers.txt"
        " && echo ä > 'data/on/parts/ä b.txt'"
        " && sort -r data/raw/seed.txt > data/on/parts/deep/c.txt",
        "deps": ["data/raw/seed.txt"],
        "outs": ["data/on/numbers.txt", "data/on/parts"],
    },
    "double": {
        "cmd": "mkdir -p data/double"
        " && cat data/on/numbers.txt data/on/numbers.txt > data/double/all.txt",
        "deps": ["data/on/numbers.txt", "data/on/parts"],
        "params": ["factor"],
        "outs": ["data/double/all.txt"],
    },
}


def make_chain(folder: Path) -> Path:
    """Reproduced once and pushed: nothing is left to do in it."""
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/seed.txt").write_text("1\n2\n3\n")
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, allow_unicode=True))
    (folder / "params.yaml").write_text("factor: 2\n")
    (folder / ".gitignore").write_text("/data/?*\n!/data/raw\n/remote\n")
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text(
        '[core]\n  remote = local\n[cache]\n  type = "reflink,copy"\n'
        "['remote \"local\"']\n  url = ../../remote\n"
    )
    (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    run(folder, ["git", "init", "-q"])
    run(folder, ["dvc", "add", "-q", "data/raw/seed.txt"])
    run(folder, ["dvc", "repro", "-q"])
    run(folder, ["dvc", "push", "-q"])
    run(folder, ["git", "add", "-A"])
    run(folder, ["git", "commit", "-qm", "start"])
    return folder


def copy_chain(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, symlinks=True)
    return target


def flip_a_bit(file: Path) -> None:
    """As a failing disk does: the mode and the time stay what they were."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(before.st_mode)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def object_of(store: Path, path: Path) -> Path:
    md5 = md5_of(path)
    return store / md5[:2] / md5[2:]
