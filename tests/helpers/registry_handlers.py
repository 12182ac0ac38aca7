"""Where the registry's requests go instead."""

from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler

from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.names.bounded_http import Connection


class ToLocal(HTTPSHandler):
    """HTTPS for the registry's host, as plain HTTP to a server of this machine."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def https_open(self, request: Any) -> Any:
        def connection(_host: str, **_: Any) -> Connection:
            return Connection("127.0.0.1", self.port, timeout=2)

        return self.do_open(connection, request)


class ToNobody(HTTPHandler):
    def http_open(self, _request: Any) -> Any:
        raise OSError("not in a test")
