"""The target's manifest: which parts there are, and what the answers in them add up to."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from serving.batch.job import MANIFEST, Job
from tasks.artifacts import sha256_of
from tasks.errors import InputError


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


def is_whole(target: Path) -> bool:
    """There is a manifest, and all its parts; InputError for a part that is not as it says."""
    if not (target / MANIFEST).exists():
        return False
    parts = json.loads((target / MANIFEST).read_bytes())["parts"]
    known = {part["file"]: part["sha256"] for part in parts}
    found = {file.name: file for file in target.glob("*.parquet")}
    for name, file in sorted(found.items()):
        if name not in known or sha256_of(file) != known[name]:
            raise InputError(
                f"{file}: not as {MANIFEST} beside it says. Remove it, then run again: a part that "
                "is missing is scored anew."
            )
    return found.keys() == known.keys()
