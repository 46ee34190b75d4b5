"""`make bench-train`: the same work by ours and by others, on a GPU where there is one."""

import tempfile
from pathlib import Path

import torch

from benchmarks.machine import describe_machine
from benchmarks.train.apart import run_apart
from benchmarks.train.contest import COMPILED, CONTESTANTS, VARIANTS, Contestant, flops_of, race
from benchmarks.train.encoders import write_encoder
from benchmarks.train.peak import measure_peak
from benchmarks.train.report import Load, print_report
from benchmarks.train.work import Work, prepare

NUM_ROUNDS = 3
CPU_EXAMPLES, CPU_TARGET = 576, 4.0
GPU_EXAMPLES, GPU_BATCH_SIZE, GPU_TARGET = 16_384, 256, 1.2
LARGE = {"width": 1024, "num_layers": 26}  # 359 million parameters


def main() -> None:
    if torch.cuda.is_available():
        measure_on_gpu()
    else:
        work = prepare(CPU_EXAMPLES, num_epochs=1)
        compare("CPU, 22M encoder", work, [*CONTESTANTS, *VARIANTS], CPU_TARGET)
        print(
            "NO GPU HERE: NOT MEASURED are the 22M and the 359M encoder on a GPU, their MFU with "
            "and without torch.compile, and the target of 1.2 x Trainer."
        )
    print(describe_machine("accelerate"))


def measure_on_gpu() -> None:
    contestants = [*CONTESTANTS, COMPILED]
    work = prepare(GPU_EXAMPLES, num_epochs=2, batch_size=GPU_BATCH_SIZE)
    compare("GPU, 22M encoder", work, contestants, GPU_TARGET)
    with tempfile.TemporaryDirectory() as folder:
        large = work._replace(encoder=write_encoder(Path(folder) / "encoder", **LARGE))
        compare("GPU, 359M encoder of random weights", large, contestants, GPU_TARGET)


def compare(title: str, work: Work, contestants: list[Contestant], target: float) -> None:
    lengths = [len(row) for row in work.examples.rows]
    precisions = {True: torch.bfloat16, False: torch.float32}
    peaks = {key: run_apart(measure_peak, one) for key, one in precisions.items()}
    load = Load(len(lengths), sum(lengths), run_apart(flops_of, work), peaks)
    results = race(work, contestants, NUM_ROUNDS)
    size = work.params.learning.batch_size
    whole = f"{title}: {len(lengths)} examples in batches of {size}, {NUM_ROUNDS} rounds"
    print_report(whole, load, results, target)


if __name__ == "__main__":
    main()
