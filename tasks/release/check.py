"""What a bundle must prove before it goes live, in a process of its own.

A model that crashes its runtime, hangs or wants all memory takes that process with it, no other.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from tasks.errors import FlywheelError, GateError
from tasks.label_set import LabelSet
from tasks.params import load_params
from tasks.release.params import CheckParams, ReleaseParams
from tasks.stage import PARENT_PID, die_with_parent
from tasks.votes import LabelParams

BYTES_PER_MB = 1e6
_SHOWN_CHARACTERS = 500


def check_apart(bundle: Path, params: CheckParams) -> dict[str, float]:
    """By precision, how far its golden answers are off; GateError, in one line, what is wrong."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tasks.release.check", str(bundle)],
            capture_output=True, text=True, errors="replace", check=False, timeout=params.seconds,
            env={**os.environ, PARENT_PID: str(os.getpid())}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise GateError(
            f"{bundle}: not loaded and checked within {params.seconds:g} s "
            "(release.check.seconds). It does not go live."
        ) from None
    if done.returncode == 0:
        differences: dict[str, float] = json.loads(done.stdout)
        return differences
    said = done.stderr.strip().splitlines()
    ended = f"ended by signal {-done.returncode}" if done.returncode < 0 else "it did not say why"
    raise GateError(said[-1][:_SHOWN_CHARACTERS] if said else f"{bundle}: {ended}")


def main(bundle: Path) -> int:
    """Check it and print the differences; what is wrong goes to standard error, in one line."""
    die_with_parent()
    from tasks.release.proof import prove  # noqa: PLC0415 - the runtimes, in this process alone

    try:
        params = load_params("release", ReleaseParams).check
        bound_memory(round(params.max_memory_mb * BYTES_PER_MB))
        label = load_params("label", LabelParams)
        expected = LabelSet(classes=tuple(label.classes), ordered=label.ordered)
        differences = prove(bundle, expected, round(params.max_mb * BYTES_PER_MB))
    except MemoryError:
        print(f"{bundle}: more memory than release.check.max_memory_mb", file=sys.stderr)
        return 1
    except Exception as error:  # whatever a parser or a runtime throws at a file it cannot take
        kind = "" if isinstance(error, FlywheelError) else f"{bundle}: {type(error).__name__}: "
        print(kind + " ".join(str(error).split()), file=sys.stderr)
        return 1
    print(json.dumps(differences))
    return 0


def bound_memory(num_bytes: int) -> None:
    """What this process asks for beyond it fails, instead of taking the machine's."""
    if sys.platform == "linux":  # elsewhere the kernel takes the bound and does not keep it
        resource.setrlimit(resource.RLIMIT_AS, (num_bytes, num_bytes))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
