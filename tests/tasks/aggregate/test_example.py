"""The example that ships, from the package index to one table."""

from pathlib import Path

import pytest
import yaml

from tasks.aggregate.params import AggregateParams
from tasks.fetch.__main__ import main as fetch
from tasks.params import load_params
from tests.tasks.aggregate.conftest import ROOT, Place


def test_the_shipped_params_are_complete_and_right() -> None:
    params = load_params("aggregate", AggregateParams, ROOT / "params.yaml")
    names = [source.name for source in params.sources]
    assert names == ["tweets", "movies", "products", "editorials"]


@pytest.mark.slow
def test_every_text_of_the_example_comes_through_with_all_its_ratings(place: Place) -> None:
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text())
    packages = [p for p in shipped["fetch"]["packages"] if p["distribution"] == "source"]
    params = {"fetch": shipped["fetch"] | {"packages": packages}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    (place.folder / "fetch").rmdir()
    fetch(place.folder / "fetch")
    place.params = shipped["aggregate"]
    rows = place.run()
    metrics = place.metrics()
    assert metrics["rows_in"] == metrics["rows_out"] == len(rows) == 23_703
    assert metrics["rows_out_by_source"] == {
        "tweets": 4_200,
        "movies": 10_605,
        "products": 3_708,
        "editorials": 5_190,
    }
    assert metrics["rejected"] == 0
    assert metrics["votes"] == sum(len(row["votes"]) for row in rows) == 536_520
    assert {vote for row in rows for vote in row["votes"]} == set(map(str, range(-4, 5)))
    assert len({row["example_id"] for row in rows}) == 23_703
    assert not any("\ufeff" in row["text"] for row in rows)
