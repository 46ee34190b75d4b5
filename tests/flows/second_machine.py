"""A second machine, as far as one kernel goes: its own network, processes, name and folders."""

import contextlib
import ipaddress
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.project import environment
from tests.tasks.namespaces import leave_untested

PREFIX = "flywheel-test-"  # of network namespaces; the pid of the test run follows
NETWORKS = ipaddress.IPv4Network("198.18.0.0/15")  # for tests of networks: nobody's real address
# what the environment of this test run would tell it that the network has to
NOT_INHERITED = ("prefect_", "dvc_", "flywheel_", "pythonpath", "http_proxy", "https_proxy", "xdg_")
# an empty disk over the first machine's folders; bash stays, as init: it reaps who lost a parent
BOOT = 'hostname second && mount -t tmpfs none "$1" && cd "$2" && shift 2 && "$@"; exit $?'


class Machine(NamedTuple):
    """What runs on it sees its own folder, the installed software, and the wire to the first."""

    namespace: str
    wire: str  # the first machine's end of it
    first_address: str
    own_address: str
    folder: Path
    hidden: Path  # the first machine's folder

    @contextlib.contextmanager
    def running(
        self, command: Sequence[str], **variables: str
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """Everything it starts ends with it, as on a machine that is switched off."""
        machine = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts"]
        words = ["ip", "netns", "exec", self.namespace, *machine]
        words += ["bash", "-c", BOOT, "boot", str(self.hidden), str(self.folder), *command]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                words, env=self._environment() | variables, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run(self, command: Sequence[str], **variables: str) -> None:
        """A command there, to its end."""
        with self.running(command, **variables) as process:
            assert process.wait(60) == 0, self.log()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def cut(self) -> None:
        """Nothing answers, nothing refuses: as when a switch on the way has lost its power."""
        _ip("link", "set", self.wire, "down")

    def mend(self) -> None:
        _ip("link", "set", self.wire, "up")

    def processes(self, word: str) -> list[psutil.Process]:
        """Those alive there, with this word in their command line."""
        listed = _ip("netns", "pids", self.namespace).split()
        alive = [psutil.Process(int(pid)) for pid in listed if psutil.pid_exists(int(pid))]
        return [process for process in alive if _has(process, word)]

    def _environment(self) -> dict[str, str]:
        known = environment().items()
        inherited = {
            key: value for key, value in known if not key.lower().startswith(NOT_INHERITED)
        }
        return inherited | {"HOME": str(self.folder), "TMPDIR": str(self.folder)}


@contextlib.contextmanager
def second_machine(folder: Path, hidden: Path) -> Iterator[Machine]:
    """It is gone afterwards with all that ran on it; so is what a killed test run left."""
    _sweep()
    number, pid = os.getpid() % 2**15, os.getpid()
    first, own = (str(NETWORKS[4 * number + host]) for host in (1, 2))
    made = Machine(f"{PREFIX}{pid}", f"fw{pid}a", first, own, folder, hidden)
    folder.mkdir()
    try:
        _wire_up(made, f"fw{pid}b")
        yield made
    finally:
        _remove(made.namespace)


def _wire_up(machine: Machine, far_end: str) -> None:
    inside = ("-n", machine.namespace)
    try:
        _ip("netns", "add", machine.namespace)
        _ip(
            "link", "add", machine.wire, "type", "veth", "peer", far_end, "netns", machine.namespace
        )
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        leave_untested(f"this machine allows no network namespaces: {reason.strip()}")
    _ip("address", "add", f"{machine.first_address}/30", "dev", machine.wire)
    _ip("link", "set", machine.wire, "up")
    _ip(*inside, "address", "add", f"{machine.own_address}/30", "dev", far_end)
    _ip(*inside, "link", "set", far_end, "up")
    _ip(*inside, "link", "set", "lo", "up")


def _remove(namespace: str) -> None:
    """With its processes; the wire goes with the end that is in there."""
    if namespace in _namespaces():
        for pid in _ip("netns", "pids", namespace).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        _ip("netns", "delete", namespace)


def _sweep() -> None:
    with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError):
        for namespace in _namespaces():
            pid = namespace.removeprefix(PREFIX)
            if pid != namespace and not psutil.pid_exists(int(pid)):
                _remove(namespace)


def _namespaces() -> list[str]:
    return [line.split()[0] for line in _ip("netns", "list").splitlines() if line]


def _ip(*words: str) -> str:
    result = subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
    return result.stdout


def _has(process: psutil.Process, word: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and word in " ".join(process.cmdline())
    return False
