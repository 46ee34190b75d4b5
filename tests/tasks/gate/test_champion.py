"""Which champion a verdict is about: a slip of the pen is no first deployment."""

import datetime
import shutil
from pathlib import Path

import pytest

from tasks.artifacts import sha256_of, write_json
from tasks.bundle import MANIFEST
from tasks.errors import InputError
from tasks.releases import RECORD, Release
from tasks.verdict import Verdict
from tests.tasks.gate.breaks import relabel
from tests.tasks.gate.test_main import Place


@pytest.fixture
def place(packaged: Path, tmp_path: Path) -> Place:
    return Place(tmp_path, packaged)


def state(verdict: Verdict) -> object:
    (found,) = [one for one in verdict.conditions if one.name == "unreadable_champion"]
    return found.value


@pytest.mark.parametrize("path", ["chmapion", "champion/manifest.json"])
def test_a_path_that_leads_to_no_bundle_is_an_error(place: Place, path: str) -> None:
    with pytest.raises(InputError, match=f"^{path}: no such folder, .* Mend the path"):
        place.judge("--champion", path)
    assert not (place.folder / "gate").exists()


def test_an_id_alone_is_of_no_bundle(place: Place) -> None:
    with pytest.raises(SystemExit, match="2"):
        place.judge("--champion-id", "1" * 64)


def test_a_champion_that_is_named_stays_the_one_judged_against_whatever_became_of_it(
    place: Place,
) -> None:
    """Else the verdict would be of none, and no promotion could tell what it may replace."""
    meant = sha256_of(place.champion / MANIFEST)
    options = ["--champion", "champion", "--champion-id", meant]
    for spoil, expected in [
        (None, "readable"), (relabel, "broken"), (lambda it: (it / MANIFEST).unlink(), "broken"),
        (shutil.rmtree, "broken"),
    ]:  # fmt: skip
        if spoil:
            spoil(place.champion)
        verdict = place.judge(*options)
        assert (verdict.champion, state(verdict)) == (meant, expected)


def test_a_release_is_known_by_its_record_even_when_its_bundle_is_damaged_or_swapped(
    place: Place,
) -> None:
    meant = sha256_of(place.champion / MANIFEST)
    release = place.folder / "live/releases/v1.0.0"
    bundle = shutil.copytree(place.champion, release / "bundle")
    record = Release(
        version="v1.0.0", manifest_sha256=meant, run="", commit="", champion=None,
        judged_at=datetime.datetime.now(datetime.UTC), decision="passed",
    )  # fmt: skip
    write_json(release / RECORD, record.model_dump(mode="json"))
    for spoil, expected in [(None, "readable"), (relabel, "broken")]:
        if spoil:
            spoil(bundle)
        verdict = place.judge("--champion", str(bundle))
        assert (verdict.champion, state(verdict)) == (meant, expected)
