"""A folder with real releases of tiny models, and the real service in a process on free ports."""

import contextlib
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml

from tasks.artifacts import sha256_of
from tasks.bundle import MANIFEST
from tasks.releases import NOTHING, Change, Place, Pointer, Target, read_pointer, swap_pointer
from tests.project import REPOSITORY

READY_SECONDS = 60


class Served(NamedTuple):
    """A running service."""

    url: str
    admin_url: str
    process: "subprocess.Popen[str]"
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def predict(self, *texts: str, **headers: str) -> httpx.Response:
        return httpx.post(
            f"{self.url}/v1/predict", json={"texts": texts}, headers=headers, timeout=30
        )

    def reload(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.post(f"{self.admin_url}/v1/reload", timeout=30).json()
        return answer


class LivePlace:
    """What `make run` and `make serve` find in a checkout, and no more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(folder / "live")
        self.place.folder.mkdir(mode=0o700)
        self.write_params()

    def write_params(self, **serving: Any) -> None:
        """Section `serving` as shipped but for free ports and these values, by dotted key."""
        tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
        values = {"port": 0, "admin_port": 0, "model__poll_seconds": 0.02} | serving
        for key, value in values.items():
            *path, last = key.split("__")
            section = tree["serving"]
            for step in path:
                section = section[step]
            assert last in section
            section[last] = value
        (self.folder / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))

    def release(self, version: str, bundle: Path) -> Target:
        folder = self.place.bundle(version)
        folder.parent.mkdir(parents=True)
        shutil.copytree(bundle, folder)
        return Target(version=version, manifest_sha256=sha256_of(folder / MANIFEST))

    def point(self, live: Target | None, **others: Target | None) -> None:
        """Swap the pointer, as a promotion does."""
        before = read_pointer(self.place)
        number = before.change.number + 1 if before.change else 1
        change = Change(
            number=number, action="promote", at=datetime.datetime.now(datetime.UTC), who="test",
            why="test", from_version=before.live.version if before.live else None,
            to_version=live.version if live else None,
        )  # fmt: skip
        targets = {"previous": before.live} | others
        pointer = NOTHING.model_copy(update={"live": live, "change": change, **targets})
        swap_pointer(self.place, Pointer.model_validate(pointer.model_dump()))

    @contextlib.contextmanager
    def serve(self, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
        """The service as `make serve` starts it; it must end by itself when asked to."""
        log = self.folder / "service.log"
        with log.open("a") as stream:
            process = self.start(stream, environment)
        try:
            where = self._wait(process, log)
            yield Served(where["url"], where["admin_url"], process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0, log.read_text()
            for line in log.read_text().splitlines():
                assert json.loads(line)["message"], "a text could forge a line that is no JSON"

    def start(
        self, stream: Any, environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "serving"], cwd=self.folder, text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})},
            stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def _wait(self, process: "subprocess.Popen[str]", log: Path) -> dict[str, Any]:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                where: dict[str, Any] = json.loads((self.place.folder / "service.json").read_text())
                if where["pid"] == process.pid:
                    return where
            time.sleep(0.02)
        raise AssertionError(log.read_text())
