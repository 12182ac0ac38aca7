"""The command that each key sends to the source. Pure: settings go in, a command comes out."""

from typing import NamedTuple

from msgspec.structs import replace

from tui_trace.app.render.styled_text import interval_words
from tui_trace.core.parse_values import (
    check_track,
    check_ttls,
    mode_of,
    parse_protocol,
    parse_size,
    parse_tos,
    parse_transport_port,
    parse_ttl,
)
from tui_trace.core.probe_size import fit_size
from tui_trace.core.probe_text import describe_protocol, describe_tos
from tui_trace.core.settings import (
    NS_PER_S,
    DnatMode,
    FlowMode,
    Pace,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    SettingError,
    SettingsHistory,
    TcpFlags,
)
from tui_trace.core.stream import (
    CONFIDENCE,
    Command,
    FindPathMtu,
    FindWays,
    SetPace,
    StopPathMtu,
    StopWays,
    Switch,
    TakeTurns,
    WatchWays,
)
from tui_trace.session.diagnosis import MOST_ROUNDS, settings_to_try
from tui_trace.session.snapshot import PathMtu, Run, Ways

INTERVALS = tuple(round(s * NS_PER_S) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))
"""Nanoseconds; the steps of the keys for faster and slower."""


class ControlResult(NamedTuple):
    """What a key changes."""

    command: Command | None
    """To send; None: nothing changes."""
    warning: str | None = None
    """One line to show."""


class ProbeControls:
    """The settings and the pace in use, and the ways to change them."""

    def __init__(
        self, switches: SettingsHistory, pace: Pace, confidence: float = CONFIDENCE
    ) -> None:
        """Begin with these settings and this pace; `family`, 4 or 6, is set once it is known."""
        self.switches = switches
        self.pace = pace
        self.family = 4
        self.is_alone = True
        """No other target is probed at the same time."""
        self._asked = {switches.current}
        self._before: ProbeSettings | None = None
        """Those in use before the last switch."""
        self.confidence = confidence
        """Probability that a search for ways misses none."""
        self._run = 0
        self._in_turns = False

    @property
    def settings(self) -> ProbeSettings:
        """The settings in use now."""
        return self.switches.current

    def protocol(self, name: str, number: int = 0) -> ControlResult:
        """Switch the protocol; it gets back the port and size that it had before.

        `number` is the number of any other IP protocol.
        """
        if (self.settings.protocol, self.settings.number) == (name, number):
            more = "; + and - change the interval" if name == Protocol.ICMP else ""
            return ControlResult(None, f"{describe_protocol(self.settings)} already{more}")
        before = self.settings
        self.switches.protocol(Protocol(name))
        return self._settings_changed(before, number=number)

    def dont_fragment(self) -> ControlResult:
        """Switch DF on or off."""
        if self.family == 6:
            return ControlResult(None, "IPv6 routers never fragment: there is no DF bit to change")
        return self._change(df=not self.settings.df)

    def tcp_flags(self) -> ControlResult:
        """Take the next of SYN, ACK, SYN+ACK, SYN+ECN."""
        if self.settings.protocol is not Protocol.TCP:
            return ControlResult(
                None, f"{self.settings.protocol.upper()} has no TCP flags: t switches to TCP"
            )
        return self.take_tcp_flags(self.next_tcp_flags)

    @property
    def next_tcp_flags(self) -> TcpFlags:
        """The TCP flags that follow those in use."""
        flags = list(TcpFlags)
        return flags[(flags.index(self.settings.tcp_flags) + 1) % len(flags)]

    def take_tcp_flags(self, flags: TcpFlags) -> ControlResult:
        """Take these TCP flags."""
        return self._change(tcp_flags=flags)

    def interval(self, direction: int) -> ControlResult:
        """Take the next longer (1) or shorter (-1) interval."""
        interval, why_not = self.next_interval(direction)
        return ControlResult(None, why_not) if interval is None else self.take_interval(interval)

    def next_interval(self, direction: int) -> tuple[int | None, str]:
        """Return the next longer (1) or shorter (-1) interval, in ns; or None and why."""
        now = self.pace.interval
        steps = [step for step in INTERVALS if (step - now) * direction > 0]
        if not steps:
            limit = "longest" if direction > 0 else "shortest"
            return None, f"{interval_words(now)} is the {limit} interval"
        return min(steps) if direction > 0 else max(steps), ""

    def take_interval(self, interval: int) -> ControlResult:
        """Take this interval, in ns."""
        return self._pace_changed(replace(self.pace, interval=interval))

    def pause(self) -> ControlResult:
        """Pause, or resume."""
        return self._pace_changed(replace(self.pace, paused=not self.pace.paused))

    def why_not(self, question: str) -> str | None:
        """Return why a value cannot be changed now; None if it can."""
        if question == "protocol" and not self.is_alone:
            return "other protocols take one target; t, u, i and U switch"
        return None

    def value(self, question: str) -> str:
        """Return the value in use, as the user would type it."""
        now, pace = self.settings, self.pace
        values = {
            "port": str(now.port) if now.port else "",
            "tos": describe_tos(now.tos).partition(" ")[0],
            "size": str(now.size),
            "protocol": str(now.number) if now.protocol is Protocol.IP else now.protocol.value,
            "track": now.track.value,
            "dnat": now.dnat.value,
            "first_ttl": str(pace.first_ttl),
            "max_ttl": str(pace.max_ttl),
        }
        return values.get(question, "")

    def check(self, question: str, text: str) -> None:
        """Raise `SettingError` if an answer can never be right."""
        if question == "port":
            parse_transport_port(text, self.settings.protocol)
        elif question in ("tos", "size"):
            self._read(question, text)
        elif question == "first_ttl":
            check_ttls(parse_ttl(text, "--first-ttl"), self.pace.max_ttl)
        elif question == "max_ttl":
            check_ttls(self.pace.first_ttl, parse_ttl(text, "--max-ttl"))

    def answer(self, question: str, text: str) -> ControlResult:
        """Set what was asked for; `SettingError` if the text can never be right."""
        match question:
            case "first_ttl":
                return self._ttls(parse_ttl(text, "--first-ttl"), self.pace.max_ttl)
            case "max_ttl":
                return self._ttls(self.pace.first_ttl, parse_ttl(text, "--max-ttl"))
            case "protocol":
                return self.protocol(*parse_protocol(text))
            case "port":
                protocol, port = parse_transport_port(text, self.settings.protocol)
                before = self.settings
                if protocol is not before.protocol:
                    self.switches.protocol(protocol)
                return self._settings_changed(before, number=0, port=port)
        return self._change(**{question: self._read(question, text)})

    def _read(self, question: str, text: str) -> object:
        now = self.settings
        match question:
            case "tos":
                return parse_tos(text)
            case "size":
                return parse_size(text)
            case "track":
                track = mode_of(text.lower(), ProbeIdField.SEQUENCE, "--track")
                check_track(track, now.protocol, now.source_port is not None)
                return track
            case "dnat":
                return mode_of(text.lower(), DnatMode.MATCH, "--dnat")
        raise ValueError(question)

    def _ttls(self, first: int, last: int) -> ControlResult:
        check_ttls(first, last)
        return self._pace_changed(replace(self.pace, first_ttl=first, max_ttl=last))

    def _change(self, **fields: object) -> ControlResult:
        return self._settings_changed(self.settings, **fields)

    def alternate_settings(
        self, pair: tuple[ProbeSettings, ProbeSettings] | None = None
    ) -> ControlResult:
        """Take turns between two settings, those now and before if none are given, or no more."""
        if pair is None and self._in_turns:
            return ControlResult(
                Switch(self.settings), f"stopped alternating: {describe_protocol(self.settings)}"
            )
        first, second = pair or (self._before, self.settings)
        if first is None:
            return ControlResult(None, "alternating needs two settings: change one first")
        if first == second:
            return ControlResult(None, "alternating needs two different settings")
        if second != self.settings:
            self._before, self.switches.current = self.settings, second
        self._asked |= {first, second}
        return ControlResult(TakeTurns((first, second)))

    def find_ways(self, ways: Ways) -> ControlResult:
        """Find every way through the network, or end a search under way."""
        latest = ways.latest
        if latest is not None and latest.end is None:
            return ControlResult(StopWays(), "search for ways stopped")
        one_flow = replace(
            self.settings, flow=FlowMode.CONSTANT, flows=1, track=ProbeIdField.SEQUENCE
        )
        search = FindWays(one_flow, self.confidence)
        text = f"finding every way, at most {search.budget} probes … · G shows them · x stops"
        return ControlResult(search, text)

    def find_path_mtu(self, search: PathMtu | None) -> ControlResult:
        """Find the path MTU, or end a search under way."""
        if search is not None and search.found is None:
            return ControlResult(StopPathMtu())
        return ControlResult(FindPathMtu(self.settings))

    def watch_ways(self, ways: Ways) -> ControlResult:
        """Keep one flow a way going, or end that."""
        if ways.watched is not None and not ways.watched.is_over:
            return ControlResult(StopWays(), "the ways are not watched any more")
        latest = ways.latest
        if latest is None:
            return ControlResult(None, "no way is known yet: x finds them")
        if latest.end is None:
            return ControlResult(None, "ways are still being found: x stops that")
        flows = tuple(flow.flow for flow in latest.cover)
        if not flows:
            return ControlResult(None, "no way is known: nobody answered")
        text = f"watching {len(flows)} {'way' if len(flows) == 1 else 'ways'} · G shows them"
        return ControlResult(WatchWays(latest.settings, flows, latest.last_ttl), text)

    def pin(self, settings: ProbeSettings, source_port: int) -> ControlResult:
        """Probe with the flow that has this source port, and these settings otherwise."""
        if not settings.protocol.has_ports:
            return ControlResult(None, "only flows of UDP and TCP have ports: u or t, then x")
        before = self.settings
        fields = {name: getattr(settings, name) for name in settings.__struct_fields__}
        return self._settings_changed(before, **{**fields, "source_port": source_port})

    def diagnosis(self, egress_mtu: int) -> TakeTurns:
        """Return turns of settings that differ by protocol, size and mark.

        `egress_mtu` is in bytes, 0 if it is not known.
        """
        settings = settings_to_try(self.switches, self.family, egress_mtu)
        self._asked.update(settings)
        return TakeTurns(settings, MOST_ROUNDS)

    def on_run_opened(self, run: Run) -> None:
        """Use the settings of the run in force if no key asked for them (`--mtu` did)."""
        if run.number != self._run and run.settings not in self._asked:
            self.switches.current = run.settings
        self._run = run.number
        self._in_turns = bool(run.turns_with)

    def _settings_changed(self, before: ProbeSettings, **fields: object) -> ControlResult:
        self.switches.change(**fields)
        self.switches.current, warning = fit_size(self.settings, self.family)
        self._asked.add(self.settings)
        if self.settings == before:
            return ControlResult(None, warning)
        self._before = before
        return ControlResult(Switch(self.settings), warning)

    def _pace_changed(self, pace: Pace) -> ControlResult:
        if pace == self.pace:
            return ControlResult(None)
        self.pace = pace
        return ControlResult(SetPace(pace))


__all__ = ["INTERVALS", "ControlResult", "ProbeControls", "SettingError"]
