"""An HTTP client for a stranger's server: it reads neither without end nor for ever."""

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

LONGEST = 512 * 1024
"""Bytes of an answer, all that comes before its body included; more is no answer."""
DEADLINE = 6.0
"""Seconds from the request to the end of the answer."""


class Opener(OpenerDirector):
    """Opens http and https, by a proxy if the environment names one; no file, no ftp."""

    def __init__(self, handlers: Iterable[BaseHandler] = ()) -> None:
        """`handlers` are asked before the opener's own."""
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


class _Metered(io.RawIOBase):
    """A file that ends in an `OSError` after `LONGEST` bytes, or `DEADLINE` seconds from now."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._left = LONGEST
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
    """Metered from its first byte on: headers and `100 Continue` have no end of their own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fp = io.BufferedReader(_Metered(self.fp))


class Connection(HTTPConnection):
    """A connection whose answers are metered."""

    response_class = _Response


class SecureConnection(HTTPSConnection):
    """The same with TLS."""

    response_class = _Response


class _PlainHandler(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(Connection, req)


class _SecureHandler(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(SecureConnection, req)
