"""The devices of this machine."""

import os
import platform

import psutil
import torch

from tasks.sizing.layout import Hardware


def find_hardware(num_devices: int, num_nodes: int) -> Hardware:
    """Every GPU of this machine, or one process on its CPUs, unless `num_devices` says otherwise.

    The other nodes are taken to be like this one.
    """
    if torch.cuda.is_available():
        about = torch.cuda.get_device_properties(0)
        count = num_devices or torch.cuda.device_count()
        return Hardware("cuda", about.name, about.total_memory, count, num_nodes)
    name = f"{platform.machine()} CPU, {len(os.sched_getaffinity(0))} cores"
    return Hardware("cpu", name, psutil.virtual_memory().total, num_devices or 1, num_nodes)
