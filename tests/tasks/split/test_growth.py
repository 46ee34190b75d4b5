"""Growing data through the real stages moves no example between splits and leaks no twin."""

import random
from pathlib import Path

import pytest

from tasks import records
from tasks.clean.__main__ import main as clean
from tasks.label.__main__ import main as label
from tasks.split.__main__ import EXCLUDED
from tasks.split.__main__ import main as split
from tasks.split.assignment import PARTS
from tasks.text import match_key
from tests.tasks.clean.examples import PARAMS, aggregated, sentences, sets_of
from tests.tasks.namespaces import ROOT

NUM_BASE, NUM_NEAR, NUM_EQUAL = 400, 120, 30
VOTES = [["-3"], ["0"], ["3"]]
TWINS = [("train", "test"), ("validation", "test"), ("train", "validation")]


def through_the_stages(folder, table):
    """Each text's part or reason for exclusion, by the id of every row that has the text."""
    records.write_table(folder / "aggregate/part.parquet", table, records.AGGREGATED)
    clean(folder / "aggregate", folder / "clean")
    label(folder / "clean/examples.parquet", folder / "label")
    split(folder / "label/examples.parquet", folder / "split")
    place_of, text_of = {}, {}
    for name in (*PARTS, "excluded"):
        schema = EXCLUDED if name == "excluded" else records.LABELLED
        for row in records.read_table(folder / f"split/{name}.parquet", schema).to_pylist():
            for own in (row["example_id"], *row["duplicate_ids"]):
                assert own not in place_of
                place_of[own] = row.get("reason", name)
                text_of[own] = row["text"]
    return place_of, text_of


def grown(base):
    """The base texts, then half as many: near twins of some, equal texts of others, fresh ones."""
    near = [f"{text.rpartition(' ')[0]} zebra!" for text in base[:NUM_NEAR]]
    equal = [
        text.upper() if at % 2 else f" {text} "
        for at, text in enumerate(base[NUM_NEAR : NUM_NEAR + NUM_EQUAL])
    ]
    return [*base, *near, *equal, *sentences(NUM_BASE // 2 - NUM_NEAR - NUM_EQUAL, seed=6)]


@pytest.mark.parametrize("seed", [1, 2])
def test_growth_moves_nothing_to_another_split_and_no_twin_of_test_is_learnt_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(ROOT)
    base = sentences(NUM_BASE, seed=5)
    texts = grown(base)
    table = aggregated(texts, [VOTES[at % 3] for at in range(len(texts))])
    before, _ = through_the_stages(tmp_path / "base", table.slice(0, NUM_BASE))
    order = random.Random(seed).sample(range(len(texts)), len(texts))
    after, text_of = through_the_stages(tmp_path / "grown", table.take(order))
    assert set(before) < set(after) == set(table["example_id"].to_pylist())

    moves = {(before[own], after[own]) for own in before}
    twins = {(part, f"twin_of_{held}") for part, held in TWINS}
    assert moves <= {(part, part) for part in PARTS} | twins
    assert ("train", "twin_of_test") in moves  # else nothing was put to the test
    keys = {
        part: sets_of({match_key(text_of[own]) for own in after if after[own] == part}, 4)
        for part in PARTS
    }
    bound = PARAMS.near_duplicates.min_jaccard
    for learnt, held in TWINS:
        for first in keys[learnt]:
            assert all(len(first & one) < bound * len(first | one) for one in keys[held])
