"""Which untracked files belong to a run, and which raw data nobody keeps."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from flows.checkout.git import git_paths

DVC_FILES = ("dvc.yaml", "params.yaml", "dvc.lock")  # kept even where git is told to ignore them
_SMALL_FILES = (".dvcignore", ":(glob)**/*.dvc", ":(glob)**/.gitignore")
_OTHERS = ("ls-files", "-z", "--others")
_DATA = "data"
_MAX_CODE_BYTES = 5 * 2**20  # larger files under a stage's code are data, and no business of git
_MAX_SHOWN = 3
_WRITTEN = ("outs", "metrics", "plots")


def files_to_keep(head: str, index: str) -> list[str]:
    """What git does not track and the graph reads, and what the user has told git to track."""
    staged = git_paths(
        "diff-index", "-z", "--cached", "--no-renames", "--diff-filter=A", "--relative",
        "--name-only", head,
    )  # fmt: skip
    found = git_paths(
        *_OTHERS, "--exclude-standard", "--", *DVC_FILES, *_SMALL_FILES, *_literal(_code_paths()),
        GIT_INDEX_FILE=index,
    )  # fmt: skip
    # what DVC is told not to keep is git's, which may have been told to ignore all outputs
    uncached = [path for stage in _stages() for path in _uncached(stage)]
    if uncached:
        found += git_paths(*_OTHERS, "--", *_literal(uncached), GIT_INDEX_FILE=index)
    code = [path for path in found if not _is_large(path)]
    return [path for path in {*DVC_FILES, *staged, *code} if _is_file_or_link(Path(path))]


def missing_data(index: str) -> list[str]:
    """A warning for each input folder with files that neither git (this index) nor DVC has, and
    one for what lies elsewhere."""
    found = [warning for path in _input_paths() if (warning := _missing_below(path, index))]
    if outside := sorted(filter(_is_outside, _read_only())):
        found.append(
            f"{_some(outside)}: outside this checkout, so this run can be restored only where it is"
            " still the same. Keep it: dvc import-url"
        )
    return found


def _missing_below(place: str, index: str) -> str | None:
    found = git_paths(
        *_OTHERS, "--directory", "--no-empty-directory", "--exclude-per-directory=.dvcignore", "--",
        *_literal([place]),
        GIT_INDEX_FILE=index,
    )  # fmt: skip
    lone = [path.rstrip("/") for path in found if not _is_kept(path.rstrip("/"))]
    if not _is_data(place):
        lone = [path for path in lone if _is_large(path)]
    if not lone:
        return None
    return (
        f"neither git nor DVC has {_some(lone)}, so this run can be restored"
        f" only where they still are. Keep them: dvc add {' '.join(lone)}"
    )


def _is_kept(path: str) -> bool:
    """DVC has `a.csv` when there is `a.csv.dvc`; such files themselves are git's."""
    return Path(path).name == ".gitignore" or path.endswith(".dvc") or Path(f"{path}.dvc").exists()


def _is_file_or_link(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _is_large(path: str) -> bool:
    file = Path(path)
    return file.is_file() and file.stat().st_size > _MAX_CODE_BYTES


def _is_data(path: str) -> bool:
    return Path(path).parts[:1] == (_DATA,)


def _code_paths() -> list[str]:
    return [path for path in _input_paths() if not _is_data(path)]


def _input_paths() -> list[str]:
    """Inputs of this checkout."""
    return sorted(os.path.relpath(path) for path in _read_only() if not _is_outside(path))


def _is_outside(path: str) -> bool:
    """DVC reads there, too: by a URL, from the root, from a folder beside."""
    here = Path.cwd()  # a link in it is its own, whatever it names
    return "://" in path or not Path(os.path.normpath(here / path)).is_relative_to(here)


def _read_only() -> set[str]:
    """What stages read and no stage writes, from dvc.yaml; params files as well."""
    stages = list(_stages())
    read = {path for stage in stages for path in paths_of(stage, "deps", "params")}
    written = {path for stage in stages for path in paths_of(stage, *_WRITTEN)}
    return {
        path for path in read
        if not any(Path(path).is_relative_to(out) for out in written) and "${" not in path
    }  # fmt: skip


def _stages() -> Iterator[dict[str, Any]]:
    file = Path("dvc.yaml")
    graph = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    for stage in ((graph or {}).get("stages") or {}).values():
        yield stage.get("do", stage)  # one of `foreach`


def paths_of(stage: dict[str, Any], *kinds: str) -> Iterator[str]:
    """Entries are paths, or mappings with a path as their key; a bare entry of params is a key."""
    for kind in kinds:
        for entry in stage.get(kind) or []:
            if isinstance(entry, dict):
                yield from entry
            elif kind != "params":
                yield entry


def _uncached(stage: dict[str, Any]) -> Iterator[str]:
    entries = [entry for kind in _WRITTEN for entry in stage.get(kind) or []]
    for entry in (entry for entry in entries if isinstance(entry, dict)):
        for path, options in entry.items():
            if options and not options.get("cache", True) and not _is_outside(path):
                yield path


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - _MAX_SHOWN} more" if len(paths) > _MAX_SHOWN else ""
    return f"{', '.join(paths[:_MAX_SHOWN])}{more}"


def _literal(paths: list[str]) -> list[str]:
    return [f":(literal){path}" for path in paths]
