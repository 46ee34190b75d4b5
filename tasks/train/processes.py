"""The processes of one training: how they meet, tell each other what they know, and part."""

import os
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from tasks.train.batches import Seat

Told = TypeVar("Told")


def device_kind() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def find_seat(num_parts: int = 1) -> Seat:
    """This process's place, as torchrun has told it; alone, the only one."""
    rank, num_processes = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    return Seat(rank, num_processes, num_parts)


def meet(join_seconds: int, silent_seconds: int) -> None:
    """Join the others that torchrun has started; from then on each wait for them is bounded.

    Tensors on GPUs go through NCCL, all else through gloo.
    """
    kind = device_kind()
    if kind == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo"
    joining = timedelta(seconds=join_seconds)
    store, rank, num_processes = next(rendezvous("env://", timeout=joining))
    # a process may load its libraries for longer than it may be silent later
    store.set(f"here/{rank}", "")
    store.wait([f"here/{one}" for one in range(num_processes)], joining)
    dist.init_process_group(
        backend,
        store=store,
        rank=rank,
        world_size=num_processes,
        timeout=timedelta(seconds=silent_seconds),
    )


def part() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def tell_all(own: Told) -> list[Told]:
    """What every process tells, by rank."""
    if not dist.is_initialized():
        return [own]
    everyones: list[Told] = [own] * dist.get_world_size()
    dist.all_gather_object(everyones, own)
    return everyones


def follow_first(own: bool) -> bool:
    """The first process's answer, in every process."""
    if not dist.is_initialized():
        return own
    answer = torch.tensor(own)  # on the CPU, so that no GPU is waited for
    dist.broadcast(answer, src=0)
    return bool(answer)


def total(own: torch.Tensor) -> torch.Tensor:
    """Sum over all processes."""
    if not dist.is_initialized():
        return own
    summed = own.clone()
    dist.all_reduce(summed)
    return summed
