"""What loading a release takes for a while goes back to the system."""

import ctypes
from typing import Any

import psutil
import pytest

from serving import fleet as fleet_module
from serving.fleet import Fleet
from serving.model import Model, load_model
from serving.params import ServingParams
from tasks.params import load_params
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace

MIB = 2**20
BLOCK, NUM_BLOCKS = 2**16, 3200  # 200 MiB, in pieces that the allocator keeps


def test_memory_that_loading_took_is_not_kept(
    live_place: LivePlace, bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    process = psutil.Process()
    held: list[int] = []

    def load_with_much_memory(*arguments: Any) -> Model:
        blocks = [libc.malloc(BLOCK) for _ in range(NUM_BLOCKS)]
        for block in blocks:
            ctypes.memset(block, 1, BLOCK)
        held.append(process.memory_info().rss)
        lasting = libc.malloc(BLOCK)  # above them, so that they do not go back by themselves
        for block in blocks:
            libc.free(block)
        model = load_model(*arguments)
        held.append(lasting)
        return model

    monkeypatch.setattr(fleet_module, "load_model", load_with_much_memory)
    live_place.point(live_place.release("v1.0.0", bundles.first))
    params = load_params("serving", ServingParams, live_place.folder / "params.yaml")
    fleet = Fleet(live_place.place, params.model)
    assert fleet.refresh() is None
    peak, lasting = held
    assert process.memory_info().rss < peak - 100 * MIB
    libc.free(lasting)
