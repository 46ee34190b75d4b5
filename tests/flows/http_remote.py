"""A shared DVC remote over HTTP: takes files by PUT, gives them by GET, asks for a password."""

import base64
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

USER, PASSWORD = "flywheel", "s3same"


class HttpRemote(ThreadingHTTPServer):
    """Serves a folder; `senders` has, for each file that came, the address it came from."""

    daemon_threads = True

    def __init__(self, host: str, folder: Path) -> None:
        super().__init__((host, 0), _Handler)
        folder.mkdir()
        self.folder = folder
        self.url = f"http://{host}:{self.server_port}/flywheel"
        self.senders: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Wires are cut here on purpose; whatever else goes wrong is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: HttpRemote
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._send(body=False)

    def do_GET(self) -> None:
        self._send(body=True)

    def do_PUT(self) -> None:
        content = self._read()
        if self._may_enter():
            self.server.senders.append(self.client_address[0])
            file = self._file()
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_name(f"{file.name}.{threading.get_ident()}.part")
            part.write_bytes(content)
            part.rename(file)
            self._answer(201)

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _send(self, body: bool) -> None:
        if not self._may_enter():
            return
        if not self._file().is_file():
            self._answer(404)
            return
        self._answer(200, self._file().stat().st_size)
        if body:
            with self._file().open("rb") as stream:
                shutil.copyfileobj(stream, self.wfile)

    def _may_enter(self) -> bool:
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        welcome = self.headers.get("Authorization") == f"Basic {token}"
        if not welcome:
            self._answer(401)
        return welcome

    def _file(self) -> Path:
        return self.server.folder / self.path.strip("/")

    def _answer(self, status: int, length: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """A test's output is no place for an access log."""
