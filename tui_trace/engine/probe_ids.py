"""The numbers that tell our probes from everybody else's.

Each number is an affine map of the probe's count, with secret coefficients drawn a session: no
two probes in a full cycle share one, and who has not seen our packets cannot guess the next. TCP's
sequence numbers are the exception: they rise by small steps, from a secret one on.
"""

import math
import random
from collections.abc import Callable

from tui_trace.core.settings import Protocol

KEYS_16 = 0xFFFF
"""Numbers in a cycle of the 16-bit fields: 1 to 65535. 0 is no UDP checksum (RFC 768), and an
IP ID that Linux replaces."""
KEYS_32 = 1 << 32
SEQUENCE_STEP = 64
"""Bytes between the end of one TCP probe's data and the sequence number of the next.

To a connection tracker all SYNs of a run are one connection. It follows a number that rises a
little, and drops the answers to all others as invalid.
"""


class _Affine:
    def __init__(self, rng: random.Random, modulus: int) -> None:
        self._modulus = modulus
        self._offset = rng.randrange(modulus)
        self._factor = rng.randrange(modulus // 4, modulus)
        while math.gcd(self._factor, modulus) != 1:
            self._factor += 1

    def __call__(self, count: int) -> int:
        return (self._factor * count + self._offset) % self._modulus


class ProbeIdGenerator:
    """The secret of one session."""

    def __init__(self, rng: random.Random) -> None:
        """`rng` should be `random.SystemRandom`; a seeded one makes a test repeatable."""
        self._short = _Affine(rng, KEYS_16)
        self._long = _Affine(rng, KEYS_32)
        self.first_sequence = rng.randrange(KEYS_32)
        """The sequence number of the first TCP probe."""
        self._ip_id = _Affine(rng, KEYS_16)
        self.icmp_checksum = rng.randrange(1, 0xFFFF)
        """The checksum that every ICMP probe of a constant flow carries."""

    def short_key(self, count: int) -> int:
        """1–65535: ICMP's sequence number or UDP's checksum."""
        return self._short(count) + 1

    def long_key(self, count: int) -> int:
        """0–2³²−1: bytes 4–7 of a probe of any other protocol."""
        return self._long(count)

    def ip_id(self, count: int) -> int:
        """1–65535."""
        return self._ip_id(count) + 1


class Numbers:
    """Counts the probes of a session."""

    def __init__(self, identity: ProbeIdGenerator) -> None:
        """From 1."""
        self._identity = identity
        self.count = 0
        self._sequence = identity.first_sequence

    def take(
        self, protocol: Protocol, data_length: int, is_pending: Callable[[Protocol, int], bool]
    ) -> tuple[int, int]:
        """The number of the next probe and its key, which no probe in flight has.

        `data_length` is in bytes, of TCP: sequence numbers rise past them, so that no two probes
        are acknowledged by the same number.
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
