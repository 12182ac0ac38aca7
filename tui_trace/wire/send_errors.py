"""Why this machine's kernel refused to send, in words for the user. ip(7), errno(3)."""

import errno
import os

from tui_trace.wire.network import SendError

_REASONS = {
    errno.EPERM: "refused by a local firewall rule (EPERM)",
    errno.EACCES: "prohibited by a local route or rule (EACCES)",
    errno.ENETUNREACH: "no route to the target",
    errno.EHOSTUNREACH: "the target's neighbour or route is unreachable (EHOSTUNREACH)",
    errno.ENETDOWN: "the interface is down",
    errno.ENODEV: "the interface is gone",
    errno.ENXIO: "the interface is gone",
    errno.ENOBUFS: "the interface's queue is full",
    errno.EAGAIN: "the send buffer is full",
    errno.EADDRNOTAVAIL: "the source address is not on this machine",
    errno.EINVAL: "a local route discards it (EINVAL)",
    errno.EOPNOTSUPP: "IPv6 has no --dont-route",
    errno.EAFNOSUPPORT: "this machine does not speak that IP version",
    errno.EMFILE: "this process cannot open more files (ulimit -n)",
    errno.ENFILE: "this machine cannot open more files (sysctl fs.file-max)",
}

MAY_PASS = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENODEV,
        errno.ENXIO,
        errno.EADDRNOTAVAIL,
        errno.EACCES,
        errno.EINVAL,
    }
)
"""Errors of a network that is not there yet: routes, interfaces and addresses come and go."""

_MAY_NOT_OPEN = frozenset({errno.EPERM, errno.EACCES})


def cannot_open(error: OSError) -> SendError:
    """Return the error that the user sees where a socket, or what waits for it, was not opened."""
    number = error.errno or 0
    if number in _MAY_NOT_OPEN:
        name = errno.errorcode[number]
        return SendError(number, f"this process may not open a socket ({name}: a sandbox?)")
    return SendError(number, _REASONS.get(number) or os.strerror(number))


def refusal(
    error: OSError, source: str, mtu: int | None = None, *, neighbours: bool = False
) -> SendError:
    """Return the error that the user sees for an error of the kernel.

    `source` is the address that the user asked for, or empty; `mtu` the interface's, in bytes;
    `neighbours`: no gateway was to be used.
    """
    number = error.errno or 0
    if neighbours and number == errno.ENETUNREACH:
        return SendError(number, "the target is behind a gateway, and --dont-route takes none")
    if number == errno.EMSGSIZE:
        known = f" ({mtu} bytes)" if mtu else ""
        return SendError(number, f"larger than the interface's MTU{known}", mtu)
    if number == errno.EADDRNOTAVAIL and source:
        return SendError(number, f"source address {source} is not on this machine")
    return SendError(number, _REASONS.get(number) or os.strerror(number))
