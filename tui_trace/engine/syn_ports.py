"""Source ports for SYNs that may meet the target.

A listening target keeps a connection half open from its SYN/ACK until our kernel's RST arrives.
Meanwhile it does not answer another SYN on the same four-tuple with a SYN/ACK (RFC 5961 §4: at most
a challenge ACK), and that probe would count as lost although the path is fine. So a port that is in
use at the target gets no second SYN. One port is enough as long as our RSTs arrive. If a repeated
SYN/ACK shows that they do not, SYNs rotate over a pool, and each port is quarantined until the
target has dropped the half-open connection.
"""

from collections.abc import Callable

from tui_trace.core.settings import NS_PER_S

MAX_PORTS = 128
"""The greatest number of ports of one pool."""
HALF_OPEN = 64 * NS_PER_S
"""A Linux target repeats its SYN/ACK after 1, 2, 4, 8, 16 and 32 s (tcp_synack_retries)."""
RST_CONFIRMATION = 2 * NS_PER_S
"""Without a repeated SYN/ACK for so long, the RST has arrived (RFC 6298 §2: the first comes after
1 s)."""

NEVER = -1


class SynPortPool:
    """The source ports of one run's SYNs that may reach the target."""

    def __init__(self, main: int, reserve: Callable[[], int] | None) -> None:
        """`main` is the shared port; `reserve` returns further ports; None: only `main`."""
        self._reserve = reserve
        self._ports = [main]
        self._quarantined_until: dict[int, int] = {}
        self._in_flight: dict[int, int] = {}
        self._confirmed_at: dict[int, int] = {}
        self._resets_work: bool | None = None

    def choose(self, now: int) -> int | None:
        """Return a port that may carry a SYN to the target at `now`; None if all are in use."""
        self._check_confirmations(now)
        for port in self._ports:
            if not self._in_flight.get(port) and self._quarantined_until.get(port, NEVER) < now:
                return port
        if self._reserve is None or len(self._ports) >= MAX_PORTS:
            return None
        self._ports.append(self._reserve())
        return self._ports[-1]

    def on_sent(self, port: int) -> None:
        """Count a SYN that left and may reach the target."""
        self._in_flight[port] = self._in_flight.get(port, 0) + 1

    def on_answered(self, port: int) -> None:
        """Count a reply in time to a SYN that may have reached the target."""
        if self._in_flight.get(port):
            self._in_flight[port] -= 1

    def on_lost(self, port: int, now: int) -> None:
        """Quarantine the port of a lost SYN: if the SYN/ACK got lost, the target will repeat it."""
        self.on_answered(port)
        self._quarantined_until[port] = max(
            self._quarantined_until.get(port, NEVER), now + RST_CONFIRMATION
        )

    def on_syn_ack(self, port: int, now: int) -> None:
        """Quarantine the port of a SYN/ACK; our kernel answers it with RST."""
        if self._resets_work is None:
            self._quarantined_until[port] = now + RST_CONFIRMATION
            self._confirmed_at[port] = now + RST_CONFIRMATION
        elif not self._resets_work:
            self._quarantined_until[port] = now + HALF_OPEN

    def on_repeated_syn_ack(self, port: int, now: int) -> None:
        """Rotate from now on: the SYN/ACK came again, so that no RST has arrived at the target."""
        self._resets_work = False
        self._confirmed_at.clear()
        for used in self._ports:
            if self._quarantined_until.get(used, NEVER) >= now:
                self._quarantined_until[used] = now + HALF_OPEN
        self._quarantined_until[port] = now + HALF_OPEN

    def _check_confirmations(self, now: int) -> None:
        if self._resets_work is None and any(due < now for due in self._confirmed_at.values()):
            self._resets_work = True
            self._quarantined_until.clear()
            self._confirmed_at.clear()
