"""Probe IDs: the numbers in probes by which replies are matched.

Each ID is an affine map of the probe's count, with secret random coefficients for each process. No
two probes of a full cycle share an ID, and a host that has not seen our packets cannot guess one.
TCP sequence numbers are different: they rise by small steps from a random one.
"""

import math
import random

from tui_trace.core.settings import Protocol

_TCP, _IP = Protocol.TCP, Protocol.IP

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
    """Makes the probe IDs of one process from its secret coefficients."""

    def __init__(self, rng: random.Random) -> None:
        """`rng` should be `random.SystemRandom`; a seeded one makes a test repeatable."""
        self._short = _AffineMap(rng, KEYS_16)
        self._long = _AffineMap(rng, KEYS_32)
        self._ip_id = _AffineMap(rng, KEYS_16)
        self._sequence = rng.randrange(KEYS_32)
        """The sequence number of the next TCP probe."""
        self._count = 0

    def next_ids(self, protocol: Protocol, data_length: int) -> tuple[int, int]:
        """Return a key and an IP ID for the next probe.

        `data_length` is the bytes of TCP data in the probe. Sequence numbers rise past the data, so
        no two probes can be acknowledged by the same number. A key of 16 bits that repeats is the
        one that was given out longest ago.
        """
        self._count += 1
        count = self._count
        ip_id = self._ip_id(count) + 1
        if protocol is _TCP:
            key = self._sequence
            self._sequence = (key + data_length + SEQUENCE_STEP) % KEYS_32
            return key, ip_id
        if protocol is _IP:
            return self._long(count), ip_id
        return self._short(count) + 1, ip_id
