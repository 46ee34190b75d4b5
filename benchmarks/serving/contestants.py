"""Who serves the model: how each is started, what it is asked, and with which settings."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.environments import prepare_own, prepare_peer

REPOSITORY = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = REPOSITORY / ".bench/serving"
OWN_PACKAGES = ("fastapi", "onnxruntime")
QUIET = {
    "DO_NOT_TRACK": "1", "BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true",
    "LITSERVE_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Contestant:
    """`{port}` and `{folder}` (its working folder) in a command are filled in."""

    name: str
    tool: str  # its folder in peers/ and, for a peer, its environment and its package's name
    command: tuple[str, ...]
    path: str
    content: Callable[[str], object]  # the body of a request for this text
    settings: str
    setup: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    precision: str = ""  # of ours; "": a peer


SERVE = ("python", "-m", "serving", "--port", "{port}")
OURS_FP32 = Contestant(
    "ours, fp32", "onnxruntime", SERVE, "/v1/predict", lambda text: {"texts": [text]},
    "params.yaml but for the precision", precision="fp32",
)  # fmt: skip
OURS = Contestant(
    "ours as shipped", "onnxruntime", SERVE, "/v1/predict", lambda text: {"texts": [text]},
    "params.yaml as it is", precision="default",
)  # fmt: skip
PEER_CONTESTANTS = (
    Contestant(
        "plain FastAPI", "fastapi",
        ("python", "-m", "uvicorn", "service:app", "--port", "{port}", "--no-access-log"),
        "/predict", lambda text: {"texts": [text]},
        "a `def` endpoint, one uvicorn process with uvloop and httptools, ONNX Runtime's defaults",
    ),
    Contestant(
        "LitServe", "litserve", ("python", "service.py", "{port}"),
        "/predict", lambda text: {"text": text},
        "max_batch_size 16, batch_timeout 5 ms, a worker per core with one thread",
        environment={"MAX_BATCH_SIZE": "16", "BATCH_TIMEOUT": "0.005", "WORKERS": "2",
                     "THREADS": "1"},
    ),
    Contestant(
        "BentoML", "bentoml", ("bentoml", "serve", "service:Service", "--port", "{port}"),
        "/predict", lambda text: {"texts": [text]},
        "adaptive batching, max_batch_size 32, max_latency_ms 60000 (its default), a worker per "
        "core with one thread",
        environment={"MAX_BATCH_SIZE": "32", "MAX_LATENCY_MS": "60000", "WORKERS": "2",
                     "THREADS": "1"},
    ),
    Contestant(
        "MLflow", "mlflow",
        ("mlflow", "models", "serve", "--model-uri", "{folder}/model", "--env-manager", "local",
         "--port", "{port}", "--workers", "2"),
        "/invocations", lambda text: {"inputs": [text]},
        "a pyfunc model from code, env-manager local, a worker per core with one thread",
        setup=("python", "save.py", "{folder}/model"), environment={"THREADS": "1"},
    ),
)  # fmt: skip
CONTESTANTS = (*PEER_CONTESTANTS, OURS_FP32, OURS)


def prepare(contestant: Contestant) -> str:
    """Package and version; CannotStart."""
    tool = contestant.tool
    if tool in OWN_PACKAGES:
        return prepare_own(tool)
    return prepare_peer(tool, PEERS / tool / "requirements.txt", ENVIRONMENTS / tool)


def environment_of(contestant: Contestant, bundle: Path, home: Path) -> dict[str, str]:
    tool = contestant.tool
    folder = Path(sys.prefix) if tool in OWN_PACKAGES else ENVIRONMENTS / tool
    return {
        **QUIET, "PATH": f"{folder}/bin:{os.environ['PATH']}", "LANG": "C.UTF-8",
        "HOME": str(home), "BENTOML_HOME": str(home / "bentoml"), "BUNDLE": str(bundle),
        "PYTHONPATH": f"{REPOSITORY}:{PEERS}", "PYTHONDONTWRITEBYTECODE": "",
        **contestant.environment,
    }  # fmt: skip
