"""The whole stage on a tiny real model: outputs, their bytes, and what a person reads."""

import csv
import hashlib
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score

from tasks.errors import InputError
from tasks.evaluate.__main__ import main
from tests.tasks.evaluate.place import CLASSES, Place
from tests.tasks.evaluate.splits import SHIPPED, write_split

OUTPUTS = {
    "predictions.parquet", "label_issues.parquet", "behaviour_failures.json", "model_card.md",
    "model_card.html", "pictures/confusion.svg", "pictures/reliability.svg",
    "pictures/per_source.svg", "metrics.json", "confusion.csv", "reliability.csv", "per_source.csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("place"), CLASSES)


@pytest.fixture(scope="module")
def outputs(place: Place) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        return place.run()


@pytest.fixture(scope="module")
def metrics(outputs: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((outputs / "metrics.json").read_text())["evaluate"]
    return found


def test_predictions_and_metrics_agree_and_class_names_stay_text(
    place: Place, outputs: Path, metrics: dict[str, Any]
) -> None:
    rows = pq.read_table(outputs / "predictions.parquet").to_pylist()
    assert [row["label"] for row in rows] == place.labels
    for row in rows:
        assert row["predicted"] == CLASSES[int(np.argmax(row["probs"]))]
    predicted = [row["predicted"] for row in rows]
    assert len(set(predicted)) > 1
    for average in ("macro", "weighted"):
        expected = f1_score(place.labels, predicted, average=average, zero_division=0)
        assert metrics[f"{average}_f1"] == pytest.approx(expected)
        assert metrics[f"{average}_f1_low"] < expected < metrics[f"{average}_f1_high"]
    assert (metrics["rows_in"], metrics["rows_out"], metrics["rejected"]) == (50, 50, 0)
    assert list(metrics["classes"]) == sorted(CLASSES)
    assert set(metrics["sources"]) == {"lone", "source 0", "source 1"}
    assert set(metrics["baselines"]) == {"majority", "tfidf_logistic_regression"}
    assert set(metrics["behaviour"]) <= {check.name for check in SHIPPED.checks}
    assert -1 <= metrics["vote_r"] <= 1
    issues = pq.read_table(outputs / "label_issues.parquet").num_rows
    assert metrics["label_issues"] == issues


def test_behaviour_failures_are_the_pairs_that_did_not_pass(
    outputs: Path, metrics: dict[str, Any]
) -> None:
    failures = json.loads((outputs / "behaviour_failures.json").read_text())
    failed = {failure["check"] for failure in failures}
    assert failed == {name for name, rate in metrics["behaviour"].items() if rate < 1}
    assert failed
    assert all(failure["before"] != failure["after"] for failure in failures)


def test_the_plots_hold_the_confusions_the_curve_and_the_sources(
    place: Place, outputs: Path, metrics: dict[str, Any]
) -> None:
    with (outputs / "confusion.csv").open() as stream:
        assert [row["label"] for row in csv.DictReader(stream)] == place.labels
    with (outputs / "reliability.csv").open() as stream:
        curve = list(csv.DictReader(stream))
    assert sum(int(row["examples"]) for row in curve) == 50
    with (outputs / "per_source.csv").open() as stream:
        sources = {row["source"]: float(row["macro_f1"]) for row in csv.DictReader(stream)}
    assert sources == {name: one["macro_f1"] for name, one in metrics["sources"].items()}


def test_the_model_card_tells_the_numbers_in_both_forms(
    outputs: Path, metrics: dict[str, Any]
) -> None:
    baseline = metrics["baselines"]["tfidf_logistic_regression"]
    told = [metrics["macro_f1"], metrics["weighted_f1"], metrics["ece"], baseline["macro_f1"]]
    told += [one["f1"] for one in metrics["classes"].values()]
    told += [one["macro_f1"] for one in metrics["sources"].values()]
    for name in ("model_card.md", "model_card.html"):
        page = (outputs / name).read_text()
        for number in told:
            assert f"{number:.3f}" in page, name
        for word in [*CLASSES, SHIPPED.card.title, "source 1", "commonest class", "negated praise"]:
            assert word in page, name


def test_the_markdown_finds_its_pictures_and_keeps_its_tables(outputs: Path) -> None:
    page = (outputs / "model_card.md").read_text()
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page)
    assert len(pictures) == 3
    assert all((outputs / picture).is_file() for picture in pictures)
    lines = page.splitlines()
    for line, following in itertools.pairwise(lines):
        if line.startswith("|") and following.startswith("|"):
            bars = [len(re.findall(r"(?<!\\)\|", one)) for one in (line, following)]
            assert bars[0] == bars[1], line


def test_the_page_needs_no_other_file_and_escapes_the_texts(outputs: Path) -> None:
    page = (outputs / "model_card.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 3
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert "great &lt;b&gt;" in page
    assert "great <b>" not in page


def test_two_runs_give_the_same_bytes(
    place: Place, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    again = place.run("data/again")
    hashes = [
        {
            str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in folder.rglob("*")
            if file.is_file()
        }
        for folder in (outputs, again)
    ]
    assert set(hashes[0]) == OUTPUTS
    assert hashes[0] == hashes[1]


def test_unordered_classes_with_signs_of_every_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    classes = ["$a$", "猫 & <dog>", "x|y_z", "true", "null", "a very long name of a class indeed"]
    folder = Place(tmp_path, classes, ordered=False).run()
    found = json.loads((folder / "metrics.json").read_text())["evaluate"]
    assert set(found["classes"]) == set(classes)
    assert "vote_r" not in found
    assert found["behaviour"] == {}
    assert json.loads((folder / "behaviour_failures.json").read_text()) == []
    assert "猫 &amp; &lt;dog&gt;" in (folder / "model_card.html").read_text()
    assert "猫" in (folder / "pictures" / "confusion.svg").read_text()


@pytest.mark.parametrize(
    ("labels", "match"), [([], "0 rows"), (["other"], "'other'"), ([None], "None")]
)
def test_a_split_that_cannot_be_scored_leaves_earlier_outputs_alone(
    place: Place,
    outputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    labels: list[str | None],
    match: str,
) -> None:
    monkeypatch.chdir(place.folder)
    texts, sources = ["text"] * len(labels), ["one"] * len(labels)
    test = write_split(place.folder / "bad.parquet", texts, labels, sources)
    before = (outputs / "metrics.json").read_bytes()
    with pytest.raises(InputError, match=match) as caught:
        main(place.train, test, place.model, outputs)
    assert "bad.parquet" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (outputs / "metrics.json").read_bytes() == before
