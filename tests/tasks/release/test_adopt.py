"""A release is whole, private, read-only and made once, or it is not there."""

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from tasks.artifacts import sha256_of
from tasks.bundle import MANIFEST, verify_bundle
from tasks.errors import InputError
from tasks.release.adopt import Candidate, adopt
from tasks.release.known import find_release, list_releases
from tasks.release.rollback import roll_back
from tasks.releases import (
    NOTHING,
    find_bundle,
    list_versions,
    read_history,
    read_pointer,
    read_release,
)
from tests.tasks.release.side import PLACE, make_bundle, make_live, make_release, write_verdict


def test_a_release_holds_bundle_verdict_and_card_and_changes_nothing_live(packaged: Path) -> None:
    release = make_release(packaged, "first")
    assert read_release(PLACE, "v1.0.0") == release
    assert (release.run, release.decision, release.champion) == ("first", "passed", None)
    assert verify_bundle(find_bundle(PLACE, release.target))
    assert (PLACE.release("v1.0.0") / "card/model_card.md").read_text() == "# first\n"
    assert read_pointer(PLACE) == NOTHING
    assert {path.name for path in PLACE.release("v1.0.0").iterdir()} == {
        "bundle", "card", "release.json", "verdict.json",
    }  # fmt: skip


def test_nobody_else_reads_it_and_nobody_writes_it(packaged: Path) -> None:
    make_release(packaged, "first")
    for path in [PLACE.folder, *PLACE.releases.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o400), path


def test_the_same_bundle_and_verdict_are_the_same_release_another_verdict_is_another(
    packaged: Path,
) -> None:
    first = make_release(packaged, "first", decision="refused")
    bundle = Path("candidates/first/bundle")
    again = Candidate(bundle, bundle.parent / "verdict.json", [], "again", "d" * 40)
    assert adopt(PLACE, again, "minor", [], 5.0) == first
    assert list_versions(PLACE) == ["v1.0.0"]
    write_verdict(bundle, None, "passed")
    second = adopt(PLACE, again, "minor", [], 5.0)
    assert (second.version, second.decision) == ("v1.1.0", "passed")
    assert read_release(PLACE, "v1.0.0") == first
    assert find_release(PLACE, first.manifest_sha256) == second
    PLACE.verdict("v1.1.0").unlink()
    assert adopt(PLACE, again, "minor", [], 5.0).version == "v1.2.0"


def test_versions_rise_and_those_given_away_elsewhere_are_left_out(packaged: Path) -> None:
    first = make_release(packaged, "first")
    second = make_release(packaged, "second", champion=first)
    assert (second.version, second.champion) == ("v1.1.0", "v1.0.0")
    bundle = make_bundle(packaged, "third")
    candidate = Candidate(bundle, write_verdict(bundle, None), [], "third", "d" * 40)
    assert adopt(PLACE, candidate, "patch", ["v1.9.4"], 5.0).version == "v1.9.5"


def test_nobody_who_changes_what_is_live_waits_for_it(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        make_live(make_release(packaged, name))
    copytree = shutil.copytree

    def copy_and_roll_back(*arguments: Any, **options: Any) -> Path:
        roll_back(PLACE, None, ("bob", "odd"), 0.2)
        monkeypatch.setattr(shutil, "copytree", copytree)
        return copytree(*arguments, **options)

    bundle = make_bundle(packaged, "third")
    candidate = Candidate(bundle, write_verdict(bundle, None), [], "third", "d" * 40)
    monkeypatch.setattr(shutil, "copytree", copy_and_roll_back)
    assert adopt(PLACE, candidate, "minor", [], 5.0).version == "v1.2.0"
    assert read_history(PLACE)[-1].action == "roll back"


def test_a_bundle_that_changed_since_it_was_judged_is_no_release(packaged: Path) -> None:
    bundle = make_bundle(packaged, "first")
    verdict = write_verdict(bundle, None)
    (bundle / MANIFEST).write_bytes((bundle / MANIFEST).read_bytes() + b"\n")
    candidate = Candidate(bundle, verdict, [], "first", "d" * 40)
    with pytest.raises(InputError, match="Let the gate judge what is there now"):
        adopt(PLACE, candidate, "minor", [], 5.0)
    assert list(PLACE.releases.iterdir()) == []


def test_a_damaged_bundle_is_no_release(packaged: Path) -> None:
    bundle = make_bundle(packaged, "first")
    verdict = write_verdict(bundle, None)
    with (bundle / "model.onnx").open("ab") as stream:
        stream.write(b"x")
    candidate = Candidate(bundle, verdict, [], "first", "d" * 40)
    with pytest.raises(InputError, match=r"model\.onnx has another content"):
        adopt(PLACE, candidate, "minor", [], 5.0)
    assert list(PLACE.releases.iterdir()) == []


def test_a_damaged_release_is_no_reason_not_to_make_the_next(packaged: Path) -> None:
    make_release(packaged, "first")
    record = PLACE.release("v1.0.0") / "release.json"
    record.chmod(0o600)
    record.write_text("{")
    second = make_release(packaged, "second")
    assert second.version == "v1.1.0"
    assert list_releases(PLACE) == [second]
    assert second.manifest_sha256 == sha256_of(PLACE.bundle("v1.1.0") / MANIFEST)
