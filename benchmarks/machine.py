"""What a figure was measured on: processor, GPU, versions, and how busy the machine was."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

LIBRARIES = ("torch", "pytorch-lightning", "transformers")


def describe_machine(*more: str) -> str:
    """One line; `more` names further libraries whose version matters."""
    versions = ", ".join(f"{name} {version(name)}" for name in (*LIBRARIES, *more))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    num_cpus = len(os.sched_getaffinity(0))
    return f"{_device()}, {num_cpus} CPUs; {versions}; load of 1, 5, 15 minutes {load}"


def _device() -> str:
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
