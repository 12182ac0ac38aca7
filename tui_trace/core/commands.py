"""Commands as JSON, one object a line: what `--commands` reads, and what a remote source sends.

Each object has its kind in `command`. Decoding is strict: an unknown kind or key, or a value that
the command line would refuse, is an error, because a line that was half understood would measure
something else than its writer believes. A key that is missing has the value that the command line
gives it, so a line means the same whenever it comes.
"""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from tui_trace.core.ip_literals import parse_literal
from tui_trace.core.parse_values import check_track, check_ttls
from tui_trace.core.settings import (
    DEFAULT_PORT,
    DEFAULT_SIZE,
    MAX_FLOWS,
    MAX_PACKET,
    MAX_QUERIES,
    MAX_UNKNOWN,
    NS_PER_MS,
    NS_PER_S,
    Pace,
    ProbeSettings,
    Protocol,
    SettingError,
)
from tui_trace.core.stream import (
    CONFIDENCE,
    Command,
    FindPathMtu,
    FindWays,
    GoBack,
    QueryRegistry,
    Reset,
    SetAsnLookup,
    SetPace,
    StopPathMtu,
    StopWays,
    Switch,
    TakeTurns,
    WatchWays,
)
from tui_trace.core.way_map import MAX_WAY_FLOWS

LONGEST_LINE = 64 << 10
"""Most bytes of a line: 64 settings, which may take turns, are about 30 kB."""
MAX_TURNS = 64
"""Most settings that may take turns; a session remembers no more partners of a run."""
MAX_BUDGET = 100_000
"""Most probes of a search for ways: at its pace, more than an hour."""
MIN_LARGEST = 68
"""The least size that a search for the path MTU may begin with: every link carries so much."""
_NOT_GIVEN = -1
_OWN = frozenset({1, 6, 17, 58})
"""IP protocols that have a `Protocol` of their own: ICMP, TCP, UDP, ICMPv6."""

_Times = Annotated[int, Meta(ge=NS_PER_MS, le=3600 * NS_PER_S)]
"""Nanoseconds, in the range of `--interval` and `--timeout`."""
_Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
_Ttl = Annotated[int, Meta(ge=1, le=255)]


class CommandError(ValueError):
    """A line that is no command; `str()` says why, in one line."""


class Stop(msgspec.Struct, frozen=True):
    """End the session. No command of a source: `Source.stop` does it."""


class KeepAlive(msgspec.Struct, frozen=True):
    """End the session unless another line comes in time, and so on after each line.

    No command of a source, but of who reads the lines: a link may die without an end of input.
    """

    seconds: int
    """1 to 3600."""


Line: TypeAlias = Command | Stop | KeepAlive
"""What a line may say."""


class _SettingsLine(ProbeSettings, frozen=True, forbid_unknown_fields=True):
    """`ProbeSettings` with the ranges of the command line; port and size depend on the protocol."""

    port: Annotated[int, Meta(ge=0, le=65_535)] = _NOT_GIVEN
    source_port: Annotated[int, Meta(ge=1, le=65_535)] | None = None
    size: Annotated[int, Meta(ge=1, le=MAX_PACKET)] = _NOT_GIVEN
    flows: Annotated[int, Meta(ge=1, le=MAX_FLOWS)] = 1
    source: Annotated[str, Meta(max_length=64)] | None = None
    interface: (
        Annotated[str, Meta(min_length=1, max_length=15, pattern=r"^[^\s/\x00]+$")] | None
    ) = None

    def settings(self) -> ProbeSettings:
        """Return the settings; `SettingError` if the command line would refuse them."""
        protocol = self.protocol
        has_ports = protocol.has_ports
        port = DEFAULT_PORT[protocol] if self.port == _NOT_GIVEN else self.port
        size = DEFAULT_SIZE[protocol] if self.size == _NOT_GIVEN else self.size
        if has_ports and port == 0:
            raise SettingError("port", port, "1 to 65535 with tcp, udp and quic")
        if not has_ports and port != 0:
            raise SettingError("port", port, f"0 with {protocol}, which has no ports")
        if protocol is Protocol.IP and self.number in _OWN:
            raise SettingError("number", self.number, "a protocol other than icmp, tcp and udp")
        if self.spoofed_source:
            raise SettingError("foreign", True, "false: an address of this machine is needed")
        if self.source is not None and parse_literal(self.source) is None:
            raise SettingError("source", self.source, "an IP address")
        if has_ports:
            # without ports both stand for nothing, and wait for the next protocol that has some
            check_track(self.track, protocol, self.source_port is not None)
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return ProbeSettings(**{**fields, "port": port, "size": size})


class _PaceLine(Pace, frozen=True, forbid_unknown_fields=True):
    """`Pace` with the ranges of the command line."""

    interval: _Times = NS_PER_S
    first_ttl: _Ttl = 1
    max_ttl: _Ttl = 30
    queries: Annotated[int, Meta(ge=1, le=MAX_QUERIES)] = 1
    max_unknown: Annotated[int, Meta(ge=1, le=MAX_UNKNOWN)] = 5
    wait: _Times | None = None
    rounds: _Count | None = None
    next_probe_after: _Times | None = None

    def pace(self) -> Pace:
        """Return the pace; `SettingError` if its first TTL lies beyond the last."""
        check_ttls(self.first_ttl, self.max_ttl)
        return Pace(**{name: getattr(self, name) for name in self.__struct_fields__})


class _Line(msgspec.Struct, frozen=True, tag_field="command", forbid_unknown_fields=True):
    """The base of all kinds of lines, each of which has its `command()`."""


class _SwitchLine(_Line, frozen=True, tag="switch"):
    settings: _SettingsLine

    def command(self) -> Switch:
        return Switch(self.settings.settings())


class _TakeTurnsLine(_Line, frozen=True, tag="take-turns"):
    settings: Annotated[tuple[_SettingsLine, ...], Meta(min_length=2, max_length=MAX_TURNS)]
    rounds: _Count | None = None

    def command(self) -> TakeTurns:
        settings = tuple(each.settings() for each in self.settings)
        if len(set(settings)) < len(settings):
            raise CommandError("settings that take turns must differ")
        return TakeTurns(settings, self.rounds)


class _FindWaysLine(_Line, frozen=True, tag="find-ways"):
    settings: _SettingsLine
    confidence: Annotated[float, Meta(ge=0.5, le=0.9999)] = CONFIDENCE
    budget: Annotated[int, Meta(ge=1, le=MAX_BUDGET)] = 3000

    def command(self) -> FindWays:
        return FindWays(self.settings.settings(), self.confidence, self.budget)


class _WatchWaysLine(_Line, frozen=True, tag="watch-ways"):
    settings: _SettingsLine
    flows: Annotated[
        tuple[Annotated[int, Meta(ge=0, lt=MAX_WAY_FLOWS)], ...],
        Meta(min_length=1, max_length=MAX_WAY_FLOWS),
    ]
    last_ttl: _Ttl

    def command(self) -> WatchWays:
        return WatchWays(self.settings.settings(), self.flows, self.last_ttl)


class _StopWaysLine(_Line, frozen=True, tag="stop-ways"):
    def command(self) -> StopWays:
        return StopWays()


class _FindPathMtuLine(_Line, frozen=True, tag="find-path-mtu"):
    settings: _SettingsLine
    largest: Annotated[int, Meta(ge=MIN_LARGEST, le=MAX_PACKET)] | None = None

    def command(self) -> FindPathMtu:
        return FindPathMtu(self.settings.settings(), self.largest)


class _StopPathMtuLine(_Line, frozen=True, tag="stop-path-mtu"):
    def command(self) -> StopPathMtu:
        return StopPathMtu()


class _GoBackLine(_Line, frozen=True, tag="go-back"):
    def command(self) -> GoBack:
        return GoBack()


class _SetPaceLine(_Line, frozen=True, tag="set-pace"):
    pace: _PaceLine

    def command(self) -> SetPace:
        return SetPace(self.pace.pace())


class _ResetLine(_Line, frozen=True, tag="reset"):
    def command(self) -> Reset:
        return Reset()


class _AsnLookupLine(_Line, frozen=True, tag="set-asn-lookup"):
    origins: bool

    def command(self) -> SetAsnLookup:
        return SetAsnLookup(self.origins)


class _QueryRegistryLine(_Line, frozen=True, tag="query-registry"):
    address: Annotated[str, Meta(max_length=64)]

    def command(self) -> QueryRegistry:
        if parse_literal(self.address) is None:
            raise SettingError("address", self.address, "an IP address")
        return QueryRegistry(self.address)


class _StopLine(_Line, frozen=True, tag="stop"):
    def command(self) -> Stop:
        return Stop()


class _KeepAliveLine(_Line, frozen=True, tag="keep-alive"):
    seconds: Annotated[int, Meta(ge=1, le=3600)]

    def command(self) -> KeepAlive:
        return KeepAlive(self.seconds)


_AnyLine: TypeAlias = (
    _SwitchLine
    | _TakeTurnsLine
    | _FindWaysLine
    | _WatchWaysLine
    | _StopWaysLine
    | _FindPathMtuLine
    | _StopPathMtuLine
    | _GoBackLine
    | _SetPaceLine
    | _ResetLine
    | _AsnLookupLine
    | _QueryRegistryLine
    | _StopLine
    | _KeepAliveLine
)
_decoder: msgspec.json.Decoder[_AnyLine] = msgspec.json.Decoder(_AnyLine)
_KINDS: dict[type, str] = {
    Switch: "switch",
    TakeTurns: "take-turns",
    FindWays: "find-ways",
    WatchWays: "watch-ways",
    StopWays: "stop-ways",
    FindPathMtu: "find-path-mtu",
    StopPathMtu: "stop-path-mtu",
    GoBack: "go-back",
    SetPace: "set-pace",
    Reset: "reset",
    SetAsnLookup: "set-asn-lookup",
    QueryRegistry: "query-registry",
    Stop: "stop",
    KeepAlive: "keep-alive",
}


def encode_command(command: Line) -> bytes:
    """Return one line of JSON, without the newline; `KeyError` for a command without a form."""
    fields: dict[str, Any] = msgspec.to_builtins(command)
    return msgspec.json.encode({"command": _KINDS[type(command)], **fields})


def decode_command(line: bytes) -> Line:
    """Return the command of one line; raise `CommandError` for anything else."""
    try:
        return _decoder.decode(line).command()
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        raise CommandError(" ".join(str(error).split())) from None
