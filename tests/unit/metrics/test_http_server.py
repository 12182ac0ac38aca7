"""The server of the metrics, and clients that mean no good."""

import http.client
import socket
import threading
import time

import pytest

from tests.unit.metrics.test_exporter import exporting
from tui_trace.core.stream import SourceError
from tui_trace.metrics import http_server
from tui_trace.metrics.exporter import MetricsExporter
from tui_trace.metrics.http_server import MOST_CLIENTS, MetricsServer, open_listener


class Counted:
    """An exporter that counts how often it renders."""

    def __init__(self) -> None:
        self.inner = exporting("target.example")
        self.renders = 0
        self.pause = 0.0
        self.stalled = self.inner.stalled

    def render(self, accept: str) -> tuple[bytes, str]:
        self.renders += 1
        time.sleep(self.pause)
        return self.inner.render(accept)


@pytest.fixture(params=["127.0.0.1", "::1"])
def served(request):
    """A server: its address, and its exporter."""
    try:
        listener = open_listener(request.param, 0)
    except SourceError:
        pytest.skip(f"no {request.param} here")
    exporter = Counted()
    MetricsServer(listener, exporter).start()
    return listener.getsockname()[:2], exporter


def ask(address, path="/metrics", method="GET", **fields) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request(method, path, headers=fields)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def raw(address, data: bytes) -> bytes:
    with socket.create_connection(address, 10) as client:
        client.sendall(data)
        answer = b""
        while more := client.recv(65536):
            answer += more
        return answer


def test_its_pages(served) -> None:
    address, _ = served
    code, kind, body = ask(address)
    assert (code, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert b"tui_trace_probes_total{" in body
    code, kind, body = ask(address, Accept="application/openmetrics-text;version=1.0.0,*/*;q=0.1")
    assert (code, kind.split(";")[0]) == (200, "application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert ask(address, "/healthz") == (200, "text/plain; charset=utf-8", b"ok\n")
    assert ask(address, "/healthz?x=1", "HEAD")[::2] == (200, b"")
    assert ask(address, "/")[0] == 404
    assert ask(address, method="POST")[0] == 405


def test_without_a_trace_it_is_not_healthy() -> None:
    listener = open_listener("127.0.0.1", 0)
    MetricsServer(listener, MetricsExporter()).start()
    code, _, body = ask(listener.getsockname(), "/healthz")
    assert (code, body) == (503, b"nothing is being traced\n")
    assert b"tui_trace_build_info" in ask(listener.getsockname())[2]


def test_a_page_that_takes_long_is_rendered_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "FRESH", 0.0)
    exporter = Counted()
    exporter.pause = 0.02
    listener = open_listener("127.0.0.1", 0)
    MetricsServer(listener, exporter).start()
    started = time.monotonic()
    while time.monotonic() - started < 1:
        assert ask(listener.getsockname())[0] == 200
    took = time.monotonic() - started
    assert 1 <= exporter.renders <= 1 + took * http_server.LARGEST_SHARE / exporter.pause


@pytest.mark.parametrize(
    "head",
    [b"\r\n\r\n", b"GET /metrics\r\n\r\n", b"\x16\x03\x01\x02\r\n\r\n", b"A B C\r\n\r\n"],
)
def test_what_is_no_request_is_refused(served, head: bytes) -> None:
    assert raw(served[0], head).startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end_is_cut_off(served) -> None:
    assert raw(served[0], b"GET / HTTP/1.1\r\n" + b"x" * 20_000).startswith(b"HTTP/1.1 400 ")


def test_slow_clients_are_put_out_and_keep_nobody_waiting(served) -> None:
    address, _ = served
    slow = [socket.create_connection(address, 10) for _ in range(MOST_CLIENTS + 4)]
    for client in slow:
        client.sendall(b"GET /metrics HTTP/1.1\r\n")
    assert ask(address)[0] == 200
    closed = [client for client in slow if _is_closed(client)]
    assert len(closed) >= 4
    for client in slow:
        client.close()


def _is_closed(client: socket.socket) -> bool:
    client.settimeout(0.02)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_client_has_so_much_time_and_no_more(monkeypatch) -> None:
    monkeypatch.setattr(http_server, "DEADLINE", 0.3)
    listener = open_listener("127.0.0.1", 0)
    MetricsServer(listener, Counted()).start()
    with socket.create_connection(listener.getsockname(), 10) as client:
        client.settimeout(10)
        started = time.monotonic()
        sent = 0
        # a byte now and then: each is in time, the whole is not
        while time.monotonic() - started < 9:
            try:
                client.sendall(b"G")
                sent += 1
                client.settimeout(0.05)
                if client.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert 0 < sent < 100
        assert time.monotonic() - started < 9


def test_many_who_ask_cost_no_more_renderings(served) -> None:
    address, exporter = served
    started = time.monotonic()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(address)[0])) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [200] * 10
    took = time.monotonic() - started
    assert exporter.renders <= 1 + took / http_server.FRESH


def test_a_port_in_use_or_an_address_of_others_is_one_line() -> None:
    listener = open_listener("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with pytest.raises(SourceError, match=rf"^--metrics 127.0.0.1:{port}: Address already in use$"):
        open_listener("127.0.0.1", port)
    with pytest.raises(SourceError, match=r"^--metrics \[2001:db8::1\]:9: "):
        open_listener("2001:db8::1", 9)
    listener.close()
