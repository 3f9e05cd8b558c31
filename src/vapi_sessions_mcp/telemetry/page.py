"""Prometheus' page at `/metrics`, on a port of its own and in a thread of its own."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from vapi_sessions_mcp.settings_rules import is_loopback

PATH = "/metrics"
# Who says nothing for so long is cut off.
PATIENCE_SECONDS = 5.0
# Connections at once; there are two or three that ask, every few seconds.
AT_ONCE = 8


@contextmanager
def page(listener: socket.socket, registry: CollectorRegistry) -> Generator[None]:
    """Serve what `registry` collects on `listener` while the block runs."""
    server = _Server(listener, registry)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Nobody who is cut off at the end has lost anything.
    block_on_close = False

    def __init__(self, listener: socket.socket, registry: CollectorRegistry) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.registry = registry
        # A page in a browser of this machine could ask by a name of its own.
        self.only_loopback = is_loopback(listener.getsockname()[0])
        # Each connection, the oldest first, and whether it has asked for something.
        self._open: dict[Any, bool] = {}
        self._lock = threading.Lock()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is a thread for it; who has been silent longest makes room."""
        with self._lock:
            if len(self._open) >= AT_ONCE:
                silent = next((each for each, asked in self._open.items() if not asked), None)
                if silent is None:
                    return False
                del self._open[silent]
                with suppress(OSError):  # it hung up just now
                    silent.shutdown(socket.SHUT_RDWR)
            self._open[request] = False
        return True

    def asked(self, request: Any) -> None:
        """Let `request` be answered, and make no room."""
        with self._lock:
            if request in self._open:
                self._open[request] = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer in this thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever asked hung up."""


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_SECONDS
    server_version, sys_version = "vapi-sessions-mcp", ""

    def do_GET(self) -> None:
        """The metrics, in the form that was asked for."""
        server = cast("_Server", self.server)
        server.asked(self.connection)
        if server.only_loopback and not is_loopback(_host(self.headers.get("Host", ""))):
            self._answer(421, b"This port goes by the name of this machine only.\n")
        elif self.path.partition("?")[0] != PATH:
            self._answer(404, b"There is /metrics.\n")
        else:
            encode, media_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, encode(server.registry), media_type)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: it is asked every few seconds."""

    def _answer(self, status: int, body: bytes, media_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
