"""`make bench-parallel`: what DDP and FSDP cost on these cores, what FSDP fits on a GPU."""

import tempfile
from pathlib import Path

import torch

from benchmarks.machine import describe_machine
from benchmarks.parallel.launch import Layout, measure
from benchmarks.parallel.report import MIB, SILENT, SINGLE, Result, print_report
from benchmarks.train.contest import FULL, shape_of
from benchmarks.train.encoders import write_encoder
from benchmarks.train.work import Work, prepare

NUM_ROUNDS, NUM_EXAMPLES = 3, 640
LAYOUTS = [
    Layout(SINGLE, "single", 1, FULL),
    Layout(SILENT, "single", 2, FULL),
    Layout("ddp x 2", "ddp", 2, FULL),
    Layout("fsdp x 2", "fsdp", 2, FULL),
]
# 668 million parameters: weights, gradients and two moments in fp32 are 10 GiB, for 8 GiB allowed
TOO_LARGE = {"width": 1280, "num_layers": 32}
ALLOWED_BYTES, NUM_SHOWN = 8 * 1024 * MIB, 64


def main() -> None:
    work = prepare(NUM_EXAMPLES, num_epochs=2)
    results = [Result(layout, []) for layout in LAYOUTS]
    for number in range(NUM_ROUNDS):
        for layout, runs in results:
            measured = measure(work, layout)
            assert measured is not None
            runs.append(measured)
            print(f"round {number + 1}: {layout.name}: {measured.seconds:.2f} s", flush=True)
    title = f"everything trained, {NUM_EXAMPLES} examples, {NUM_ROUNDS} rounds, on the CPU"
    print_report(title, NUM_EXAMPLES, shape_of(work), results)
    if torch.cuda.is_available():
        show_what_fits(prepare(NUM_SHOWN, num_epochs=1))
    else:
        print(
            "NO GPU HERE: NOT MEASURED is which of single, fsdp and fsdp with cpu_offload trains a "
            "model larger than the GPU; docs/training-cost.md has the numbers on paper."
        )
    print(describe_machine())


def show_what_fits(work: Work) -> None:
    """A model whose state is larger than what a process may take of the GPU, one process each."""
    share = ALLOWED_BYTES / torch.cuda.get_device_properties(0).total_memory
    with tempfile.TemporaryDirectory() as folder:
        large = work._replace(encoder=write_encoder(Path(folder) / "encoder", **TOO_LARGE))
        for name, strategy, offload in (
            ("single", "single", False), ("fsdp x 1", "fsdp", False), ("offload", "fsdp", True),
        ):  # fmt: skip
            layout = Layout(name, strategy, 1, {**FULL, "cpu_offload": offload}, share)
            measured = measure(large, layout)
            fits = f"fits, peak {measured.gpu_peak_bytes / MIB:.0f} MiB" if measured else "does not"
            print(f"668M parameters, {ALLOWED_BYTES / MIB:.0f} MiB of GPU allowed: {name}: {fits}")


if __name__ == "__main__":
    main()
