"""Whether this system has what a live trace and the lab are built on: sockets of Linux."""

import os
import select
import socket

_NEEDED = (
    (socket, "AF_NETLINK"),  # routes
    (socket, "AF_PACKET"),  # replies of any protocol, and the lab's link
    (socket, "MSG_ERRQUEUE"),  # send stamps, and ICMP errors without rights
    (select, "epoll"),
    (os, "eventfd"),
)
"""netlink(7), packet(7), recv(2), epoll(7) and eventfd(2): macOS has none of them."""


def missing() -> list[str]:
    """Return what this system lacks, by its names in Python; empty on Linux."""
    return [name for module, name in _NEEDED if not hasattr(module, name)]
