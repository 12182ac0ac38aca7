"""Parsers for values of options and prompts; `SettingError` says what an option takes."""

import enum
import math
import secrets
import socket
from typing import TypeVar

from tui_trace.core.settings import (
    DSCP_NAMES,
    MAX_PACKET,
    NS_PER_S,
    PROTOCOL_NAMES,
    ProbeIdField,
    Protocol,
    SettingError,
)

_OWN_NUMBERS = {1: Protocol.ICMP, 6: Protocol.TCP, 17: Protocol.UDP, 58: Protocol.ICMP}


def _number(text: str) -> int | None:
    try:
        return int(text, 16) if text.lower().startswith("0x") else int(text, 10)
    except ValueError:
        return None


def _whole(option: str, text: str, low: int, high: int, what: str) -> int:
    value = _number(text.strip())
    if value is None or not low <= value <= high:
        raise SettingError(option, text, what)
    return value


def parse_port(text: str, option: str = "--port", transport: str = "tcp") -> int:
    """Return a port by its number or service name (`https`)."""
    takes = "a port from 1 to 65535 or a service name"
    if _number(text.strip()) is None:
        try:
            return socket.getservbyname(text.strip().lower(), transport)
        except (OSError, UnicodeError, ValueError):
            raise SettingError(option, text, takes) from None
    return _whole(option, text, 1, 65_535, takes)


def parse_transport_port(text: str, now: Protocol) -> tuple[Protocol, int]:
    """Return the protocol and the port of `443`, `https`, `udp/53` or `53/udp`.

    Without a protocol it is the one in use now, or TCP where that has no ports.
    """
    first, slash, second = text.strip().lower().partition("/")
    by_name = {each.value: each for each in Protocol if each.has_ports}
    if slash and second in by_name:
        first, second = second, first
    if not slash:
        protocol, port = now if now.has_ports else Protocol.TCP, first
    elif first in by_name:
        protocol, port = by_name[first], second
    else:
        raise SettingError("--port", text, "a port or a service, as in 443, udp/53 or tcp/ssh")
    return protocol, parse_port(port, transport=protocol.transport.value)


def parse_protocol(text: str, option: str = "--protocol") -> tuple[Protocol, int]:
    """Return the protocol for a name (`gre`, `quic`) or number, and the number if it is
    `Protocol.IP`.
    """
    takes = "0 to 255 or the name of an IP protocol such as gre, sctp, ospf; or quic"
    name = text.strip().lower()
    if name == Protocol.QUIC:
        return Protocol.QUIC, 0
    number = _number(name)
    if number is None:
        try:
            number = socket.getprotobyname(name)
        except (OSError, UnicodeError, ValueError):
            known = {word: code for code, word in PROTOCOL_NAMES.items()}
            number = known.get(name)
    if number is None or not 0 <= number <= 255:
        raise SettingError(option, text, takes)
    own = _OWN_NUMBERS.get(number)
    return (own, 0) if own is not None else (Protocol.IP, number)


def parse_tos(text: str, option: str = "--tos") -> int:
    """Return the TOS byte for a number (`184`, `0xb8`) or a DSCP name (`EF`)."""
    takes = "0 to 255, 0xNN or a DSCP name (EF, AF41)"
    code = DSCP_NAMES.get(text.strip().upper())
    return code << 2 if code is not None else _whole(option, text, 0, 255, takes)


def parse_size(text: str, option: str = "--psize") -> int:
    """Return the size of the whole IP packet, in bytes."""
    return _whole(option, text, 1, MAX_PACKET, f"1 to {MAX_PACKET} bytes")


def parse_fill(text: str, option: str = "--bitpattern") -> int:
    """Return the payload byte; a number above 255 means a random byte, as in mtr."""
    value = _whole(option, text, 0, MAX_PACKET, "0 to 255, or above for a random one")
    return value if value <= 255 else secrets.randbelow(256)


def parse_mark(text: str, option: str = "--mark") -> int:
    """Return a netfilter mark, 32 bits, which firewalls and routing rules read."""
    return _whole(option, text, 0, 0xFFFF_FFFF, "0 to 4294967295")


def parse_ttl(text: str, option: str) -> int:
    """Return a TTL or hop limit, 1–255."""
    return _whole(option, text, 1, 255, "1 to 255")


def parse_count(text: str, option: str, high: int = 1_000_000_000) -> int:
    """Return a whole number from 1 to `high`."""
    return _whole(option, text, 1, high, f"1 to {high}")


def parse_confidence(text: str, option: str = "--confidence") -> float:
    """Return a probability, above 0 and below 1, for a percentage."""
    takes = "50 to 99.99 percent"
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        raise SettingError(option, text, takes) from None
    if not 50 <= value <= 99.99:
        raise SettingError(option, text, takes)
    return value / 100


def parse_seconds(text: str, option: str, low: float = 0.001, high: float = 3600.0) -> int:
    """Return the nanoseconds for a number of seconds from `low` to `high`."""
    takes = f"{low:g} to {high:g} seconds"
    try:
        value = float(text)
    except ValueError:
        raise SettingError(option, text, takes) from None
    if not math.isfinite(value) or not low <= value <= high:
        raise SettingError(option, text, takes)
    return round(value * NS_PER_S)


def check_ttls(first: int, last: int) -> None:
    """The first TTL does not lie beyond the last."""
    if first > last:
        raise SettingError("--first-ttl", first, f"1 to --max-ttl ({last})")


_Mode = TypeVar("_Mode", bound=enum.StrEnum)


def check_track(track: ProbeIdField, protocol: Protocol, port_is_fixed: bool) -> None:
    """Raise `SettingError` if `--track port` is impossible: each probe needs a port of its own."""
    if track is ProbeIdField.PORT and port_is_fixed:
        raise SettingError("--track", "port", "seq or id with --localport, which fixes the port")
    if track is ProbeIdField.PORT and not protocol.has_ports:
        raise SettingError("--track", "port", "seq or id without --tcp or --udp")


def mode_of(text: str | None, usual: _Mode, option: str) -> _Mode:
    """Return the member with this value, `usual` for None; `SettingError` lists all values."""
    if text is None:
        return usual
    modes = type(usual)
    try:
        return modes(text)
    except ValueError:
        *first, last = (mode.value for mode in modes)
        raise SettingError(option, text, f"{', '.join(first)} or {last}") from None
