"""The HTTP server of the metrics: `/metrics` and `/healthz`, for few and short requests.

Who connects may be anybody. All clients share one thread, and each of them has bounded bytes and a
bounded time; so has the server as a whole: it accepts a bounded number of connections a second, and
renders the metrics at most twice a second, whoever asks.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
import time
from email.utils import formatdate

from tui_trace.core.ip_literals import parse_literal
from tui_trace.core.stream import SourceError
from tui_trace.metrics.exporter import MetricsExporter

MOST_CLIENTS = 16
"""Connections at the same time; with one more, the oldest is closed."""
MOST_BYTES = 8192
"""Of the head of a request."""
DEADLINE = 5.0
"""Seconds for a whole request and its answer."""
FRESH = 0.5
"""Seconds for which a rendered text is served again, at least."""
LARGEST_SHARE = 0.1
"""Of the time, that rendering may take: a text that took long is served again for longer."""
ACCEPT_GAP = 0.01
"""Seconds from one accepted connection to the next."""
_BACKLOG = 32
_DRAINED = 8
"""Reads of `MOST_BYTES` after the answer."""
_TEXT = "text/plain; charset=utf-8"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket at an address and a TCP port; `SourceError`."""
    address = parse_literal(host)
    family = socket.AF_INET6 if address is not None and address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(socket.getaddrinfo(host, port, family, flags=socket.AI_NUMERICHOST)[0][4])
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        shown = f"[{host}]" if ":" in host else host
        why = error.strerror or str(error)
        raise SourceError(f"--metrics {shown}:{port}: {why}") from None
    listener.setblocking(False)
    return listener


class MetricsServer:
    """Serves metrics in a thread of its own until the process ends."""

    def __init__(self, listener: socket.socket, exporter: MetricsExporter) -> None:
        """`listener` comes from `open_listener`."""
        self._listener = listener
        self._exporter = exporter
        self._clients: dict[asyncio.Task[None], None] = {}
        self._rendered: dict[str, tuple[float, bytes]] = {}
        """By content type: until when a text is served again (`time.monotonic`), and the text."""

    def start(self) -> None:
        """Begin to serve; the thread never keeps the process from ending."""
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def _run(self) -> None:
        # a signal that this thread could take would end the process out of order
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        asyncio.run(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(self._listener)
            except OSError:
                # no descriptor is left, or the client has gone again
                await asyncio.sleep(1)
                continue
            if len(self._clients) >= MOST_CLIENTS:
                next(iter(self._clients)).cancel()
            task = loop.create_task(self._serve(client))
            self._clients[task] = None
            task.add_done_callback(lambda done: self._clients.pop(done, None))
            await asyncio.sleep(ACCEPT_GAP)

    async def _serve(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with client, contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
            client.setblocking(False)
            async with asyncio.timeout(DEADLINE):
                head = b""
                while b"\r\n\r\n" not in head:
                    more = await loop.sock_recv(client, MOST_BYTES)
                    head += more
                    if not more or len(head) > MOST_BYTES:
                        break
                await loop.sock_sendall(client, self._answer(head))
                client.shutdown(socket.SHUT_WR)
                # a client that is still sending would lose the answer by our RST (RFC 9112 §9.6)
                for _ in range(_DRAINED):
                    if not await loop.sock_recv(client, MOST_BYTES):
                        break

    def _answer(self, head: bytes) -> bytes:
        request, _, fields = head.partition(b"\r\n")
        words = request.decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1.") or b"\r\n\r\n" not in head:
            return _response(400, _TEXT, b"not a request of HTTP/1.1\n")
        method, path = words[0], words[1].partition("?")[0]
        if method not in ("GET", "HEAD"):
            return _response(405, _TEXT, b"only GET and HEAD\n", "Allow: GET, HEAD\r\n")
        code, kind, body = self._page(path, _accepted(fields.decode("latin-1")))
        return _response(code, kind, body, has_body=method == "GET")

    def _page(self, path: str, accept: str) -> tuple[int, str, bytes]:
        if path == "/metrics":
            kind, body = self._metrics(accept)
            return 200, kind, body
        if path == "/healthz":
            why_not = self._exporter.stalled()
            return 503 if why_not else 200, _TEXT, f"{why_not or 'ok'}\n".encode()
        return 404, _TEXT, b"there are /metrics and /healthz\n"

    def _metrics(self, accept: str) -> tuple[str, bytes]:
        # only this much of what the client says decides the text, so that few texts are kept
        accept = "application/openmetrics-text; version=1.0.0" if "openmetrics" in accept else ""
        began = time.monotonic()
        for kind, (end, body) in self._rendered.items():
            if began < end and ("openmetrics" in kind) == bool(accept):
                return kind, body
        body, kind = self._exporter.render(accept)
        now = time.monotonic()
        self._rendered[kind] = (now + max(FRESH, (now - began) / LARGEST_SHARE), body)
        return kind, body


def _accepted(fields: str) -> str:
    for line in fields.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "accept":
            return value.strip().lower()
    return ""


def _response(code: int, kind: str, body: bytes, more: str = "", *, has_body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {code} {_REASONS[code]}\r\nDate: {formatdate(usegmt=True)}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + (body if has_body else b"")
