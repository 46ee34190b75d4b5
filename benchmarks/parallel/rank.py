"""One process of a measured training, as `tasks.train.rank` runs it, with a stopwatch."""

import shutil
import sys
from pathlib import Path

import torch

from benchmarks.train.ours import Timer
from benchmarks.train.work import Stopwatch
from tasks.artifacts import write_json
from tasks.records import LABELLED, read_table
from tasks.stage import die_with_parent
from tasks.train.data import count_steps
from tasks.train.job import read_job
from tasks.train.processes import find_seat, meet, part
from tasks.train.session import TOKENIZER, train


def main(work: Path, gpu_share: float) -> None:
    """Train, and leave seconds of the last epoch and bytes held in `work`/measured-RANK.json.

    With strategy single it neither meets nor tells the others anything: it does its share of each
    batch beside them, which is what they would cost if talking cost nothing.
    """
    job, rank = read_job(work), find_seat().rank
    launch = job.params.launch
    own = work
    if job.params.scale.strategy == "single":
        own = work / str(rank)
        shutil.copytree(work / TOKENIZER, own / TOKENIZER)
    else:
        meet(launch.join_seconds, launch.silent_seconds)
    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(gpu_share)
    num_rows = len(read_table(job.train_file, LABELLED))
    one_epoch = job.params.learning.model_copy(update={"max_epochs": 1})
    watch = Stopwatch(count_steps(num_rows, one_epoch))
    trained = train(job, own, [Timer(watch)])
    part()
    held = sum(max(trained.fitted.held, key=lambda parts: sum(parts.values())).values())
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    measured = {"seconds": watch.seconds, "held_bytes": held, "gpu_peak_bytes": peak}
    write_json(work / f"measured-{rank}.json", measured)


if __name__ == "__main__":
    die_with_parent()
    main(Path(sys.argv[1]), float(sys.argv[2]))
