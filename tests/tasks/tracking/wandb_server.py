"""As much of W&B's server, on loopback, as its own client needs to send a run."""

import contextlib
import gzip
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

API_KEY = "a" * 40
PROJECT = {"id": "p", "name": "flywheel", "entity": {"id": "e", "name": "me"}}
ANSWER = {
    "viewer": {"id": "u", "entity": "me", "username": "me", "flags": "{}", "teams": {"edges": []}},
    "serverInfo": {"cliVersionInfo": {}, "latestLocalVersionInfo": None},
    "createRunFiles": {"runID": "r", "uploadHeaders": [], "files": []},
}


class WandbServer(http.server.ThreadingHTTPServer):
    """Remembers what it was sent: the variables of each run, and each line of history."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: dict[str, dict[str, Any]] = {}
        self.history: list[dict[str, Any]] = []

    @property
    def variables(self) -> dict[str, str]:
        """What a client needs to find it."""
        return wandb_variables(self.server_port)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WandbServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        sent = json.loads(body)
        answer: dict[str, Any] = {}
        if self.path == "/graphql":
            answer = {"data": ANSWER | self._upsert(sent)}
        elif "wandb-history.jsonl" in sent.get("files", {}):
            lines = sent["files"]["wandb-history.jsonl"]["content"]
            self.server.history += [json.loads(line) for line in lines]
        out = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def _upsert(self, sent: dict[str, Any]) -> dict[str, Any]:
        if "upsertBucket" not in sent["query"]:
            return {}
        variables = {key: value for key, value in sent["variables"].items() if value is not None}
        name = variables["name"]
        self.server.runs[name] = self.server.runs.get(name, {}) | variables
        bucket = {"id": "b", "name": name, "config": "{}", "historyLineCount": 0}
        return {"upsertBucket": {"bucket": bucket | {"project": PROJECT}, "inserted": True}}

    def log_message(self, *_: object) -> None:
        pass


def wandb_variables(port: int) -> dict[str, str]:
    address = f"http://127.0.0.1:{port}"
    return {"WANDB_MODE": "online", "WANDB_API_KEY": API_KEY, "WANDB_BASE_URL": address}


@contextlib.contextmanager
def wandb_server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@contextlib.contextmanager
def unreachable(kind: str) -> Iterator[dict[str, str]]:
    """Where nobody listens (`closed`), or takes what is sent and never answers (`black hole`)."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        if kind == "black hole":
            hole.listen()
        yield wandb_variables(hole.getsockname()[1])
