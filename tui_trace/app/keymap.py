"""Every key of the live view, as data: footer, help, command palette and keymap come from it."""

from typing import NamedTuple

_OF_THE_APP = ("leave", "help", "targets", "vantages", "next_target", "ring", "suspend")
"""Actions that the app does, not a screen."""


class Key(NamedTuple):
    """One key, and what it does."""

    id: str
    """Its name in the config file's `[keymap]`."""
    keys: str
    """Default keys, in Textual's names, with commas between."""
    action: str
    label: str
    """One or two words for the footer."""
    description: str
    """A sentence for the help screen, the command palette and the tooltip."""
    priority: bool = False

    @property
    def target_action(self) -> str:
        """The action with where it is done: by the app, or by the live screen."""
        return f"app.{self.action}" if self.action.startswith(_OF_THE_APP) else self.action


GROUPS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "Probe",
        (
            Key("probe.tcp", "t", "protocol('tcp')", "TCP", "Probe with TCP"),
            Key("probe.udp", "u", "protocol('udp')", "UDP", "Probe with UDP"),
            Key("probe.icmp", "i", "protocol('icmp')", "ICMP", "Probe with ICMP echo"),
            Key(
                "probe.quic",
                "U",
                "protocol('quic')",
                "QUIC",
                "Probe with QUIC, over UDP, which HTTP/3 servers answer",
            ),
            Key("probe.port", "P", "ask('port')", "port", "Destination port, number or service"),
            Key("probe.tos", "Q", "ask('tos')", "TOS", "TOS byte: 184, 0xb8, or EF, AF41, CS6…"),
            Key("probe.df", "F", "dont_fragment", "DF", "Don't fragment: on or off"),
            Key("probe.size", "S", "ask('size')", "size", "Packet size, bytes of the whole packet"),
            Key(
                "probe.flags",
                "A",
                "tcp_flags",
                "flags",
                "TCP flags: SYN, ACK, SYN+ACK, SYN+ECN",
            ),
            Key(
                "probe.mtu",
                "M",
                "path_mtu",
                "path MTU",
                "Find the path MTU now, or stop that; probing goes on",
            ),
            Key(
                "probe.flows",
                "x",
                "find_ways",
                "find ways",
                "Find every way through the network, or stop that; probing goes on",
            ),
            Key(
                "probe.watch",
                "W",
                "watch_ways",
                "watch ways",
                "Keep one flow a way going, so that each has its loss and RTT; or stop that",
            ),
            Key(
                "probe.diagnose",
                "D",
                "diagnose",
                "diagnose",
                "Diagnose: try protocols, a large packet and a mark in turns",
            ),
        ),
    ),
    (
        "Pace",
        (
            Key("pace.pause", "p,space", "pause", "pause", "Pause or resume"),
            Key("pace.reset", "r", "reset", "reset", "Reset the statistics in a new run"),
            Key("pace.slower", "plus", "slower", "slower", "Longer interval between rounds"),
            Key("pace.faster", "minus", "faster", "faster", "Shorter interval"),
            Key("pace.first", "f", "ask('first_ttl')", "first TTL", "First TTL probed"),
            Key("pace.max", "m", "ask('max_ttl')", "max TTL", "Largest TTL probed"),
        ),
    ),
    (
        "View",
        (
            Key("view.display", "d", "display", "display", "Latency, jitter or percentiles"),
            Key("view.columns", "o", "columns", "columns", "Choose the columns"),
            Key(
                "view.minute",
                "L",
                "last_minute",
                "last 60 s",
                "Figures of the last minute, or of the whole run",
            ),
            Key("view.inspect", "enter", "inspect", "inspect", "Inspect the selected hop"),
            Key(
                "view.charts",
                "g",
                "charts",
                "charts",
                "RTT over time, and recent outcomes of all hops",
            ),
            Key("view.names", "n", "names", "names", "Names, addresses, or both"),
            Key("view.origins", "z", "origins", "ASN", "Show or hide AS numbers"),
            Key("view.whois", "w", "whois", "whois", "Look up the hop in the registry (whois)"),
            Key("view.up", "up", "select(-1)", "up", "Select the hop above"),
            Key("view.down", "down", "select(1)", "down", "Select the hop below"),
            Key("view.first", "ctrl+home", "select(-1000)", "first", "Select the first hop"),
            Key("view.last", "ctrl+end", "select(1000)", "last", "Select the last hop"),
            Key(
                "view.close", "escape", "close", "close", "Close the inspector, or deselect the hop"
            ),
            Key("view.copy", "y", "copy", "copy", "Copy the selected row as text"),
        ),
    ),
    (
        "Over time",
        (
            Key(
                "time.compare",
                "c",
                "compare",
                "compare",
                "Compare with another run; there, o: of another session",
            ),
            Key("time.turns", "b", "alternate", "turns", "Alternate two settings, round by round"),
            Key("time.note", "N", "ask('note')", "note", "Pin a note to this moment"),
            Key(
                "time.findings",
                "V",
                "findings",
                "findings",
                "What is wrong, how sure that is and by which numbers",
            ),
            Key("time.paths", "H", "paths", "paths", "All paths so far, and what changed"),
            Key("time.ways", "G", "ways", "ways", "The ways through the network, as a graph"),
            Key("time.back", "left", "back(-1)", "back", "Back in time; probing continues"),
            Key("time.forward", "right", "back(1)", "forward", "Forward in time"),
            Key("time.before", "left_square_bracket", "change(-1)", "before", "Previous change"),
            Key("time.after", "right_square_bracket", "change(1)", "after", "Next change"),
            Key("time.start", "home", "back(-1000000)", "start", "Back to the start"),
            Key("time.end", "end", "back(1000000)", "end", "Forward to the present"),
            Key("time.live", "l", "live", "live", "Back to the present"),
        ),
    ),
    (
        "Session",
        (
            Key("app.targets", "T", "targets", "targets", "All targets, the worst first"),
            Key("app.vantages", "v", "vantages", "vantages", "The target from all vantages"),
            Key("app.next", "tab", "next_target(1)", "next", "The next target"),
            Key("app.previous", "shift+tab", "next_target(-1)", "previous", "The target before"),
            Key("app.target", "slash", "ask('target')", "target", "Trace another target"),
            Key("app.export", "e", "ask('export')", "export", "Write view or session to a file"),
            Key("app.bell", "B", "ring", "bell", "Bell, and a desktop notification, on episodes"),
            Key("app.help", "question_mark,h", "help", "help", "This help"),
            Key("app.quit", "q", "leave", "quit", "Quit; the last table stays in the terminal"),
            Key(
                "app.suspend",
                "ctrl+z",
                "suspend",
                "suspend",
                "Back to the shell: fg brings the view back, bg probes on without it",
                True,
            ),
            Key("app.interrupt", "ctrl+c", "leave", "quit", "Quit, from anywhere", True),
        ),
    ),
)

KEYS: tuple[Key, ...] = tuple(key for _, keys in GROUPS for key in keys)
KEY_BY_ID = {key.id: key for key in KEYS}

COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("protocol", "ask('protocol')", "Probe with any IP protocol, by name or number: gre, sctp, 89"),
    ("track", "ask('track')", "Header field that identifies a probe: seq, id or port"),
    (
        "session",
        "compare_session",
        "Compare with another session: a recording, or a file of another program's results",
    ),
    ("guess", "ask('guess')", "Quiz of the lab: the scenario's name; nothing typed: be told"),
    ("dnat", "ask('dnat')", "How to treat quotes that destination NAT rewrote: off, match, show"),
)
"""What is done too seldom for a key: name in the command palette, action, a sentence."""

FOOTER = (
    "probe.tcp",
    "probe.udp",
    "probe.icmp",
    "probe.port",
    "probe.tos",
    "probe.df",
    "probe.size",
    "time.compare",
    "time.findings",
    "time.paths",
    "time.ways",
    "view.inspect",
    "time.turns",
    "pace.pause",
    "view.charts",
    "view.display",
    "view.minute",
    "pace.reset",
    "time.before",
    "time.after",
    "app.export",
    "app.target",
    "view.columns",
    "view.names",
    "view.origins",
    "app.help",
    "app.quit",
)
"""The keys of the footer, the most important first: as many as have room are shown."""


REPLAYED = {
    "pace.pause": ("space", "play", "Play or pause; at the end, play again"),
    "pace.slower": ("plus", "faster", "Play faster"),
    "pace.faster": ("minus", "slower", "Play slower"),
}
"""Keys that do something else while a recording is played: default key, label, description."""

REPLAY_FOOTER = (
    *REPLAYED,
    "time.note",
    "time.before",
    "time.after",
    "time.back",
    "time.forward",
    "time.compare",
    "time.findings",
    "time.paths",
    "time.ways",
    "view.inspect",
    "view.charts",
    "view.display",
    "view.minute",
    "app.export",
    "view.columns",
    "view.names",
    "app.help",
    "app.quit",
)
"""The keys of the footer while a recording is played."""


def footer_keys(*, replayed: bool = False) -> list[Key]:
    """Return the keys of the footer, the most important first."""
    if not replayed:
        return [KEY_BY_ID[id] for id in FOOTER]
    by_id = dict(KEY_BY_ID)
    for id, (keys, label, description) in REPLAYED.items():
        by_id[id] = by_id[id]._replace(keys=keys, label=label, description=description)
    return [by_id[id] for id in REPLAY_FOOTER]
