"""A worker on another machine runs the nightly deployment; the first clone restores the result.

The second machine is a network namespace: it reaches the first over a wire that can be cut, and has
a clone and a DVC cache of its own.
"""

import time
from collections.abc import Iterator
from uuid import UUID

import pytest
import yaml

from tests.flows.cluster import DEPLOYMENT, Cluster, make_cluster
from tests.flows.services.place import wait_for
from tests.project import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
CUT_SECONDS = 6.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with make_cluster(tmp_path_factory.mktemp("machines")) as made:
        yield made


def restore(cluster: Cluster, name: str) -> str:
    return run(cluster.first.folder, ["python", "-m", "flows.restore", name]).stdout


def assert_restored(cluster: Cluster, name: str, word: str) -> None:
    """Every output has the bytes this graph makes of these params, and DVC finds no more to do."""
    text = restore(cluster, name)
    folder = cluster.first.folder
    params = (folder / "params.yaml").read_text()
    assert yaml.safe_load(params)["shout"] == {"word": word}
    expected = {"source": "begin\n", "left": f"begin\n{params}", "right": "begin\n"}
    expected["join"] = expected["left"] + expected["right"]
    for stage, content in expected.items():
        assert (folder / f"data/{stage}/out.txt").read_text() == content
        assert f"{stage}: ok md5" in text
    assert "up to date" in run(folder, ["dvc", "repro"]).stdout


def test_a_run_elsewhere_is_restored_here_and_the_next_has_nothing_to_do(cluster: Cluster) -> None:
    folder, second = cluster.first.folder, cluster.second
    done = cluster.turn()
    assert done.state_name == "Completed", done.state_message + cluster.explain()
    assert set(cluster.first.stages(done.id).values()) == {"Completed"}
    told = cluster.config.read_text()
    assert str(folder.parent) not in told  # nor could it: it sees an empty folder there
    second.run(["test", "!", "-e", str(folder)])
    assert str(second.folder) in told.splitlines()[-1]
    assert set(cluster.remote.senders) == {second.own_address}
    assert not (folder / "data").exists()
    assert not (folder / ".dvc/cache").exists()
    assert_restored(cluster, done.name, "hello")

    num_sent = len(cluster.remote.senders)
    again = cluster.turn()
    assert again.state_name == "Completed", again.state_message + cluster.explain()
    assert set(cluster.first.stages(again.id)) <= {"ingest"}
    assert "skip: nothing to do" in again.state_message
    assert len(cluster.remote.senders) == num_sent


def test_a_run_outlives_a_short_cut_of_the_network(cluster: Cluster) -> None:
    """The stage ends, and the result is to be pushed, while nothing can be reached."""
    run_id = start_and_cut(cluster, "short")
    cluster.gate.unlink()
    time.sleep(CUT_SECONDS)
    cluster.second.mend()
    done = cluster.wait(run_id)
    assert done.state_name == "Completed", done.state_message + cluster.explain()
    assert "not pushed" not in done.state_message
    assert_no_orphan(cluster)
    assert_restored(cluster, done.name, "short")


def test_a_run_behind_a_long_cut_is_crashed_until_its_result_arrives(cluster: Cluster) -> None:
    """The server cannot know better; on the other machine the stage goes on all the same."""
    run_id = start_and_cut(cluster, "long")
    seen = cluster.wait(run_id)
    assert (seen.state_name, "no sign of life" in seen.state_message) == ("Crashed", True)
    assert cluster.second.processes("gate.reached")
    cluster.second.mend()
    cluster.gate.unlink()
    done = cluster.wait(run_id, "Completed")
    assert_no_orphan(cluster)
    assert_restored(cluster, done.name, "long")
    assert cluster.turn().state_name == "Completed"  # the worker has lived through it, too


def start_and_cut(cluster: Cluster, word: str) -> UUID:
    """A run is in the middle of a stage when the network is gone."""
    reached = cluster.gate.with_suffix(".reached")
    reached.unlink(missing_ok=True)
    cluster.gate.touch()
    run_id = cluster.first.start(DEPLOYMENT, overrides=[f"shout.word={word}"])
    wait_for(reached.exists, explain=cluster.explain)
    cluster.second.cut()
    return run_id


def assert_no_orphan(cluster: Cluster) -> None:
    def rest() -> bool:
        return all(
            not cluster.second.processes(word) for word in ("prefect.engine", "dvc", "sleep")
        )

    wait_for(rest, 60, lambda: str(cluster.second.processes("")))
