"""The lab's name server and whois server: real sockets on the far end of the link."""

import contextlib
import selectors
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui_trace.lab.scenario import Scenario

if TYPE_CHECKING:  # dnspython takes 0.1 s to import: the process that serves does it
    from tui_trace.lab.directory import Directory

DNS_PORT, WHOIS_PORT = 53, 43
PATIENCE = 2.0
"""Seconds that a whois client has to ask and to listen."""


class Services:
    """Sockets first, while it is known which process and namespace this is; then `serve`."""

    def __init__(self, dns: Sequence[str], whois: Sequence[str]) -> None:
        """Addresses of both servers; raises OSError."""
        self._whois = tuple(whois)
        self._datagrams = [_bound(address, DNS_PORT, socket.SOCK_DGRAM) for address in dns]
        self._listeners = [_bound(address, WHOIS_PORT, socket.SOCK_STREAM) for address in whois]
        for listener in self._listeners:
            listener.listen(64)

    def close(self) -> None:
        """Close the sockets here."""
        for opened in (*self._datagrams, *self._listeners):
            opened.close()

    def prepare(self) -> None:
        """Import what `serve` needs, while it may still be read."""
        from tui_trace.lab import directory  # noqa: F401

    def serve(self, scenario: Scenario) -> None:
        """Answer for ever."""
        from tui_trace.lab.directory import Directory

        directory = Directory(scenario, self._whois)
        with selectors.DefaultSelector() as selector:
            for opened in self._datagrams:
                selector.register(opened, selectors.EVENT_READ, _reply)
            for opened in self._listeners:
                selector.register(opened, selectors.EVENT_READ, _converse)
            while True:
                for key, _ in selector.select():
                    with contextlib.suppress(OSError):
                        key.data(key.fileobj, directory)


def _bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((address, port))
    return opened


def _reply(server: socket.socket, directory: "Directory") -> None:
    raw, client = server.recvfrom(4096)
    answer = directory.reply(raw)
    if answer is not None:
        server.sendto(answer, client)


def _converse(listener: socket.socket, directory: "Directory") -> None:
    """One line in, the answer out (RFC 3912), one client after another."""
    client, _ = listener.accept()
    with client:
        client.settimeout(PATIENCE)
        line = b""
        while b"\n" not in line and len(line) < 512:
            block = client.recv(512)
            if not block:
                break
            line += block
        client.sendall(directory.objects(line.decode("ascii", "replace")).encode())
