"""An HTTP client for untrusted servers: size and time of an answer are bounded."""

import io
import time
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import (
    BaseHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

MAX_BYTES = 512 * 1024
"""Largest answer in bytes, with status line and headers; a larger one raises OSError."""
DEADLINE = 6.0
"""Seconds from the request to the end of the answer."""


class Opener(OpenerDirector):
    """Opens http and https URLs, through the proxy of the environment; not file and ftp."""

    def __init__(self, handlers: Iterable[BaseHandler] = ()) -> None:
        """Add `handlers` before the opener's own handlers."""
        super().__init__()
        for handler in (
            *handlers,
            ProxyHandler(),
            _PlainHandler(),
            _SecureHandler(),
            HTTPDefaultErrorHandler(),
            HTTPRedirectHandler(),
            HTTPErrorProcessor(),
        ):
            self.add_handler(handler)


class _BoundedFile(io.RawIOBase):
    """A file that ends in an `OSError` after `MAX_BYTES` bytes, or `DEADLINE` seconds from now."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._left = MAX_BYTES
        self._until = time.monotonic() + DEADLINE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto1(buffer)
        self._left -= count
        if self._left < 0 or time.monotonic() > self._until:
            raise OSError("the answer is too long")
        return count

    def close(self) -> None:
        super().close()
        self._file.close()


class _Response(HTTPResponse):
    """A response bounded from its first byte, because headers and `100 Continue` may be endless."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fp = io.BufferedReader(_BoundedFile(self.fp))


class Connection(HTTPConnection):
    """An HTTP connection with bounded answers."""

    response_class = _Response


class SecureConnection(HTTPSConnection):
    """An HTTPS connection with bounded answers."""

    response_class = _Response


class _PlainHandler(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(Connection, req)


class _SecureHandler(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(SecureConnection, req)
