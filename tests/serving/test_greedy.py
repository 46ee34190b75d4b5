"""Small requests that cost much: in memory while they are read, and in time of the only loop."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, Served

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, bundles: Bundles) -> Iterator[Served]:
    place = LivePlace(tmp_path_factory.mktemp("live"))
    place.point(place.release("v1.0.0", bundles.first))
    with place.serve() as served:
        yield served


def test_a_million_mistakes_cost_no_more_than_one(served: Served) -> None:
    """The most memory it ever had shows what the end of a request hides."""
    (worker,) = psutil.Process(served.process.pid).children()
    bodies = [b'{"texts": [' + b"1," * 500_000 + b"1]}"]
    bodies.append(b"{" + b",".join(b'"k%d": 1' % number for number in range(80_000)) + b"}")
    served.predict("warm")
    before = most_memory_of(worker)
    for body in bodies:
        headers = {"content-type": "application/json"}
        answer = httpx.post(f"{served.url}/v1/predict", content=body, headers=headers)
        assert answer.status_code == 422
        assert len(answer.content) < 10_000
    assert most_memory_of(worker) - before < 64 * MEGABYTE


def most_memory_of(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def test_texts_made_of_marks_keep_nobody_waiting(served: Served) -> None:
    """Putting n combining marks in their order takes n * n steps, and nothing else runs then."""
    text = "e" + "\u0316\u0301" * 9_999
    (worker,) = psutil.Process(served.process.pid).children()
    before = sum(worker.cpu_times()[:2])
    assert served.predict(*[text] * 20).status_code == 200
    assert sum(worker.cpu_times()[:2]) - before < 3
