"""A correction followed: what is known at each station, and what is said where one is missing.

Releases that learnt from a correction are followed in `tests/test_demo.py`.
"""

import shutil
from pathlib import Path

import pytest

from flows.journey import Station
from flows.trace import describe, trace
from tasks.errors import InputError
from tasks.releases import Release
from tests.feedback_partitions import START, make_event, write_partition
from tests.project import REPOSITORY, run

EVENT = make_event(7, "it is so so", "positive", client="k1")


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLYWHEEL_STORE", raising=False)
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    run(tmp_path, ["git", "init", "-q"])
    run(tmp_path, ["dvc", "init", "-q"])
    return tmp_path


def test_an_event_in_a_partition_has_an_example_though_the_store_is_gone(checkout: Path) -> None:
    file = write_partition(checkout / "data/feedback", [EVENT])
    said = dict(trace(EVENT["event_id"]))
    assert said["event"].endswith("r_7 by k1: 'neutral' should be 'positive'")
    assert "the store was not asked" in said["store"]
    assert said["partition"] == str(file.relative_to(checkout))
    assert said["example"].endswith("'it is so so'")
    assert said["live"] == "nothing yet"


def test_a_text_that_was_not_kept_ends_the_way(checkout: Path) -> None:
    write_partition(checkout / "data/feedback", [EVENT | {"text": None}])
    said = dict(trace(EVENT["event_id"]))
    assert "serving.prediction_log.keep" in said["example"]
    assert "live" not in said


def test_an_event_that_never_came_is_said_to() -> None:
    with pytest.raises(InputError, match="was not acknowledged, or was forgotten"):
        list(trace(EVENT["event_id"]))


@pytest.mark.parametrize("event_id", ["", "7", "' OR 1=1 --", EVENT["event_id"].upper() + "A"])
def test_what_is_no_event_id_is_refused_before_anything_is_asked(event_id: str) -> None:
    with pytest.raises(InputError, match="expected a UUID in small letters"):
        list(trace(event_id))


def test_a_release_that_set_an_example_aside_says_why() -> None:
    release = Release(
        version="v1.0.0", manifest_sha256="0" * 64, run="calm-otter", commit="0" * 40,
        judged_at=START, decision="passed", champion=None,
    )  # fmt: skip
    assert describe(Station(release, "train", "")).startswith("learnt from its text, split train")
    assert "excluded: twin_of_test" in describe(Station(release, "excluded", "twin_of_test"))
    assert describe(Station(release, "", "")).startswith("had its text in no split")
