"""A guard for tests that speak of real hosts: nothing they do leaves this machine."""

import ipaddress
import sys
from collections.abc import Iterator
from typing import Any

import pytest

_attempts: list[str] | None = None


def _loopback(host: Any) -> bool:
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _attempts is None or event not in {"socket.getaddrinfo", "socket.connect", "socket.sendto"}:
        return
    where = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    host = where[0] if isinstance(where, tuple) else where
    if isinstance(where, tuple) or event == "socket.getaddrinfo":
        if _loopback(host):
            return
        _attempts.append(f"{event} {host}")
        raise ConnectionRefusedError(f"a test may not ask {host}")


sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def nothing_leaves() -> Iterator[None]:
    """Fails the test that tried to reach anybody but this machine, by name or by address."""
    global _attempts  # noqa: PLW0603
    _attempts = attempts = []
    yield
    _attempts = None
    assert attempts == []
