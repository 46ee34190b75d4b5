"""One pinned file from the package index, by pip: its indexes, proxies and credentials hold."""

import logging
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tasks import stage
from tasks.artifacts import sha256_of
from tasks.errors import InputError, TemporaryError
from tasks.fetch.params import FetchParams, Package

log = logging.getLogger(__name__)
_BYTES_PER_MB = 1_000_000
_EVERY_SECONDS = 2.0
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_WRONG_HASH = re.compile(r"Got +([0-9a-f]{64})")
_FOUND_VERSIONS = re.compile(r"\(from versions: (.*)\)")
_INDEXES = re.compile(r"Looking in indexes: (.*)")
_NO_CONNECTION = ("connection broken", "Could not fetch URL", "Max retries", "HTTP error")


def find_file(package: Package, own_files: Path) -> Path | None:
    """A file one already has: any in the folder `own_files` whose sha256 is the pinned one.

    InputError when a file there names this package and version but holds something else.
    """
    stem = "[-_.]+".join(re.split("[-_.]+", package.name))  # names are equal up to these signs
    named = re.compile(rf"{stem}-{re.escape(package.version)}[-.].*", re.IGNORECASE)
    for file in sorted(own_files.glob("*")):
        is_wheel = file.suffix == ".whl"
        if not named.fullmatch(file.name) or is_wheel != (package.distribution == "wheel"):
            continue
        found = sha256_of(file)
        if found != package.sha256:
            raise InputError(f"{_wrong_hash(package, found, str(file))} Remove or replace it.")
        log.info("%s %s: taken from %s", package.name, package.version, file)
        return file
    return None


def download(package: Package, params: FetchParams, folder: Path) -> Path:
    """Let pip download the pinned file into `folder`.

    pip compares the hash before it runs anything: a source distribution's metadata comes from its
    own set-up script, and that of an unknown file must not run. TemporaryError when the index
    cannot be reached, InputError when it lacks the version or serves another file.
    """
    log.info("%s %s: downloading the %s", package.name, package.version, package.distribution)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=folder) as pin:
        pin.write(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
        pin.flush()
        output, exit_code = _run_pip(package, params, Path(pin.name))
    files = list(folder.iterdir())
    if exit_code != 0 or len(files) != 1:
        raise _explain(package, params, output)
    found = sha256_of(files[0])
    if found != package.sha256:  # pip has compared already, unless a setting switched that off
        raise InputError(_wrong_hash(package, found, "the download"))
    log.info("%s: %.1f MB", files[0].name, files[0].stat().st_size / _BYTES_PER_MB)
    return files[0]


def _run_pip(package: Package, params: FetchParams, pin: Path) -> tuple[str, int]:
    """Output without its progress lines, and exit code."""
    only = "--no-binary" if package.distribution == "source" else "--only-binary"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command += ["download", "--no-deps", only, ":all:", "--no-build-isolation", "--require-hashes"]
    command += ["--retries", str(params.retries), "--timeout", str(params.timeout_seconds)]
    command += ["--progress-bar", "raw", "--dest", str(pin.parent), "--requirement", str(pin)]
    lines, last = [], time.monotonic()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=stage.die_with_parent,  # noqa: PLW1509 - this process has one thread
    ) as pip:
        for line in pip.stdout or ():
            progress = _PROGRESS.match(line)
            if not progress:
                lines.append(line)
            elif time.monotonic() - last >= _EVERY_SECONDS:
                last = time.monotonic()
                done, total = (int(size) / _BYTES_PER_MB for size in progress.groups())
                log.info("%s: %.1f of %.1f MB", package.name, done, total)
    return "".join(lines), pip.returncode


def _explain(package: Package, params: FetchParams, output: str) -> InputError | TemporaryError:
    """pip's long story as the one line a person needs."""
    pin = f"{package.name}=={package.version} ({package.distribution})"
    indexes = _INDEXES.search(output)
    tried = indexes.group(1) if indexes else "pip's configured index"
    got = _WRONG_HASH.search(output)
    versions = _FOUND_VERSIONS.search(output)
    if got:
        return InputError(_wrong_hash(package, got.group(1), f"the file served by {tried}"))
    if versions and not any(sign in output for sign in _NO_CONNECTION):
        return InputError(
            f"{pin} is not in {tried}; versions found there: {versions.group(1)}. Correct "
            f"fetch.packages, or put the file into {params.own_files}/ and run again."
        )
    problems = [line for line in output.splitlines() if line.startswith(("ERROR", "WARNING: Ret"))]
    said = " ".join(problems[:1]) or output[-300:]
    return TemporaryError(
        f"could not get {pin} from {tried} with {params.retries} retries of "
        f"{params.timeout_seconds} s: {said} Check the connection and `pip config list`, then run "
        f"again; or, if you have the file, put it into {params.own_files}/ under its own name."
    )


def _wrong_hash(package: Package, found: str, where: str) -> str:
    return (
        f"{where} is not the pinned {package.name} {package.version}: sha256 {found}, expected "
        f"{package.sha256}. Only if you trust it, pin the new one in fetch.packages."
    )
