"""One process of a training whose memory is measured: `python -m benchmarks.plan_memory WARM WORK`.

Both are work folders of the train stage. The first training, with one layer of the second's shape,
makes what a process makes once: libraries, threads, compiled kernels. What the second one adds to
that is measured: the growth of this process's resident memory to its peak, within its steps.
"""

import gc
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from tasks.train.job import read_job
from tasks.train.processes import find_seat, meet, part, tell_all
from tasks.train.session import train

_FIRST_STEP = 1  # the one before has no gradients and moments of an earlier one
_BYTES_PER_KIB = 1024


def resident_bytes(which: str) -> int:
    """VmRSS: now; VmHWM: at the most since the mark was reset."""
    status = Path("/proc/self/status").read_text()
    (kib,) = re.findall(rf"^{which}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kib) * _BYTES_PER_KIB


class Gauge(pl.Callback):
    """The highest mark of the steps, without that of loading, validating and saving."""

    def __init__(self) -> None:
        self.before = resident_bytes("VmRSS")
        self.peak = 0

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, index: int) -> None:
        if index == _FIRST_STEP:
            Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM, see proc(5)

    def on_train_batch_end(self, *_: Any) -> None:
        self.peak = resident_bytes("VmHWM") - self.before


def main(warm: Path, work: Path) -> None:
    job = read_job(work)
    if job.params.scale.num_processes > 1:
        meet(job.params.launch.join_seconds, job.params.launch.silent_seconds)
    train(read_job(warm), warm)
    gc.collect()
    gauge = Gauge()
    train(job, work, [gauge])
    peaks = tell_all(gauge.peak)
    part()
    if find_seat().rank == 0:
        print(json.dumps({"peak_bytes": max(peaks)}), flush=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
