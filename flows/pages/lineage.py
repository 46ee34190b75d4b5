"""Where a run's result comes from: code, params and data by hash, and the reports it left."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from flows.checkout.lock_file import DvcLock, LockedPath
from flows.pages.earlier import EarlierRun
from flows.pages.markdown import code, escaped, flat, page, section

_HASH_CHARACTERS = 12
_REPORTS = {
    "model_card.html": "model card",
    "data_docs": "validation report",
    "tasks.json": "to label next",
    "bundle": "packaged model",
}


def lineage_page(
    run: tuple[str, str],
    code_version: str,
    lock: DvcLock,
    earlier: EarlierRun | None,
    reports: str = "",
) -> str:
    """`run` is the kept experiment's name and commit; hashes are md5s as dvc.lock records them."""
    name, commit = run
    then = earlier.lock if earlier else None
    compared = f"Compared with {escaped(earlier.name)}." if earlier else ""
    return page(
        f"Run **{escaped(name)}**, kept as commit {code(commit[:_HASH_CHARACTERS])} on top of "
        f"{escaped(code_version)}. {compared}",
        f"To have it back: {code(f'make restore RUN={name}')}",
        reports,
        section("Params that differ", ("param", "before", "now"), _changed_params(lock, then)),
        section("Outputs", ("stage", "path", "md5", "size", ""), _outputs(lock, then)),
        section("Sources and code", ("path", "md5", "size", ""), _sources(lock, then)),
    )


def reports_list(outs: Iterable[str]) -> str:
    """Outputs a person opens, each with an address; a browser follows no link from http to file."""
    lines = []
    for out in outs:
        what = _REPORTS.get(Path(out).name)
        if what and Path(out).exists():
            index = Path(out, "index.html")
            file = index if index.is_file() else Path(out)
            lines.append(f"- {what}: {code(file.resolve().as_uri())}")
    if not lines:
        return ""
    where = "On the machine that ran it; copy an address."
    return page("### Reports", where, "\n".join(lines))


def _changed_params(lock: DvcLock, then: DvcLock | None) -> list[tuple[object, ...]]:
    """Only params that both recorded or one lacks; without an earlier run nothing differs."""
    if then is None:
        return []
    now, before = _params(lock), _params(then)
    return [
        (key, before.get(key, ""), now.get(key, ""))
        for key in sorted(now | before)
        if now.get(key) != before.get(key)
    ]


def _params(lock: DvcLock) -> dict[str, object]:
    return {
        key: value
        for stage in lock.stages.values()
        for params in stage.params.values()
        for key, value in flat(params).items()
    }


def _sources(lock: DvcLock, then: DvcLock | None) -> list[tuple[object, ...]]:
    """What no stage writes; of a whole graph's code only what changed is worth a line."""
    written = {out.path for stage in lock.stages.values() for out in stage.outs}
    rows = _rows((dep for stage in lock.stages.values() for dep in stage.deps), _paths(then))
    return [row for row in rows if row[0] not in written and row[-1] != "same"]


def _outputs(lock: DvcLock, then: DvcLock | None) -> list[tuple[object, ...]]:
    before = _paths(then)
    return [
        (name, *row) for name, stage in lock.stages.items() for row in _rows(stage.outs, before)
    ]


def _rows(paths: Iterable[LockedPath], before: dict[str, str | None]) -> list[tuple[object, ...]]:
    unique = {one.path: one for one in paths}
    return [
        (path, (one.md5 or "")[:_HASH_CHARACTERS], _size(one), _state(before, one))
        for path, one in unique.items()
    ]


def _paths(lock: DvcLock | None) -> dict[str, str | None]:
    stages = lock.stages.values() if lock else ()
    entries: Sequence[LockedPath] = [one for stage in stages for one in (*stage.deps, *stage.outs)]
    return {one.path: one.md5 for one in entries}


def _state(before: dict[str, str | None], one: LockedPath) -> str:
    if one.path not in before:
        return "new" if before else ""
    return "same" if before[one.path] == one.md5 else "changed"


def _size(one: LockedPath) -> str:
    """As DVC recorded it, in a unit a person reads."""
    size = float((one.model_extra or {}).get("size") or 0)
    for unit in ("B", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004
            return f"{size:,.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
