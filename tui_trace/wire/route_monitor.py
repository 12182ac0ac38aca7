"""Whether anything has changed that the way of packets depends on: what `ip monitor` shows.

To ask for the route of each of many targets in each round costs more than to send the probes. So
the kernel is asked again when it has told that something changed: multicast groups of rtnetlink(7),
which need no right.
"""

import errno
import socket

from tui_trace.core.settings import NS_PER_S

_GROUPS = (1, 3, 5, 7, 8, 9, 11, 19, 32)
"""RTNLGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE,
_IPV6_RULE and _NEXTHOP of linux/rtnetlink.h."""
_MOST_READ = 64
"""Messages read at once; more that wait are the next change."""
_MESSAGE = 1 << 12

KEEP_TIME = 10 * NS_PER_S
"""How long (ns) an answer is believed without news: of what a host learnt from an ICMP redirect,
the kernel tells nothing."""


class RouteMonitor:
    """Counts the changes of links, addresses, neighbours, routes and rules."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._socket: socket.socket | None = None
        self._is_refused = False
        self._changes = 0

    def changes(self) -> int | None:
        """Return how many changes were seen so far; None if this process may not watch.

        Several that came together may count as one.
        """
        monitor = self._socket or self._open()
        if monitor is None:
            return None
        for _ in range(_MOST_READ):
            try:
                monitor.recv(_MESSAGE)
            except BlockingIOError:
                break
            except OSError as error:
                # ENOBUFS: more came than the socket holds
                if error.errno != errno.ENOBUFS:
                    raise
            self._changes += 1
        return self._changes

    def _open(self) -> socket.socket | None:
        if self._is_refused:
            return None
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            opened = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
            self._socket = opened
            opened.bind((0, sum(1 << group - 1 for group in _GROUPS)))
            self._changes += 1
        except OSError:
            # a sandbox, or no descriptor is left
            self.close()
            self._is_refused = True
        return self._socket

    def close(self) -> None:
        """Watch no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
