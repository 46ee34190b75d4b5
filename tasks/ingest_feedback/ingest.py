"""One ingest: what no partition covers is read, cut, judged as a whole, and published."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.coverage import leave_out
from tasks.feedback import ACCEPTED, QUARANTINED, Partition, list_partitions
from tasks.ingest_feedback.judge import judge
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.ingest_feedback.portion import count_raters
from tasks.ingest_feedback.question import Question, ask
from tasks.ingest_feedback.read import SEQ, read
from tasks.live_store import has_table, open_store
from tasks.partitions.place import all_partitions, locked
from tasks.partitions.publish import settle, staged
from tasks.partitions.write import Rows, place, write_partition
from tasks.ranges import Range, clip, of_numbers


def ingest(target: Path, params: IngestFeedbackParams) -> list[Partition]:
    """Returns what is new in TARGET/accepted or TARGET/quarantined, each event there once.

    NoStore where the service never ran; TemporaryError while the store is away, or somebody else
    ingests. Killed at any moment it leaves all of its partitions or none, and the next goes on.
    """
    with open_store() as store, locked(target, params.wait_seconds):
        settle(target)
        if not has_table(store, "feedback"):
            return []
        question = ask(store, all_partitions(target), params.settle_seconds)
        if not question.ranges:
            return []
        return _take(store, question, target, params)


def _take(
    store: Any, question: Question, target: Path, params: IngestFeedbackParams
) -> list[Partition]:
    raters, coming = Counter[str](), list[Future[Partition]]()
    with staged(target) as staging, ThreadPoolExecutor(1) as pool:
        for table, seqs in _cut(store, question, params.max_partition_rows):
            if coming:
                coming[-1].result()  # it keeps pace with reading; no second table waits in memory
            coming.append(pool.submit(_write, staging, table, seqs))
            raters.update(count_raters(table))
        made = [one.result() for one in coming]
        history = list_partitions(target / ACCEPTED)
        held_because = judge([one.manifest for one in made], raters, history, params.hold)
        goal = QUARANTINED if held_because else ACCEPTED
        placed = [place(one, staging / goal, held_because) for one in made]
    return [one._replace(file=target / goal / one.file.name) for one in placed]


def _cut(store: Any, question: Question, max_rows: int) -> Iterator[tuple[pa.Table, list[Range]]]:
    """Tables of `max_rows`, the last one of what is left, and the rows that each answers for.

    Where it is certain that nothing more will come, that includes numbers which are no row.
    """
    waiting, start = None, 1
    for rows in read(store, question.ranges, max_rows):
        table = leave_out(rows, question.known_ids)
        waiting = pa.concat_tables([waiting, table]) if waiting else table
        while len(waiting) > max_rows:
            head, waiting = waiting.slice(0, max_rows), waiting.slice(max_rows)
            end = head[SEQ][-1].as_py()
            yield head, _answered(head, question, start, end)
            start = end + 1
    if waiting:
        yield waiting, _answered(waiting, question, start, question.ranges[-1][1])


def _answered(table: pa.Table, question: Question, start: int, end: int) -> list[Range]:
    if question.is_settled:
        return clip(question.ranges, start, end)
    return of_numbers(table[SEQ].to_numpy())


def _write(staging: Path, table: pa.Table, seqs: Sequence[Range]) -> Partition:
    anchor = table[SEQ][-1].as_py(), table["event_id"][-1].as_py()
    return write_partition(staging, table.drop_columns(SEQ), Rows(seqs, anchor))
