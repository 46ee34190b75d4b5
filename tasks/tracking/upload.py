"""W&B's files to its server, while they grow: `python -m tasks.tracking.upload FOLDER`."""

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

from tasks.stage import PARENT_PID, die_with_parent

log = logging.getLogger(__name__)
_LOG = "upload.log"


class Upload:
    """The process that uploads one run; it lives no longer than the thread that makes this."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with (folder / _LOG).open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tasks.tracking.upload", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {PARENT_PID: str(os.getpid())},
            )

    def finish(self, seconds: float) -> None:
        """Let it go on that long with what is left; a warning says what to do about the rest."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._process.kill()
        self._process.wait()
        if not list(self._folder.glob("*.synced")):  # W&B's own mark
            log.warning(
                "W&B's server is away, slow or refuses, and has not got everything; its words are"
                " in %s. All of it is kept here; to send it later: wandb sync %s",
                self._folder / _LOG, self._folder,
            )  # fmt: skip


def main(folder: Path) -> None:
    """Become W&B's own command, of the lowest priority."""
    die_with_parent()
    os.nice(19)
    command = ["-m", "wandb", "beta", "sync", "--live", "--yes", str(folder)]
    os.execv(sys.executable, [sys.executable, *command])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
