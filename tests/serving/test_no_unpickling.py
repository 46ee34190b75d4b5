"""The service never unpickles: an audit hook in all its processes sees no class looked up."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.project import REPOSITORY
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace

HOOK = """
import os, sys

def hook(event, args):
    if event == "pickle.find_class":
        with open(os.environ["SEEN"], "a") as stream:
            stream.write(f"{args}\\n")

sys.addaudithook(hook)
"""
UNPICKLE = "import pathlib, pickle; pickle.loads(pickle.dumps(pathlib.Path('a')))"


def test_neither_loading_nor_answering_nor_swapping_unpickles(
    live_place: LivePlace, bundles: Bundles, tmp_path: Path
) -> None:
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook/sitecustomize.py").write_text(HOOK)
    seen = tmp_path / "seen"
    variables = {"PYTHONPATH": f"{tmp_path}/hook:{REPOSITORY}", "SEEN": str(seen)}
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve(variables) as served:
        assert served.predict("good").status_code == 200
        live_place.point(live_place.release("v1.1.0", bundles.second))
        assert served.reload()["live"]["version"] == "v1.1.0"
        assert served.predict("good").status_code == 200
        assert httpx.get(f"{served.url}/metrics").status_code == 200
    assert not seen.exists(), seen.read_text()
    subprocess.run([sys.executable, "-c", UNPICKLE], env={**os.environ, **variables}, check=True)
    assert "Path" in seen.read_text(), "the hook does see what there is to see"
