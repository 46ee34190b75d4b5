"""Shards to one safetensors file: `python -m tasks.train.consolidate FOLDER` does it by hand."""

import argparse
import logging
import sys
from pathlib import Path

import safetensors.torch
import torch

from tasks.artifacts import whole_file
from tasks.errors import FlywheelError, InputError
from tasks.train.checkpoint import BEST, LAST, find_damage, find_newest
from tasks.train.model import WEIGHTS
from tasks.train.sharded import read_weights

_IN_MODULE = "model."  # the network within the Lightning module


def consolidate(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The network's weights in fp32 by name, the same however many processes wrote them."""
    weights = read_weights(checkpoint)
    return {name.removeprefix(_IN_MODULE): value.float() for name, value in weights.items()}


def main(folder: Path) -> Path:
    """Write the weights beside the checkpoint; `folder` is a checkpoint, or holds some."""
    checkpoint = find_newest(folder, BEST) or find_newest(folder, LAST) or folder
    if damage := find_damage(checkpoint):
        raise InputError(
            f"{checkpoint}: no whole checkpoint: {damage}. Name a folder best-… or last-…, or "
            "the folder they lie in (models/.train.unfinished/… while a training goes on)."
        )
    target = checkpoint.parent / WEIGHTS
    with whole_file(target) as stream:
        stream.write(safetensors.torch.save(consolidate(checkpoint)))
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tasks.train.consolidate", description=__doc__)
    parser.add_argument("folder", type=Path, help="a checkpoint, or a folder of checkpoints")
    logging.basicConfig(level=logging.INFO, format="consolidate: %(message)s", stream=sys.stdout)
    try:
        logging.info("wrote %s", main(parser.parse_args().folder))
    except FlywheelError as problem:
        sys.exit(f"consolidate failed: {problem}")
