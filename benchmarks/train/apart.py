"""A function in a process of its own, so that no contestant leaves anything to the next."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")
IMPORTED_ONCE = ["benchmarks.train.contest"]  # by the server that the processes are forked from


def run_apart(function: Callable[..., Answer], *arguments: object) -> Answer:
    """What `function` answers in a fresh process.

    Threads, deterministic algorithms, the allocator's state and a GPU's memory end with it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED_ONCE)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()
