"""Command line of stage label_export."""

import logging
from collections import Counter
from pathlib import Path

from tasks import stage
from tasks.artifacts import whole_folder, write_json
from tasks.label_export.params import LabelExportParams
from tasks.label_export.queue import choose_diverse, find_candidates
from tasks.label_export.studio import LOW_AGREEMENT, UNLABELLED, Task, build_interface, build_tasks
from tasks.label_set import read_label_set
from tasks.params import load_params
from tasks.records import LABELLED, read_table

log = logging.getLogger(__name__)


def measure(tasks: list[Task], num_rows: int, num_candidates: int) -> dict[str, object]:
    reasons = Counter(task["data"]["reason"] for task in tasks)
    return {
        "rows_in": num_rows,
        "rows_out": len(tasks),
        "rejected": 0,
        "candidates": num_candidates,
        "unlabelled": reasons[UNLABELLED],
        "low_agreement": reasons[LOW_AGREEMENT],
        "tasks_per_source": dict(Counter(str(task["data"]["source"]) for task in tasks)),
    }


def main(examples: Path, label_set: Path, target: Path) -> None:
    """Queue the examples people should label next."""
    params = load_params("label_export", LabelExportParams)
    table = read_table(examples, LABELLED)
    interface = build_interface(read_label_set(label_set))
    candidates = find_candidates(table, params)
    queue = candidates.rows[choose_diverse(candidates, params)]
    tasks = build_tasks(table, queue.tolist())
    metrics = measure(tasks, table.num_rows, len(candidates.rows))
    with whole_folder(target) as folder:
        write_json(folder / "tasks.json", tasks)
        (folder / "interface.xml").write_bytes(interface)
        write_json(folder / "metrics.json", {"label_export": metrics})
    log.info(
        "%s tasks of %s rows: %s unlabelled, %s with low agreement",
        f"{len(tasks):,}",
        f"{table.num_rows:,}",
        f"{metrics['unlabelled']:,}",
        f"{metrics['low_agreement']:,}",
    )


if __name__ == "__main__":
    stage.run("label_export", main)
