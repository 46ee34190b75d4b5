"""A process that has DVC loaded and forks for each command, so that no stage waits for imports."""

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from tasks.stage import PARENT_PID, die_with_parent

# what `dvc repro`, `status` and `push` import on their way; a missing one costs its time, no more
_LOADED = (
    "dvc._debug", "dvc.cachemgr", "dvc.cli.parser", "dvc.commands.repro", "dvc.data_cloud",
    "dvc.dependency.param", "dvc.dvcfile", "dvc.fs.dvc", "dvc.lock", "dvc.parsing.context",
    "dvc.repo.artifacts", "dvc.repo.datasets", "dvc.repo.metrics", "dvc.repo.open_repo",
    "dvc.repo.params", "dvc.repo.plots", "dvc.repo.push", "dvc.repo.reproduce", "dvc.repo.stage",
    "dvc.rwlock", "dvc.scm", "dvc.stage.cache", "dvc.stage.serialize", "dvc.stage.utils",
    "dvc.utils.strictyaml", "dvc_data.hashfile.build", "dvc_data.hashfile.db.local",
    "dvc_data.hashfile.state", "dvc_data.hashfile.status", "dvc_data.index.checkout",
    "dvc_data.index.save", "networkx", "ruamel.yaml.mergevalue", "scmrepo.git",
)  # fmt: skip


def main(descriptor: int) -> None:
    """Serve one command for each request that comes through the socket, until it is closed.

    A request is three descriptors: a file with a JSON object of arguments, folder and environment;
    where the command's output goes; and where its pid and in the end its exit code are told.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    for module in _LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    requests = socket.socket(fileno=descriptor)
    host = os.getpid()
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, 1, 3)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            _keep(host, *descriptors)
        for received in descriptors:
            os.close(received)


def _keep(host: int, request: int, output: int, status: int) -> NoReturn:
    """Start the command and tell how it ends, as a shell would; end with the host, and it too.

    Whatever the command has started and not taken out of its group ends with it.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until there is a group to end
    _tie_to(host, signal.SIGTERM)
    keeper = os.getpid()
    command = os.fork()
    if command == 0:
        os.close(status)
        with open(request, "rb") as file:
            _become_dvc(keeper, json.load(file), output)
    os.close(output)
    signal.signal(signal.SIGTERM, lambda *_: _end(command))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.write(status, f"{command}\n".encode())
    _, ended = os.waitpid(command, 0)
    _end_group(command)
    os.write(status, f"{os.waitstatus_to_exitcode(ended)}\n".encode())
    os._exit(0)


def _end(command: int) -> NoReturn:
    _end_group(command)
    os._exit(1)


def _end_group(command: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(command, signal.SIGKILL)


def _become_dvc(keeper: int, request: dict[str, Any], output: int) -> NoReturn:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.setsid()  # a signal to the group reaches dvc, its stage and their children, nobody else
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    os.environ.clear()
    os.environ.update(request["environment"])
    _tie_to(keeper)
    os.environ[PARENT_PID] = str(os.getpid())  # a stage sees whether its own parent still lives
    os.chdir(request["folder"])
    code = 1
    try:
        from dvc.cli import main as dvc  # noqa: PLC0415 - the host has loaded it

        code = dvc(request["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tie_to(parent: int, number: int = signal.SIGKILL) -> None:
    os.environ[PARENT_PID] = str(parent)
    die_with_parent(number)


if __name__ == "__main__":
    main(int(sys.argv[1]))
