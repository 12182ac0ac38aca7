"""Source ports for probes that may meet the target and have to be told apart there.

A listening target keeps a connection half open from its SYN/ACK until our kernel's RST arrives.
Meanwhile it does not answer another SYN on the same four-tuple with a SYN/ACK (RFC 5961 §4: at most
a challenge ACK), and that probe would count as lost although the path is fine. And a datagram that
a UDP service sends back says by its port alone which probe it answers. So such a probe leases a
port that no other one has, from when it leaves until it is decided; then the port may have to rest.
One port is enough as long as everything is answered before the next probe is due.
"""

from collections.abc import Callable
from typing import NamedTuple

from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.wire.network import FlowTuple, SendError

MAX_PORTS = 128
"""The greatest number of ports of one flow."""
HALF_OPEN = 64 * NS_PER_S
"""A Linux target repeats its SYN/ACK after 1, 2, 4, 8, 16 and 32 s (tcp_synack_retries)."""
RST_CONFIRMATION = 2 * NS_PER_S
"""Without a repeated SYN/ACK for so long, the RST has arrived (RFC 6298 §2: the first comes after
1 s)."""
REPEATS_IN_A_ROW = 3
"""So many ports with repeated SYN/ACKs show that RSTs do not arrive at all."""
RST_OVERTAKEN = 900 * NS_PER_MS
"""How long the next SYN might overtake the RST on a path that changes the order of packets. It is
shorter than the usual interval, so that one port is enough."""


class ChosenFlow(NamedTuple):
    """What a probe is to be sent with."""

    flow: FlowTuple
    ports: "SourcePorts | None"
    """Where its source port has to be given back to; None: nowhere."""
    has_own_port: bool
    """No other probe in flight has its port."""


class SourcePorts:
    """The source ports of one flow: the main one, and others for while it is in use."""

    def __init__(self, main: int, reserve: Callable[[], int] | None) -> None:
        """`reserve` returns another port, or raises `SendError`; None: there is only `main`."""
        self.main = main
        self._reserve = reserve
        self._free_at = {main: 0}
        self._leases = {main: 0}
        self._half_open_until: dict[int, int] = {}
        self._unconfirmed: set[int] = set()
        """Ports that got a SYN/ACK, for which no RST of ours may have arrived."""
        self._repeats = 0
        """Ports in a row for which none did."""
        self._doubts_resets_until: int | None = None

    def lease(self, now: int) -> int | None:
        """Return a port that no other probe has at `now` (monotonic ns).

        If all are taken and there is no other to be had: the one that will be free first. None if
        the target seems to hold a connection half open on each, and would not answer.
        """
        free_at, leases = self._free_at, self._leases
        for port, count in leases.items():
            if not count and free_at[port] <= now:
                if port in self._unconfirmed:
                    self._unconfirmed.remove(port)
                    self._repeats = 0
                leases[port] = 1
                return port
        another = self._another()
        if another is not None:
            leases[another], free_at[another] = 1, 0
            return another
        if self._reserve is None:
            leases[self.main] += 1
            return self.main
        usable = [port for port in leases if not self._is_half_open(port, now)]
        if not usable:
            return None
        port = min(usable, key=lambda each: (leases[each], free_at[each]))
        leases[port] += 1
        return port

    def share_main(self) -> int:
        """Return the main port, though other probes may have it, too."""
        self._leases[self.main] += 1
        return self.main

    def give_back(self, port: int, free_at: int) -> None:
        """End a lease; nobody gets the port before `free_at` (monotonic ns)."""
        self._leases[port] = max(0, self._leases[port] - 1)
        self._free_at[port] = max(self._free_at[port], free_at)

    def on_syn_lost(self, port: int, now: int) -> None:
        """End the lease of a lost SYN: if the SYN/ACK got lost, the target will repeat it."""
        self._doubt_resets(now + HALF_OPEN)
        self.give_back(port, now + RST_CONFIRMATION)

    def on_syn_ack(self, port: int, now: int) -> None:
        """End the lease of a SYN that was answered; our kernel sends an RST."""
        if self._doubts_resets_until is None:
            self._doubts_resets_until = now + RST_CONFIRMATION
        self._unconfirmed.add(port)
        rest = RST_CONFIRMATION if now < self._doubts_resets_until else RST_OVERTAKEN
        if self._repeats >= REPEATS_IN_A_ROW:
            rest = HALF_OPEN
            self._half_open_until[port] = now + rest
        self.give_back(port, now + rest)

    def on_repeated_syn_ack(self, port: int, now: int) -> None:
        """Let the port rest until the target has forgotten the connection: no RST has arrived.

        A port of other flows is none of ours.
        """
        if port not in self._free_at:
            return
        self._doubt_resets(now + HALF_OPEN)
        self._repeats += port in self._unconfirmed
        self._unconfirmed.discard(port)
        self._free_at[port] = self._half_open_until[port] = now + HALF_OPEN

    def _is_half_open(self, port: int, now: int) -> bool:
        """Return whether a connection is half open on this port, or seems to be."""
        if self._half_open_until.get(port, 0) > now:
            return True
        return self._repeats > 0 and port in self._unconfirmed and self._free_at[port] > now

    def _doubt_resets(self, until: int) -> None:
        self._doubts_resets_until = max(until, self._doubts_resets_until or 0)

    def _another(self) -> int | None:
        if self._reserve is None or len(self._leases) >= MAX_PORTS:
            return None
        try:
            return self._reserve()
        except SendError:
            return None
