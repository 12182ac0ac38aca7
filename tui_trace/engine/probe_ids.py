"""Probe IDs: the numbers in probes by which replies are matched.

Each ID is an affine map of the probe's count, with secret random coefficients for each session. No
two probes of a full cycle share an ID, and a host that has not seen our packets cannot guess one.
TCP sequence numbers are different: they rise by small steps from a random one.
"""

import math
import random
from collections.abc import Callable

from tui_trace.core.settings import Protocol

KEYS_16 = 0xFFFF
"""IDs in a cycle of the 16-bit fields: 1 to 65535. A UDP checksum of 0 means none (RFC 768), and
Linux replaces an IP ID of 0."""
KEYS_32 = 1 << 32
SEQUENCE_STEP = 64
"""Bytes between the end of one TCP probe's data and the sequence number of the next.

A connection tracker sees all SYNs of a run as one connection. It follows a sequence number that
rises a little, and drops the replies to any other as invalid.
"""


class _AffineMap:
    def __init__(self, rng: random.Random, modulus: int) -> None:
        self._modulus = modulus
        self._offset = rng.randrange(modulus)
        self._factor = rng.randrange(modulus // 4, modulus)
        while math.gcd(self._factor, modulus) != 1:
            self._factor += 1

    def __call__(self, count: int) -> int:
        return (self._factor * count + self._offset) % self._modulus


class ProbeIdGenerator:
    """Makes the probe IDs of one session from its secret coefficients."""

    def __init__(self, rng: random.Random) -> None:
        """`rng` should be `random.SystemRandom`; a seeded one makes a test repeatable."""
        self._short = _AffineMap(rng, KEYS_16)
        self._long = _AffineMap(rng, KEYS_32)
        self.first_sequence = rng.randrange(KEYS_32)
        """The sequence number of the first TCP probe."""
        self._ip_id = _AffineMap(rng, KEYS_16)
        self.icmp_checksum = rng.randrange(1, 0xFFFF)
        """The checksum that every ICMP probe of a constant flow carries."""

    def short_key(self, count: int) -> int:
        """Return an ICMP sequence number or a UDP checksum, 1–65535."""
        return self._short(count) + 1

    def long_key(self, count: int) -> int:
        """Return bytes 4–7 of a probe of another protocol, 0–2³²−1."""
        return self._long(count)

    def ip_id(self, count: int) -> int:
        """Return an IP ID, 1–65535."""
        return self._ip_id(count) + 1


class ProbeNumbers:
    """Numbers the probes of a session, and gives each its ID."""

    def __init__(self, identity: ProbeIdGenerator) -> None:
        """Begin with number 1."""
        self._identity = identity
        self.count = 0
        self._sequence = identity.first_sequence

    def next_number(
        self, protocol: Protocol, data_length: int, is_pending: Callable[[Protocol, int], bool]
    ) -> tuple[int, int]:
        """Return the number of the next probe, and an ID that no probe in flight has.

        `data_length` is the bytes of TCP data in the probe. Sequence numbers rise past the data, so
        no two probes can be acknowledged by the same number.
        """
        self.count += 1
        if protocol is Protocol.TCP:
            key = self._sequence
            self._sequence = (key + data_length + SEQUENCE_STEP) % KEYS_32
            return self.count, key
        if protocol is Protocol.IP:
            return self.count, self._identity.long_key(self.count)
        key = self._identity.short_key(self.count)
        while is_pending(protocol, key):
            self.count += 1
            key = self._identity.short_key(self.count)
        return self.count, key
