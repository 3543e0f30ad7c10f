"""The viewer's page over HTTP, for the browser on this machine; sets are read on request.

The server listens on 127.0.0.1 only and answers four kinds of address: the page, and facts, sound and plan by number. No address
is ever used as the path of a file.
"""

from __future__ import annotations

import json
import re
import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dataset import interrupts
from dataset.errors import DatasetError
from dataset.reader import Dataset
from dataset.viewer.page import page
from dataset.viewer.payload import WHOLE, Panels

HOST = "127.0.0.1"
BLOCK = re.compile(r"/(facts|sound|plan)/([0-9]{1,9})\.json")
SILENT_AFTER_S = 30
"""A connection without a request is closed after this time."""
PLANS_KEPT = 256


class Viewer(ThreadingHTTPServer):
    """A server of one data set, on the loopback interface; port 0 chooses a free port, see server_port."""

    daemon_threads = True

    def __init__(self, data: Dataset, title: str, port: int) -> None:
        """Bind the port; raise DatasetError where it is out of range or taken."""
        if not 0 <= port <= 65535:
            raise DatasetError(f"--port is {port}; give 0 to 65535")
        self.panels = Panels(data)
        self.scenes = list(self.panels.scenes)
        self.front = page(self.panels, title, range(len(data)), served=True).encode() + b"</body>\n</html>\n"
        self.plans: dict[int, dict[str, Any]] = {}
        try:
            super().__init__((HOST, port), Answer)
        except OSError as error:
            raise DatasetError(f"port {port} cannot be bound ({error.strerror}); give another with --port, or 0") from None
        self.names = {f"{host}:{self.server_port}" for host in (HOST, "localhost")}

    def service_actions(self) -> None:
        """End where a signal requests it; called between requests, and every half second."""
        interrupts.check()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore browsers that closed the connection early."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def block(self, kind: str, number: int) -> dict[str, Any] | None:
        """Return a block of data; None for a number out of range."""
        if number >= (len(self.scenes) if kind == "plan" else len(self.panels.data)):
            return None
        if kind == "facts":
            return self.panels.facts(number)
        if kind == "sound":
            return self.panels.sound(number, WHOLE)
        if number not in self.plans:
            if len(self.plans) >= PLANS_KEPT:
                self.plans.clear()
            self.plans[number] = self.panels.plan(self.scenes[number])
        return self.plans[number]


class Answer(BaseHTTPRequestHandler):
    """Handler of one request."""

    server: Viewer
    timeout = SILENT_AFTER_S
    server_version = "sight-and-sound"
    sys_version = ""

    def do_GET(self) -> None:  # the name is http.server's
        """Send the page or a block of data."""
        # Another host name means DNS rebinding: scripts of a foreign site must not read the data.
        if self.headers.get("Host") not in self.server.names:
            return self._answer(403, "application/json", b'{"error": "wrong host"}')
        if self.path == "/":
            return self._answer(200, "text/html; charset=utf-8", self.server.front)
        wanted = BLOCK.fullmatch(self.path)
        try:
            content = self.server.block(wanted[1], int(wanted[2])) if wanted else None
        except (DatasetError, OSError) as error:
            return self._answer(500, "application/json", json.dumps({"error": str(error)}).encode())
        if content is None:
            return self._answer(404, "application/json", b'{"error": "there is no such address"}')
        return self._answer(200, "application/json", json.dumps(content, allow_nan=False).encode())

    do_HEAD = do_GET

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: every request would be a line."""


def serve(data: Dataset, title: str, port: int, show: bool) -> None:
    """Serve a data set until Ctrl-C; `show` opens the browser. Raise DatasetError where the port cannot be bound."""
    with Viewer(data, title, port) as viewer:
        address = f"http://{HOST}:{viewer.server_port}/"
        print(f"{len(data)} sets at {address} (for this machine only); Ctrl-C ends it", flush=True)
        if show:
            webbrowser.open(address)
        try:
            viewer.serve_forever()
        except KeyboardInterrupt:
            interrupts.clear()
            print()
