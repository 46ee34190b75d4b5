"""The graph as the flow sees it is the graph as DVC resolves it."""

from pathlib import Path
from typing import Any

import pytest

from flows.stage_graph import read_graph, select, stale_stages
from tasks.errors import FlywheelError, InputError
from tests.chain import diamond, make_checkout, write_graph
from tests.project import run


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(make_checkout(tmp_path, diamond()))
    return tmp_path


def names(chosen: list[Any]) -> list[str]:
    return [node.name for node in chosen]


def test_nodes_follow_their_upstream_in_the_files_order(checkout: Path) -> None:
    nodes = {node.name: node for node in read_graph()}
    assert list(nodes) == ["source", "left", "right", "join"]
    assert nodes["source"].desc == "where it begins"
    assert nodes["join"].upstream == ("left", "right")
    assert nodes["join"].inputs == ("data/left/out.txt", "data/right/out.txt")
    assert nodes["left"].outs == ("data/left/out.txt",)


def test_only_what_changed_and_what_follows_is_stale(checkout: Path) -> None:
    assert stale_stages(read_graph()) == ["source", "left", "right", "join"]
    run(checkout, ["dvc", "repro", "-q"])
    assert stale_stages(read_graph()) == []
    params = checkout / "params.yaml"
    params.write_text(params.read_text().replace("hello", "bye"))
    nodes = read_graph()
    assert stale_stages(nodes) == ["left", "join"]
    assert "params.yaml" in "".join(nodes[1].changes)
    assert nodes[3].changes == ()


def test_an_edited_output_is_told_from_a_missing_one(checkout: Path) -> None:
    run(checkout, ["dvc", "repro", "-q"])
    (checkout / "data/left/out.txt").write_text("by hand")
    (checkout / "data/right/out.txt").unlink()
    nodes = {node.name: node for node in read_graph()}
    assert nodes["left"].edited_outs == ("data/left/out.txt",)
    assert nodes["right"].edited_outs == ()
    assert stale_stages(list(nodes.values())) == ["left", "right", "join"]


def test_stages_can_be_chosen(checkout: Path) -> None:
    nodes = read_graph()
    assert names(select(nodes, [], "")) == ["source", "left", "right", "join"]
    assert names(select(nodes, ["join", "left"], "")) == ["left", "join"]
    assert names(select(nodes, [], "right")) == ["right", "join"]
    with pytest.raises(InputError, match=r"'lfet'.*source, left, right, join"):
        select(nodes, ["lfet"], "")
    with pytest.raises(InputError, match="one of the two"):
        select(nodes, ["left"], "left")


def test_hints_come_from_meta_and_a_misspelt_one_is_refused(checkout: Path) -> None:
    stages = diamond()
    stages["left"]["meta"] = {"retries": 2, "resource": "gpu", "timeout_seconds": 60}
    write_graph(checkout, stages)
    assert read_graph()[1].hints.model_dump() == {
        "retries": 2, "retry_delay_seconds": 10, "timeout_seconds": 60, "resource": "gpu",
    }  # fmt: skip
    stages["left"]["meta"] = {"retry": 2}
    write_graph(checkout, stages)
    with pytest.raises(FlywheelError, match=r"dvc.yaml: left.meta.retry is not a known key"):
        read_graph()


def test_a_graph_that_dvc_cannot_read_is_one_clear_line(checkout: Path) -> None:
    (checkout / "dvc.yaml").write_text("stages: {left: {cmd: true, dpes: [x]}}")
    with pytest.raises(InputError, match=r"dvc\.yaml") as caught:
        read_graph()
    assert "\n" not in str(caught.value)


def test_changed_source_files_are_nodes_as_for_dvc_repro(checkout: Path) -> None:
    raw = checkout / "data/raw/rows.csv"
    raw.parent.mkdir(parents=True)
    raw.write_text("1\n")
    run(checkout, ["dvc", "add", "-q", "data/raw/rows.csv"])
    assert "data/raw/rows.csv.dvc" not in names(read_graph())
    raw.write_text("2\n")
    changed = [node for node in read_graph() if node.name.endswith(".dvc")]
    assert names(changed) == ["data/raw/rows.csv.dvc"]
    assert changed[0].changes
    assert changed[0].edited_outs == ()  # the user's own; DVC takes them in as they are


def test_inputs_are_what_stages_write_also_by_folder_and_nothing_added_by_hand(
    checkout: Path,
) -> None:
    raw = checkout / "data/raw/rows.csv"
    raw.parent.mkdir(parents=True)
    raw.write_text("1\n")
    run(checkout, ["dvc", "add", "-q", "data/raw/rows.csv"])
    stages = diamond()
    stages["join"]["deps"] = ["data/left", "data/right/out.txt", "data/raw/rows.csv"]
    write_graph(checkout, stages)
    assert read_graph()[-1].inputs == ("data/left", "data/right/out.txt")
