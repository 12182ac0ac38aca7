"""The network of one target, through raw sockets: its routes, and the templates of its probes."""

import errno
import random
import socket
import time
from collections.abc import Collection, Iterable
from typing import Generic, NamedTuple

from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.egress_route import EgressRoute, find_egress, interface_index, route_query
from tui_trace.wire.network import Egress, ProbeT, Received, SendError
from tui_trace.wire.packets import builder
from tui_trace.wire.packets.decoder import EXTENSIONS
from tui_trace.wire.packets.probe_protocol import ProbeProtocol
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS
from tui_trace.wire.raw.next_hop import NextHop, find_next_hop
from tui_trace.wire.raw.raw_wire import RawWire
from tui_trace.wire.route_monitor import KEEP_TIME
from tui_trace.wire.send_errors import refusal

_MAX_ROUTES = 64
"""Settings whose templates are kept."""


class _Route(NamedTuple):
    """How the probes of some settings leave."""

    bound: str
    """Address given by the user; empty: the routing table decides."""
    source: str
    """The address that they carry."""
    next_hop: NextHop
    template: builder.Template
    protocol: ProbeProtocol
    data_length: int


class _Found(NamedTuple):
    """How probes of some settings left when it was asked last."""

    egress: Egress
    changes: int | None
    """Of the routes, until then (`RouteMonitor.changes`)."""
    until: int
    """Monotonic ns until which it is believed."""


class RawNetwork(Generic[ProbeT]):
    """Implement `tui_trace.wire.network.Network` for one target of a `RawWire`."""

    def __init__(
        self,
        wire: RawWire[ProbeT],
        target_address: str,
        interface: str | None = None,
        source: str | None = None,
    ) -> None:
        """Open nothing yet. `interface` and `source` are used where the settings name none.

        `target_address` may carry a scope (`fe80::1%eth0`).
        """
        self._wire = wire
        self._beside: dict[int, RawNetwork[ProbeT]] = wire.networks
        self.family = wire.family
        self.keeps_ports = True
        self._ip = wire.ip
        address, _, scope = target_address.partition("%")
        self._packed_address = socket.inet_pton(self._ip.af, address)
        # in the form of RFC 5952, as it stands in replies
        self.address = socket.inet_ntop(self._ip.af, self._packed_address)
        self._interface = interface or scope or None
        self._source = source
        self._protocols = PROBE_PROTOCOLS[self.family]
        self._label = random.SystemRandom().randrange(1, 1 << 20)
        self._routes: dict[ProbeSettings, _Route] = {}
        self._found: dict[ProbeSettings, _Found] = {}
        self._settings: ProbeSettings | None = None
        self._route: _Route
        self._ports: list[tuple[Protocol, int]] = []
        self._owner = 0

    @property
    def wire(self) -> RawWire[ProbeT]:
        """Return the raw sockets at work, for all targets of this IP version."""
        return self._wire

    def open(self) -> None:
        """Let packets in from now on."""
        self._owner = self._wire.open(self.address)
        self._beside[self._owner] = self

    def monotonic(self) -> int:
        """Return nanoseconds that only move forward."""
        return time.monotonic_ns()

    def wall(self) -> int:
        """Return nanoseconds since 1970 by CLOCK_REALTIME, as the kernel's stamps are."""
        return time.time_ns()

    def egress(self, settings: ProbeSettings) -> Egress:
        """Return how probes of these settings leave now. See `Network`."""
        changes, now = self._wire.routes.changes(), time.monotonic_ns()
        known = self._found.get(settings)
        if known is not None and known.changes == changes is not None and now < known.until:
            return known.egress
        self._found.pop(settings, None)
        egress = self._find_egress(settings)
        if self._protocols[settings.protocol].has_raw_socket:
            # without one, what comes in is let in by the settings that were asked for last
            self._found[settings] = _Found(egress, changes, now + KEEP_TIME)
        return egress

    def _find_egress(self, settings: ProbeSettings) -> Egress:
        """Ask the kernel; `SendError`.

        The interface's index is looked up each time: an interface may be created again under its
        old name.
        """
        protocol = self._protocols[settings.protocol]
        number = protocol.number(settings)
        if self.family == 6 and number in EXTENSIONS:
            reason = f"IP protocol {number} is an extension header in IPv6, not a protocol"
            raise SendError(errno.EPROTONOSUPPORT, reason)
        index = interface_index(settings.interface or self._interface)
        bound = "" if settings.spoofed_source else settings.source or self._source or ""
        asked, mark = EgressRoute(bound, index), self._wire.mark
        found = find_egress(self._ip, self.address, settings, asked, mark)
        if settings.spoofed_source:
            found = found._replace(source=settings.source or found.source)
        query = route_query(self._ip, self.address, settings, asked, mark)
        next_hop = find_next_hop(self._ip, query, found, self._wire.owner)
        known = self._routes.get(settings)
        if known is None or (known.next_hop, known.source) != (next_hop, found.source):
            packed_source = socket.inet_pton(self._ip.af, found.source)
            self._wire.know_addresses(packed_source + self._packed_address)
        if known is not None and known.source == found.source:
            template = known.template
        else:
            template = builder.Template(
                settings, found.source, self.address, self.family, self._label
            )
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
            self._found.clear()
        if not protocol.has_raw_socket:
            self._wire.watch(self.address, found.source, protocol, number)
        data_length = protocol.data_length(settings)
        self._routes[settings] = _Route(
            bound, found.source, next_hop, template, protocol, data_length
        )
        self._settings = None
        return found

    def reserve_port(
        self, protocol: Protocol, port: int | None = None, *, is_spare: bool = False
    ) -> int:
        """Reserve a source port until `close`. See `Network`."""
        reserved = self._wire.reserve_port(protocol, port, is_spare=is_spare)
        self._ports.append((protocol, reserved))
        return reserved

    def send(self, probe: ProbeT) -> None:
        """Give a probe its ID and send it; `SendError` if this machine's kernel refuses."""
        settings = probe.settings
        if settings is not self._settings:
            self._prepare(settings)
        route = self._route
        self._apply(route, settings)
        probe.owner = self._owner
        probe.target = self.address
        probe.data_length = route.data_length
        self._wire.assign_ids(probe)
        packet = route.template.probe(probe.ttl, probe.flow, probe.key, probe.ip_id)
        try:
            self._wire.send(probe, route.protocol, packet, route.next_hop)
        except OSError as error:
            raise self._refusal(error, route.bound) from None

    def receive(self, timeout: int, *, wake_on_reply: bool = True) -> Received[ProbeT]:
        """Wait at most `timeout` ns for replies, and return all that came. See `Network`."""
        self._wire.wait(timeout, wake_on_reply=wake_on_reply)
        return self._wire.collect().get(self._owner, Received([]))

    def handles(self, *, wake_on_reply: bool) -> Collection[int]:
        """Return the file descriptors to wait for. See `Network`."""
        return self._wire.handles(wake_on_reply=wake_on_reply)

    def collect(self) -> Iterable[tuple["RawNetwork[ProbeT]", Received[ProbeT]]]:
        """Return all that came for the targets of this wire. See `Network`."""
        for owner, received in self._wire.collect().items():
            if owner in self._beside:
                yield self._beside[owner], received

    def wake(self) -> None:
        """End a `receive` early; for any thread, and for signal handlers."""
        self._wire.wake()

    def close(self) -> None:
        """Free the reserved ports, and let no packets in any more."""
        self._wire.close(self._owner, self._ports)
        self._beside.pop(self._owner, None)
        self._ports.clear()

    def _prepare(self, settings: ProbeSettings) -> None:
        """Find the route of these settings; `SendError`."""
        if settings not in self._routes:
            self.egress(settings)
        self._route, self._settings = self._routes[settings], settings

    def _apply(self, route: _Route, settings: ProbeSettings) -> None:
        """Have the sender, which others use too, use this route; `SendError`."""
        try:
            self._wire.apply_route(
                route.bound, route.next_hop.interface, settings.tos, dont_route=settings.dont_route
            )
        except OSError as error:
            raise self._refusal(error, route.bound) from None

    def _refusal(self, error: OSError, bound: str) -> SendError:
        self._found.clear()
        mtu = self._wire.read_stamps() if error.errno == errno.EMSGSIZE else None
        return refusal(error, bound, mtu)
