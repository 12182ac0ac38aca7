"""The lab's DNS and whois servers: real sockets at the far end of the link."""

import contextlib
import selectors
import socket
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from tui_trace.lab.scenario import Scenario

if TYPE_CHECKING:  # importing dnspython takes 0.1 s; only the server process does it
    from tui_trace.lab.server_data import ServerData

DNS_PORT, WHOIS_PORT = 53, 43
CLIENT_TIMEOUT = 2.0
"""Seconds that a whois client has to send its query and to read the reply."""


class LabServers:
    """Both servers: sockets are opened in the lab's namespace, and `serve` runs after a fork."""

    def __init__(self, dns: Sequence[str], whois: Sequence[str]) -> None:
        """Open the sockets at the addresses of both servers; raise OSError."""
        self._whois = tuple(whois)
        self._datagrams = [_bound(address, DNS_PORT, socket.SOCK_DGRAM) for address in dns]
        self._listeners = [_bound(address, WHOIS_PORT, socket.SOCK_STREAM) for address in whois]
        for listener in self._listeners:
            listener.listen(64)

    def close(self) -> None:
        """Close the sockets of this process."""
        for opened in (*self._datagrams, *self._listeners):
            opened.close()

    def prepare(self) -> None:
        """Import the modules that `serve` needs, while this process may still read files."""
        import_module("tui_trace.lab.server_data")

    def serve(self, scenario: Scenario) -> None:
        """Answer queries about this scenario; never return."""
        from tui_trace.lab.server_data import ServerData

        data = ServerData(scenario, self._whois)
        with selectors.DefaultSelector() as selector:
            for opened in self._datagrams:
                selector.register(opened, selectors.EVENT_READ, _serve_dns)
            for opened in self._listeners:
                selector.register(opened, selectors.EVENT_READ, _serve_whois)
            while True:
                for key, _ in selector.select():
                    with contextlib.suppress(OSError):
                        key.data(key.fileobj, data)


def _bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((address, port))
    return opened


def _serve_dns(server: socket.socket, data: "ServerData") -> None:
    raw, client = server.recvfrom(4096)
    answer = data.dns_reply(raw)
    if answer is not None:
        server.sendto(answer, client)


def _serve_whois(listener: socket.socket, data: "ServerData") -> None:
    """Accept one client, read its query line and send the reply (RFC 3912)."""
    client, _ = listener.accept()
    with client:
        client.settimeout(CLIENT_TIMEOUT)
        line = b""
        while b"\n" not in line and len(line) < 512:
            block = client.recv(512)
            if not block:
                break
            line += block
        client.sendall(data.whois_reply(line.decode("ascii", "replace")).encode())
