"""Bad candidates of many kinds, vouched for by record and verdict: none goes live."""

import json
import os
from pathlib import Path

import pytest

from tasks.artifacts import json_bytes, sha256_of
from tasks.bundle import MANIFEST
from tasks.errors import FlywheelError
from tasks.release.promotion import promote
from tasks.releases import RECORD, VERDICT, read_pointer
from tests.tasks.release.kinds import KINDS, Spoil
from tests.tasks.release.side import PLACE, make_live, make_release, order, params


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_does_not_go_live(packaged: Path, kind: str) -> None:
    spoil, says = KINDS[kind]
    good = make_release(packaged, "good")
    make_live(good)
    before = read_pointer(PLACE)
    bad = make_release(packaged, "bad", champion=good)
    spoil_release(bad.version, spoil)
    with pytest.raises(FlywheelError, match=r"\S") as refusal:
        promote(PLACE, params(), order(bad.version), print)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert read_pointer(PLACE) == before


def spoil_release(version: str, spoil: Spoil) -> None:
    """And make its record and verdict say that this is what was judged and released."""
    folder = PLACE.release(version)
    for path in folder.rglob("*"):
        path.chmod(0o700)
    spoil(PLACE.bundle(version))
    manifest = PLACE.bundle(version) / MANIFEST
    if not manifest.exists():
        return
    for name, key in ((RECORD, "manifest_sha256"), (VERDICT, "candidate")):
        tree = json.loads((folder / name).read_bytes())
        (folder / name).write_bytes(json_bytes(tree | {key: sha256_of(manifest)}))


def test_a_model_that_ends_its_process_ends_no_other(
    packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a runtime that is made to crash would: here by the limit of its memory."""
    release = make_release(packaged, "first")
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, resource\n"
        "if '-m' in sys.orig_argv and 'tasks.release.check' in sys.orig_argv:\n"
        "    import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ['PYTHONPATH']}")
    with pytest.raises(FlywheelError, match="ended by signal 11"):
        promote(PLACE, params(), order(release.version), print)
