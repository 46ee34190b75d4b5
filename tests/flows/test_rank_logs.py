"""Every rank's log apart: which line goes where, and that no line breaks the page."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.rank_logs import RankLogs
from tests.chain import diamond, make_checkout
from tests.flows.last_run import FLYWHEEL
from tests.project import run


def blocks(text: str) -> list[str]:
    return [token.content for token in MarkdownIt().parse(text) if token.type == "fence"]


def test_each_rank_has_its_own_lines_in_its_own_block() -> None:
    logs = RankLogs("train")
    for line in ("[rank 1] b1", "train: no rank", "[rank 0] a1", "[rank 10] c", "[rank 1] b2"):
        logs.follow(line)
    assert blocks(logs.page()) == ["a1\n", "b1\nb2\n", "c\n"]
    assert [line for line in logs.page().splitlines() if line.startswith("#")] == [
        "### rank 0", "### rank 1", "### rank 10",
    ]  # fmt: skip


def test_no_line_ends_the_block_it_stands_in() -> None:
    logs = RankLogs("train")
    for text in ("~~~~~~~~", "~~~~~~~~~~~~", "```", "# title", "<script>", "\x00"):
        logs.follow(f"[rank 0] {text}")
    assert len(blocks(logs.page())) == 1
    assert "<script>" in blocks(logs.page())[0]


def test_a_long_log_is_kept_by_its_end() -> None:
    logs = RankLogs("train")
    for number in range(500):
        logs.follow(f"[rank 0] {number}")
    assert blocks(logs.page())[0].split()[0] == "300"


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_stage_of_many_processes_leaves_them_in_the_ui(tmp_path: Path) -> None:
    stages = diamond()
    stages["left"]["cmd"] = 'echo "[rank 1] one"; echo "[rank 0] null"; ' + stages["left"]["cmd"]
    run(make_checkout(tmp_path / "checkout", stages), FLYWHEEL)
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(like_="ranks-"))
        )
    assert [artifact.key for artifact in found] == ["ranks-left"]
    assert blocks(str(found[0].data)) == ["null\n", "one\n"]
