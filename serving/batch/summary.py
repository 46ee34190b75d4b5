"""The target's manifest: which parts there are, and what the answers in them add up to."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from serving.batch.job import Job
from tasks.artifacts import sha256_of


def summarise(parts: list[Path], job: Job) -> dict[str, Any]:
    """Read from the parts alone, so that it is the same however often the scoring was resumed."""
    labels: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    files = []
    for part in parts:
        table = pq.read_table(part, columns=["predicted", "problem"])
        labels.update(filter(None, table["predicted"].to_pylist()))
        problems.update(
            problem.split(":")[0] for problem in table["problem"].to_pylist() if problem
        )
        files.append({"file": part.name, "rows": table.num_rows, "sha256": sha256_of(part)})
    return {
        "job": job.model_dump(),
        "rows": sum(file["rows"] for file in files),
        "scored": labels.total(),
        "not_scored": dict(problems),
        "labels": dict(labels),
        "parts": files,
    }
