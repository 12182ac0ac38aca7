"""What an ICMP message means by its type and code (RFC 792, RFC 4443, IANA's registries)."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tui_trace.core.events import ReplyKind

IcmpClassifier: TypeAlias = Callable[[int, int], ReplyKind | None]

ECHO_REQUEST = {4: 8, 6: 128}
"""ICMP type, by IP version."""
ECHO_REPLY = {4: 0, 6: 129}

_NOT_ERRORS4 = frozenset({0, 4, 5, 8, 9, 10, *range(13, 19), 30, *range(33, 40), 42, 43})
"""Types that answer no probe: requests, their replies, and source quench and redirects, which quote
a packet that may have reached its destination all the same (RFC 6633, RFC 1122 §3.2.2)."""

TYPES_TO_RECEIVE = {
    4: frozenset(range(256)) - _NOT_ERRORS4 | {ECHO_REPLY[4]},
    6: frozenset(range(1, 128)) | {ECHO_REPLY[6]},
}
"""Echo replies, and errors also of types that are not assigned yet."""

# members are looked up once: each look-up on the class costs as much as a parse
_TIME_EXCEEDED = ReplyKind.TIME_EXCEEDED
_UNREACHABLE = ReplyKind.UNREACHABLE
_TOO_BIG = ReplyKind.TOO_BIG
_OTHER = ReplyKind.OTHER


def classify_error4(icmp_type: int, code: int) -> ReplyKind | None:
    """Return what an ICMPv4 error says of the probe it quotes; None if it answers no probe."""
    if icmp_type == 11 and code == 0:
        return _TIME_EXCEEDED
    if icmp_type == 3:
        return _TOO_BIG if code == 4 else _UNREACHABLE
    return None if icmp_type in _NOT_ERRORS4 else _OTHER


def classify_error6(icmp_type: int, code: int) -> ReplyKind | None:
    """Return what an ICMPv6 error says of the probe it quotes; None if it answers no probe."""
    if icmp_type == 3 and code == 0:
        return _TIME_EXCEEDED
    if icmp_type == 2:
        return _TOO_BIG
    # 4/1: the target does not know the probe's protocol (RFC 4443 §3.4)
    if icmp_type == 1 or (icmp_type == 4 and code == 1):
        return _UNREACHABLE
    return _OTHER if icmp_type < 128 else None


CLASSIFY_ERROR: Mapping[int, IcmpClassifier] = {4: classify_error4, 6: classify_error6}
"""By IP version."""
