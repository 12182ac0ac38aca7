"""Raw sockets or error queues: what a process opens at its start, and a network through it."""

import contextlib
import errno
import socket
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import msgspec

from tui_trace.core.settings import DEFAULT_PORT, ProbeSettings, Protocol
from tui_trace.wire.network import Network, ProbeT, SendError
from tui_trace.wire.raw.raw_network import RawNetwork
from tui_trace.wire.raw.raw_wire import RawWire
from tui_trace.wire.raw.sockets import GET_RIGHT, MissingRight, RawSockets
from tui_trace.wire.unprivileged.error_queue import UserSockets
from tui_trace.wire.unprivileged.error_queue_network import ErrorQueueNetwork, refuse_icmp
from tui_trace.wire.unprivileged.tcp_connect import LEAST_PATIENCE, USUAL_PATIENCE

Sockets: TypeAlias = RawSockets | UserSockets

_WIRES: WeakKeyDictionary[RawSockets, dict[int, RawWire[Any]]] = WeakKeyDictionary()
"""By IP version: what all targets share."""
_LIMITS = "connect() completes the handshake at an open port, quotes show no header"


def open_backend(*, unprivileged: bool) -> Sockets:
    """Open raw sockets; sockets without rights if `unprivileged`, or without CAP_NET_RAW."""
    if not unprivileged:
        with contextlib.suppress(MissingRight):
            return RawSockets()
    return UserSockets()


def mark(sockets: Sockets, number: int) -> None:
    """Have every probe carry this mark (SO_MARK, socket(7)).

    `SendError` without CAP_NET_ADMIN, and without raw sockets.
    """
    senders = [each.sender for each in getattr(sockets, "families", {}).values()]
    try:
        for sender in senders:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, number)
    except PermissionError:
        senders = []
    if not senders:
        raise SendError(errno.EPERM, "--mark needs CAP_NET_ADMIN, and raw sockets")


def open_network(
    sockets: Sockets, address: str, family: int, *, wait: int | None = None
) -> Network[ProbeT]:
    """Return the network of one target; `SendError` if the machine lacks the `family` (4 or 6).

    `wait`: how long the engine waits for a reply, in ns; None: as long as usual.
    """
    if isinstance(sockets, RawSockets):
        wires = _WIRES.setdefault(sockets, {})
        if family not in wires:
            wires[family] = RawWire(sockets, family)
        return RawNetwork(wires[family], address)
    patience = USUAL_PATIENCE if wait is None else max(LEAST_PATIENCE, wait)
    return ErrorQueueNetwork(sockets, address, family, patience=patience)


def backend_limits(sockets: Sockets, *, unprivileged: bool) -> str | None:
    """Return one line on what these sockets cannot do; None if they can do everything.

    It is no longer than `tui_trace.core.sanitize.LIMIT`, where the view cuts such lines.
    """
    if isinstance(sockets, RawSockets):
        return None
    if unprivileged:
        return f"--unprivileged: {_LIMITS}"
    return f"without CAP_NET_RAW {_LIMITS}; {GET_RIGHT}"


def fallback_protocol(
    sockets: Sockets, settings: ProbeSettings, family: int, *, by_name: bool
) -> tuple[ProbeSettings, str | None]:
    """Return settings with UDP if this process may not send ICMP, and one line that says so.

    Other settings are returned unchanged, with None. `SendError` if the user named ICMP.
    """
    if isinstance(sockets, RawSockets) or settings.protocol is not Protocol.ICMP:
        return settings, None
    try:
        refuse_icmp(family)
    except SendError as error:
        if by_name:
            raise
        udp = msgspec.structs.replace(
            settings, protocol=Protocol.UDP, port=DEFAULT_PORT[Protocol.UDP]
        )
        return udp, f"UDP instead of ICMP: {error.reason}"
    return settings, None
