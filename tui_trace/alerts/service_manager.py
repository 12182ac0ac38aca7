"""Tells systemd that the service is ready and alive: sd_notify(3), the protocol of `Type=notify`.

The libraries for it that are kept up need a C compiler and libsystemd; the protocol is a datagram.
"""

import contextlib
import os
import socket
import time
from collections.abc import MutableMapping

_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """Whoever started this process and waits to hear from it; without one, nothing is sent."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        """Take the variables out of the environment: no child of this process is to use them."""
        address, watchdog, pid = (environment.pop(name, "") for name in _VARIABLES)
        self._address = "\0" + address[1:] if address.startswith("@") else address
        is_watched = watchdog.isdecimal() and pid in ("", str(os.getpid()))
        self._interval = int(watchdog) / 2e6 if is_watched else 0.0
        """Seconds between two signs of life: half of what it waits for (sd_watchdog_enabled(3))."""
        self._next = 0.0

    def tell(self, *states: str) -> None:
        """Send states such as `READY=1`; a manager that cannot be reached is no error."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.sendto("\n".join(states).encode(), self._address)

    def alive(self) -> None:
        """Send a sign of life, if one is waited for and due."""
        now = time.monotonic()
        if self._interval and now >= self._next:
            self._next = now + self._interval
            self.tell("WATCHDOG=1")
