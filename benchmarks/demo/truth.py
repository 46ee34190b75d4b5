"""What people really said of the withheld source: votes, labels, and which texts are held out."""

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from benchmarks.demo.scenario import Scenario
from tasks.aggregate.params import AggregateParams
from tasks.aggregate.sources import read_source
from tasks.clean.__main__ import clean
from tasks.clean.params import CleanParams
from tasks.label.__main__ import label
from tasks.params import load_params, parse_section
from tasks.records import LABELLED, write_table
from tasks.split.assignment import draw
from tasks.split.params import SplitParams
from tasks.text import match_key
from tasks.votes import LabelParams, flatten, vote_classes


class Truth(NamedTuple):
    """Of every text of the source."""

    texts: list[str]
    votes: list[list[str]]  # the classes that people's votes fall into
    heldout: Path  # LABELLED rows of the texts that are drawn for the test: nobody learns from them


def read_truth(scenario: Scenario, fetched: Path) -> Truth:
    """By the code and the params of the stages themselves; `fetched` is what stage fetch wrote."""
    tree = yaml.safe_load((scenario.checkout / "params.yaml").read_text("utf-8"))
    params = parse_section("aggregate", tree["aggregate"], AggregateParams)
    (source,) = [one for one in params.sources if one.name == scenario.withheld]
    folders = {"fetch": fetched, "raw": scenario.checkout / "data/raw"}
    examples = read_source(source, folders, params).examples
    cleaned = clean(examples, load_params("clean", CleanParams)).examples
    rules = load_params("label", LabelParams)
    labelled = label(cleaned, rules).examples
    flat, row = flatten(labelled["votes"].combine_chunks())
    votes: list[list[str]] = [[] for _ in range(len(labelled))]
    for place, index in zip(row.tolist(), vote_classes(flat, rules).tolist(), strict=True):
        votes[place].append(rules.classes[index])
    heldout = scenario.folder / "heldout.parquet"
    write_table(heldout, _held_out(labelled), LABELLED)
    return Truth(labelled["text"].to_pylist(), votes, heldout)


def _held_out(labelled: pa.Table) -> pa.Table:
    params = load_params("split", SplitParams)
    is_test = [draw(match_key(text), params) == "test" for text in labelled["text"].to_pylist()]
    return labelled.filter(pc.and_(pa.array(is_test), pc.is_valid(labelled["label"])))
