"""The queue: who is scored with whom, by what, and what becomes of a scoring that fails."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.batcher import Batcher
from serving.jobs import OverloadedError, Question
from serving.model import Model
from serving.params import BatchParams
from tasks.bundle import load_bundle, load_score
from tasks.predictor import Predictor, Score
from tasks.releases import Target
from tasks.tokens import Ids
from tests.serving.conftest import Bundles

PARAMS = BatchParams(max_texts=4, max_tokens=60, max_padding_share=0.25, max_waiting_texts=10)
TEXTS = ["the film was good", "x", "not awful! " * 9, "", "food is bad", "it", "very " * 30]


class Scorer:
    """The real network behind a door that the test opens, and a record of what came through."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self.open = threading.Event()
        self.batches: list[tuple[int, int]] = []  # rows and columns

    def __call__(self, ids: Ids, mask: Ids) -> Any:
        self.batches.append((int(ids.shape[0]), int(ids.shape[1])))
        assert self.open.wait(20)
        return self._score(ids, mask)


class Held:
    """A model whose two doors start shut."""

    def __init__(self, bundle: Path) -> None:
        self.predictor: Predictor = load_bundle(bundle, "fp32")
        self.narrow = Scorer(load_score(bundle, "fp32", 1))
        self.wide = Scorer(load_score(bundle, "fp32", 2))
        self.model = Model(
            Target(version="v1.0.0", manifest_sha256="0" * 64), "fp32",
            self.predictor.label_set, self.predictor.tokenizer, self.narrow, self.wide,
        )  # fmt: skip

    def open(self) -> None:
        self.narrow.open.set()
        self.wide.open.set()


@pytest.fixture
def held(bundles: Bundles) -> Held:
    return Held(bundles.first)


def run(work: Callable[[Batcher], Coroutine[Any, Any, None]], workers: int = 1) -> None:
    async def inside() -> None:
        batcher = Batcher(PARAMS, workers)
        try:
            await work(batcher)
        finally:
            await asyncio.to_thread(batcher.close)

    asyncio.run(inside())


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.005)


def test_a_lone_text_gets_all_threads_and_the_same_answer(held: Held) -> None:
    held.open()

    async def work(batcher: Batcher) -> None:
        for text in TEXTS:
            found = await batcher.score(Question(held.model, [text]))
            assert np.abs(found - held.predictor.probs([text])).max() < 1e-6

    run(work)
    assert len(held.wide.batches) == len(TEXTS)
    assert held.narrow.batches == []


def test_what_waits_is_scored_together_those_of_like_length_and_within_bounds(held: Held) -> None:
    async def work(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.score(Question(held.model, ["good"])))
        await until(lambda: held.wide.batches)
        texts = ["the " * 13, "bad", "the " * 12, "it", "food", "is", "a"]
        jobs = [asyncio.create_task(batcher.score(Question(held.model, [text]))) for text in texts]
        await until(lambda: batcher.num_waiting == len(texts))
        held.open()
        found = await asyncio.gather(*jobs)
        expected = held.predictor.probs(texts)
        assert np.abs(np.concatenate(found) - expected).max() < 1e-5
        await first

    run(work)
    # the oldest with its like, then four of the short ones, then the last with all threads
    assert held.narrow.batches == [(2, 15), (4, 3)]
    assert held.wide.batches == [(1, 3), (1, 3)]
    assert all(rows <= 4 and rows * columns <= 60 for rows, columns in held.narrow.batches)


def test_a_full_queue_refuses_at_once_but_takes_any_request_when_empty(held: Held) -> None:
    async def work(batcher: Batcher) -> None:
        many = asyncio.create_task(batcher.score(Question(held.model, ["good"] * 30)))
        await until(lambda: batcher.num_waiting == 26)  # 4 are being scored
        with pytest.raises(OverloadedError):
            await batcher.score(Question(held.model, ["one more"]))
        held.open()
        assert (await many).shape == (30, 4)
        assert batcher.num_waiting == 0
        assert (await batcher.score(Question(held.model, ["one more"]))).shape == (1, 4)

    run(work)


def test_two_workers_share_a_request(held: Held) -> None:
    async def work(batcher: Batcher) -> None:
        job = asyncio.create_task(
            batcher.score(Question(held.model, ["a", "b", "c", "d", "e", "f"]))
        )
        await until(lambda: len(held.narrow.batches) == 2)
        held.open()
        await job

    run(work, workers=2)
    assert max(rows for rows, _ in held.narrow.batches) <= 4


def test_models_are_never_mixed_in_a_batch(held: Held, bundles: Bundles) -> None:
    other = Held(bundles.first)
    other.open()

    async def work(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.score(Question(held.model, ["good"])))
        await until(lambda: held.wide.batches)
        jobs = [
            batcher.score(Question(each.model, [text])) for text in "abcd" for each in (held, other)
        ]
        tasks = [asyncio.create_task(job) for job in jobs]
        await until(lambda: batcher.num_waiting == len(tasks))
        held.open()
        await asyncio.gather(first, *tasks)

    run(work)
    assert sum(rows for rows, _ in held.narrow.batches + held.wide.batches) == 5
    assert sum(rows for rows, _ in other.narrow.batches + other.wide.batches) == 4


@pytest.mark.parametrize("answer", [np.nan, None], ids=["no number", "an error"])
def test_a_failing_model_fails_its_request_alone(held: Held, answer: float | None) -> None:
    def fail(ids: Ids, mask: Ids) -> Any:
        if answer is None:
            raise RuntimeError("broken")
        return np.full((len(ids), 4), answer)

    broken = held.model._replace(narrow=fail, wide=fail)
    held.open()

    async def work(batcher: Batcher) -> None:
        with pytest.raises((RuntimeError, ArithmeticError)):
            await batcher.score(Question(broken, ["a"] * 9))
        assert batcher.num_waiting == 0
        assert (await batcher.score(Question(held.model, ["a"]))).shape == (1, 4)

    run(work, workers=2)


def test_a_client_that_has_gone_harms_nobody(held: Held) -> None:
    async def work(batcher: Batcher) -> None:
        gone = asyncio.create_task(batcher.score(Question(held.model, ["a"])))
        await until(lambda: held.wide.batches)
        gone.cancel()
        held.open()
        assert (await batcher.score(Question(held.model, ["b"]))).shape == (1, 4)

    run(work)
