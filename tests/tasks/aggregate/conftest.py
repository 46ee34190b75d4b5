"""A small place with its own inputs, params and outputs, and the stage run in it."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tasks.aggregate.__main__ import main
from tasks.aggregate.params import AggregateParams
from tasks.errors import FlywheelError
from tasks.params import load_params
from tasks.records import AGGREGATED, REJECTED, read_table

ROOT = Path(__file__).parents[3]
HEADER = "id,text,label\n"
GOOD = HEADER + "".join(f"{number},text {number},x\n" for number in range(20))
COLUMNS = {"source_id": "id", "text": "text", "label": "label"}
NO_COLUMNS = dict.fromkeys(["source_id", "text", "votes", "label", "rater", "created_at"])


class Place:
    """The stage's folder; `set` writes params, `run` runs the stage, the rest reads results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("fetch", "raw", "feedback"):
            (folder / name).mkdir()
        shipped = yaml.safe_load((ROOT / "params.yaml").read_text())
        self.params = shipped["aggregate"] | {"sources": []}

    def put(self, name: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        (self.folder / "raw" / name).write_bytes(data)

    def source(self, file: str, map: dict[str, str], **changes: object) -> None:
        """Add a source; what is left out is a CSV with a header."""
        delimited = {"format": "csv", "encoding": "utf-8", "quoting": True, "columns": None}
        structured = {
            "jsonl": {"quoting": None},
            "parquet": {"quoting": None, "encoding": None},
        }.get(str(changes.get("format")), {})
        number = len(self.params["sources"])
        self.params["sources"].append(
            {"name": f"s{number}", "files": [f"raw/{file}"], "votes": None, "join": None}
            | delimited
            | structured
            | {"map": NO_COLUMNS | map}
            | changes
        )

    def set(self, **changes: object) -> None:
        self.params |= changes

    def load(self) -> AggregateParams:
        file = self.folder / "params.yaml"
        file.write_text(yaml.safe_dump({"aggregate": self.params}))
        return load_params("aggregate", AggregateParams, file)

    def run(self) -> list[dict[str, object]]:
        self.load()
        main(*(self.folder / name for name in ("fetch", "raw", "feedback", "out")))
        return read_table(self.folder / "out/examples", AGGREGATED).to_pylist()

    def rejects(self, folder: str = "out") -> list[dict[str, str]]:
        return read_table(self.folder / folder / "rejected.parquet", REJECTED).to_pylist()

    def metrics(self) -> dict[str, object]:
        return json.loads((self.folder / "out/metrics.json").read_text())["aggregate"]

    def outputs(self, target: str = "out") -> dict[str, bytes]:
        files = (file for file in (self.folder / target).rglob("*") if file.is_file())
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}

    def parquet(self, name: str, table) -> None:
        pq.write_table(table, self.folder / "raw" / name)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


@pytest.fixture
def turned(place: Place) -> Place:
    """A place whose first run went well."""
    place.put("a.csv", GOOD)
    place.source("a.csv", COLUMNS)
    place.run()
    return place


def fail(place: Place, kind: type[FlywheelError]) -> str:
    """The message of a failing run, after checking that nothing else happened."""
    before = place.outputs()
    with pytest.raises(kind) as raised:
        place.run()
    assert place.outputs() == before
    assert before
    message = str(raised.value)
    assert "\n" not in message
    return message
