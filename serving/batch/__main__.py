"""Command line: `python -m serving.batch SOURCE TARGET [--text-column text] [--version v1.2.0]`."""

import argparse
import json
import logging
import sys
from pathlib import Path

from serving.batch.chunks import ROWS
from serving.batch.job import MANIFEST, Job, begin, holding
from serving.batch.parts import write_parts
from serving.batch.scoring import check_names
from serving.batch.source import open_source
from serving.batch.summary import is_whole, summarise
from serving.model import num_threads
from serving.params import ServingParams
from tasks.artifacts import write_json
from tasks.bundle import LABEL_SET
from tasks.errors import FlywheelError, InputError
from tasks.label_set import read_label_set
from tasks.params import load_params
from tasks.releases import (
    LIVE,
    Place,
    Target,
    find_bundle,
    read_pointer,
    read_release,
)
from tasks.stage import die_with_parent

log = logging.getLogger(__name__)


def main(path: Path, target: Path, text_column: str, version: str | None) -> None:
    """Score SOURCE into TARGET; a scoring that was killed goes on where it was."""
    params = load_params("serving", ServingParams)
    source, place = open_source(path, text_column), Place(LIVE)
    if target.resolve().is_relative_to(path.resolve()):
        raise InputError(f"{target}: lies in the source {path}. Name a folder beside it.")
    release = choose_release(place, version)
    bundle = find_bundle(place, release)
    check_names(source.schema, read_label_set(bundle / LABEL_SET).classes)
    job = Job(
        files=source.fingerprint(), text_column=text_column, version=release.version,
        manifest_sha256=release.manifest_sha256, precision=params.model.precision,
        rows_per_part=ROWS, max_characters=params.limits.max_characters,
    )  # fmt: skip
    with holding(target):
        begin(target, job)
        if not is_whole(target):
            parts = write_parts(source, target, job, bundle, num_threads(params.model))
            source.check_unchanged()
            write_json(target / MANIFEST, summarise(parts, job))
        tell(target)


def choose_release(place: Place, version: str | None) -> Target:
    """The one that is live, or the one that is asked for."""
    if version is not None:
        return read_release(place, version).target
    if (live := read_pointer(place).live) is None:
        raise InputError(
            f"{place.pointer}: no release is live. Promote one, or say which to use: --version."
        )
    return live


def tell(target: Path) -> None:
    """What the target holds, in two lines."""
    manifest = json.loads((target / MANIFEST).read_bytes())
    labels = ", ".join(f"{count:,} {name}" for name, count in sorted(manifest["labels"].items()))
    problems = [f"{count:,} {kind}" for kind, count in sorted(manifest["not_scored"].items())]
    log.info(
        "%s scored %s texts: %s", manifest["job"]["version"], f"{manifest['scored']:,}", labels
    )
    log.info(
        "%s holds %s rows in %s parts; not scored: %s",
        target, f"{manifest['rows']:,}", len(manifest["parts"]), ", ".join(problems) or "none",
    )  # fmt: skip


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m serving.batch", description=main.__doc__)
    parser.add_argument(
        "source", type=Path, help="CSV, TSV, JSON Lines or Parquet; or a folder of Parquet"
    )
    parser.add_argument("target", type=Path, help="folder for Parquet parts and a manifest")
    parser.add_argument("--text-column", default="text", metavar="NAME")
    parser.add_argument("--version", metavar="vX.Y.Z", help="instead of what is live")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="batch: %(message)s", stream=sys.stdout)
    options = parse_arguments(sys.argv[1:])
    try:
        main(options.source, options.target, options.text_column, options.version)
    except FlywheelError as problem:
        print(f"batch failed: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        print("batch: interrupted; run again to go on from there", file=sys.stderr)
        sys.exit(130)
    except OSError as error:  # a full disk, a folder that may not be written
        reason = f"{error.strerror or error} ({error.filename or options.target})"
        print(f"batch failed: {reason}; mend that and run again to go on", file=sys.stderr)
        sys.exit(1)
