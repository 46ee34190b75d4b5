"""One source's rows: joined with their partners, gathered by id, each id once."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from tasks.aggregate.fields import Example
from tasks.aggregate.params import Join
from tasks.aggregate.rows import Reject, Row, reject

_ID_BYTES = 16  # two of a billion examples share an id with a chance of 1e-21


def join_rows(
    rows: Iterable[Row | Reject], partners: Iterable[Row | Reject], id_column: str, join: Join
) -> Iterator[Row | Reject]:
    """Add to each row the cells of the partner with its id; whoever has no partner is rejected.

    The partners are held in memory, the rows stream.
    """
    by_id: dict[object, Row] = {}
    for partner in partners:
        problem = partner if isinstance(partner, Reject) else _index(partner, join, by_id)
        if problem:
            yield problem
    used = set()
    for row in rows:
        if isinstance(row, Reject):
            yield row
            continue
        source_id = row.cells[id_column]
        found = by_id.get(source_id) if isinstance(source_id, str) else None
        if found is None:
            reason = f"id {source_id!r} is not in the joined files {join.files}"
            yield reject(row.origin, "unmatched", reason, row.cells)
            continue
        used.add(source_id)
        yield Row(row.origin, row.cells | {name: found.cells[name] for name in join.adds})
    for source_id, partner in by_id.items():
        if source_id not in used:
            reason = f"id {source_id!r} of the joined files is not in the source's files"
            yield reject(partner.origin, "unmatched", reason, partner.cells)


def _index(partner: Row, join: Join, by_id: dict[object, Row]) -> Reject | None:
    source_id = partner.cells[join.id]
    if not isinstance(source_id, str) or not source_id:
        return reject(partner.origin, "id", f"'{join.id}' holds no id", partner.cells)
    first = by_id.setdefault(source_id, partner)
    if first is partner:
        return None
    reason = f"id {source_id!r} stands already at {first.origin}"
    return reject(partner.origin, "duplicate_id", reason, partner.cells)


def name_by_text(examples: Iterable[Example | Reject], once: bool) -> Iterator[Example | Reject]:
    """Give ids to examples without: the text's hash and which occurrence of the text this is.

    Rows appended later never change an earlier id. With `once`, equal texts share one id.
    """
    occurrences: Counter[str] = Counter()
    for example in examples:
        if isinstance(example, Reject) or example.source_id is not None:
            yield example
            continue
        digest = hashlib.blake2b(example.text.encode(), digest_size=_ID_BYTES).hexdigest()
        occurrences[digest] += 1
        occurrence = 1 if once else occurrences[digest]
        yield example._replace(source_id=f"text:{digest}:{occurrence}")


def reject_duplicates(examples: Iterable[Example | Reject]) -> Iterator[Example | Reject]:
    """Keep the first example of each id."""
    origins: dict[str | None, str] = {}
    for example in examples:
        if isinstance(example, Reject):
            yield example
            continue
        first = origins.setdefault(example.source_id, example.origin)
        if first is example.origin:
            yield example
        else:
            reason = f"id {example.source_id!r} stands already at {first}"
            yield reject(example.origin, "duplicate_id", reason, example.text)


def gather_votes(examples: Iterable[Example | Reject]) -> Iterator[Example | Reject]:
    """Rows of one id are one example with all their votes, in the place of the first row."""
    gathered: dict[str | None, Example] = {}
    seen: dict[tuple[str | None, str], str] = {}  # where a rater judged an id
    for example in examples:
        if isinstance(example, Reject):
            yield example
            continue
        first = gathered.setdefault(example.source_id, example)
        name = f"id {example.source_id!r}"
        if first.text != example.text:
            reason = f"{name} has another text at {first.origin}"
            yield reject(example.origin, "conflict", reason, example.text)
            continue
        raters = example.raters or []
        known = [r for r in raters if r is not None and (example.source_id, r) in seen]
        if known:
            place = seen[example.source_id, known[0]]
            reason = f"rater {known[0]!r} judged {name} already at {place}"
            yield reject(example.origin, "duplicate_vote", reason, example.text)
            continue
        seen.update({(example.source_id, r): example.origin for r in raters if r is not None})
        if first is not example:
            first.votes.extend(example.votes)
            if first.raters is not None:  # an empty list, too: the first row may have no vote yet
                first.raters.extend(raters)
    yield from gathered.values()


def example_id(source: str, source_id: str) -> str:
    """Stable content hash of source and id: 32 hexadecimal digits."""
    name = f"{source}\0{source_id}".encode()  # no name holds a NUL, so no two pairs are one text
    return hashlib.blake2b(name, digest_size=_ID_BYTES).hexdigest()
