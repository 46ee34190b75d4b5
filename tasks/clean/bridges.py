"""Groups of near-duplicates where people correct: what they send never joins groups of files."""

import pyarrow as pa
import pyarrow.compute as pc

from tasks.records import REJECTED

_SHOWN_CHARACTERS = 500


def settle(
    groups: pa.Array, corrected: pa.BooleanArray, of_files: pa.Array
) -> tuple[pa.Array, pa.BooleanArray]:
    """Groups of all rows, and which corrections must go, since they join several groups of files.

    A file's row has the group it has among files alone, and a correction the one of the files that
    it is near, if there are any: whoever sends texts in between two would else make one twin of a
    test example of the other, and so keep it from being learnt.

    Args:
        groups: Of all rows, files and corrections alike.
        corrected: Which rows are corrections.
        of_files: Groups of the other rows, found without any correction.
    """
    is_corrected = corrected.to_pylist()
    own = iter(of_files.to_pylist())
    settled = [None if mine else next(own) for mine in is_corrected]
    near: dict[str, set[str]] = {}
    for group, file_group in zip(groups.to_pylist(), settled, strict=True):
        near.setdefault(group, set()).update([file_group] if file_group else [])
    bridges = []
    for at, (group, mine) in enumerate(zip(groups.to_pylist(), is_corrected, strict=True)):
        found = near[group]
        bridges.append(mine and len(found) > 1)
        if mine:
            settled[at] = next(iter(found)) if len(found) == 1 else group
    return pa.array(settled, pa.string()), pa.array(bridges, pa.bool_())


def reject_bridges(rows: pa.Table) -> pa.Table:
    """REJECTED rows."""
    reason = "it is near to texts of files that are not near to one another"
    return pa.table(
        {
            "origin": rows["origin"],
            "source": rows["source"],
            "rule": pa.array(["bridge"] * len(rows), pa.string()),
            "reason": pa.array([reason] * len(rows), pa.string()),
            "content": pc.utf8_slice_codeunits(rows["text"], 0, _SHOWN_CHARACTERS),
        },
        schema=REJECTED,
    )
