"""A live side of its own in a temporary folder: params, real tiny bundles, a real service."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tasks import live_service
from tasks.artifacts import json_bytes, sha256_of
from tasks.bundle import MANIFEST, PREPROCESSING
from tasks.errors import TemporaryError
from tasks.live_service import Service
from tasks.params import load_params
from tasks.release.adopt import Candidate, adopt
from tasks.release.params import ReleaseParams
from tasks.release.plan import Order
from tasks.release.promotion import Promotion, swap
from tasks.releases import Place, Release, read_pointer
from tasks.verdict import Condition, Verdict
from tests.project import REPOSITORY
from tests.tiny_bundle import CLASSES

COMMIT = "c" * 40
PLACE = Place(Path("live"))


def write_params(folder: Path, **release: Any) -> None:
    """The shipped ones for the tiny bundle's classes; ports that are free; `release`: changes."""
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))
    tree["label"] |= {"classes": list(CLASSES), "ordered": True, "votes": {"rule": "majority"}}
    tree["serving"] |= {"port": 0, "admin_port": 0}
    for key, value in release.items():
        old = tree["release"][key]
        tree["release"][key] = old | value if isinstance(old, dict) else value
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")


def params() -> ReleaseParams:
    return load_params("release", ReleaseParams)


def rewrite(bundle: Path, name: str, content: bytes) -> None:
    """Change a file and what the manifest says of it."""
    (bundle / name).write_bytes(content)
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    manifest["files"][name] = {"sha256": sha256_of(bundle / name), "size_bytes": len(content)}
    (bundle / MANIFEST).write_bytes(json_bytes(manifest))


def make_bundle(packaged: Path, name: str) -> Path:
    """A copy of the tiny bundle, a manifest of its own, in candidates/."""
    bundle = shutil.copytree(packaged / "package/bundle", Path("candidates") / name / "bundle")
    rewrite(bundle, "metrics.json", json_bytes({"evaluate": {"name": name}}))
    return bundle


def write_verdict(
    bundle: Path, champion: Release | None, decision: Any = "passed", question: str = ""
) -> Path:
    """Beside the bundle, as the gate would have it."""
    passed = decision == "passed"
    condition = Condition(
        name="min_gain", where="", value=0.1, bound=">= 0.2", passed=passed, says="gains too little"
    )
    verdict = Verdict(
        decision=decision,
        candidate=sha256_of(bundle / MANIFEST),
        champion=champion.manifest_sha256 if champion else None,
        num_rows=100,
        question=question,
        conditions=[condition],
    )
    file = bundle.parent / "verdict.json"
    file.write_bytes(json_bytes(verdict.model_dump(mode="json")))
    return file


def make_release(
    packaged: Path, name: str, champion: Release | None = None, decision: Any = "passed"
) -> Release:
    """A bundle of its own, judged and adopted."""
    bundle = make_bundle(packaged, name)
    card = bundle.parent / "model_card.md"
    card.write_text(f"# {name}\n")
    verdict = write_verdict(bundle, champion, decision)
    candidate = Candidate(bundle, verdict, [card], name, COMMIT)
    return adopt(PLACE, candidate, "minor", [], 5.0)


def make_unloadable(
    packaged: Path, name: str, champion: Release | None = None, commit: str = COMMIT
) -> Release:
    """Whole by its hashes, and of other code than this: a service that runs here refuses it."""
    bundle = make_bundle(packaged, name)
    preprocessing = json.loads((bundle / PREPROCESSING).read_bytes())
    preprocessing["normal_forms"] |= {"a": "b"}
    rewrite(bundle, PREPROCESSING, json_bytes(preprocessing))
    candidate = Candidate(bundle, write_verdict(bundle, champion), [], name, commit)
    return adopt(PLACE, candidate, "minor", [], 5.0)


def make_live(release: Release) -> None:
    """The swap of a promotion alone, which takes no process of its own."""
    before = read_pointer(PLACE)
    swap(Promotion(PLACE, params(), order(release.version), release.target, before, False))


def order(version: str, why: str = "it is better", despite_verdict: bool = False) -> Order:
    return Order(version, "ann", why, despite_verdict)


@contextlib.contextmanager
def running_service() -> Iterator[Service]:
    """The real one, on what is live here, until the block ends."""
    command = [sys.executable, "-m", "serving", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with Path("service.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield _wait(process)
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: "subprocess.Popen[bytes]") -> Service:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(TemporaryError):
            service = live_service.find_service(PLACE)
            if service and live_service.reload(service, 30):
                return service
        time.sleep(0.1)
    raise AssertionError(Path("service.log").read_text())
