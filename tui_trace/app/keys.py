"""Every key of the live view, as data: footer, help, command palette and keymap come from it."""

from typing import NamedTuple


class Key(NamedTuple):
    """One thing that a key does."""

    id: str
    """Its name in the config file's `[keymap]`."""
    keys: str
    """Default keys, in Textual's names, with commas between."""
    action: str
    label: str
    """One or two words for the footer."""
    about: str
    """A sentence for the help screen, the command palette and the tooltip."""
    footer: bool = True
    priority: bool = False


GROUPS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "Probe",
        (
            Key("probe.tcp", "t", "protocol('tcp')", "TCP", "Probe with TCP"),
            Key("probe.udp", "u", "protocol('udp')", "UDP", "Probe with UDP"),
            Key("probe.icmp", "i", "protocol('icmp')", "ICMP", "Probe with ICMP echo"),
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
                False,
            ),
        ),
    ),
    (
        "Pace",
        (
            Key("pace.pause", "p,space", "pause", "pause", "Pause, and go on"),
            Key("pace.reset", "r", "reset", "reset", "Start counting afresh, in a new run"),
            Key("pace.slower", "plus", "slower", "slower", "Longer interval between rounds", False),
            Key("pace.faster", "minus", "faster", "faster", "Shorter interval", False),
            Key("pace.first", "f", "ask('first_ttl')", "first TTL", "First TTL probed", False),
            Key("pace.max", "m", "ask('max_ttl')", "max TTL", "Largest TTL probed", False),
        ),
    ),
    (
        "View",
        (
            Key("view.display", "d", "display", "display", "Latency, jitter or percentiles"),
            Key("view.columns", "o", "columns", "columns", "Choose the columns"),
            Key("view.inspect", "enter", "inspect", "inspect", "Inspect the selected hop"),
            Key("view.names", "n", "names", "names", "Names, addresses, or both"),
            Key("view.origins", "z", "origins", "ASN", "Show or hide AS numbers"),
            Key("view.whois", "w", "whois", "whois", "The registry's record of the hop", False),
            Key("view.up", "up", "select(-1)", "up", "Select the hop above", False),
            Key("view.down", "down", "select(1)", "down", "Select the hop below", False),
            Key("view.first", "home", "select(-1000)", "first", "Select the first hop", False),
            Key("view.last", "end", "select(1000)", "last", "Select the last hop", False),
            Key(
                "view.close", "escape", "close", "close", "Close inspector; no hop selected", False
            ),
            Key("view.copy", "y", "copy", "copy", "Copy the selected row as text", False),
        ),
    ),
    (
        "Over time",
        (
            Key("time.compare", "c", "compare", "compare", "Compare with another run"),
            Key("time.paths", "H", "paths", "paths", "Every path so far, and what moved"),
            Key("time.back", "left", "back(-1)", "back", "Back in time; probing goes on", False),
            Key("time.forward", "right", "back(1)", "forward", "Forward in time", False),
            Key("time.before", "left_square_bracket", "change(-1)", "before", "The change before"),
            Key("time.after", "right_square_bracket", "change(1)", "after", "The change after"),
            Key("time.live", "l", "live", "live", "Back to the present", False),
        ),
    ),
    (
        "Session",
        (
            Key("app.target", "slash", "ask('target')", "target", "Trace another target"),
            Key("app.export", "e", "ask('export')", "export", "Write view or session to a file"),
            Key("app.help", "question_mark,h", "help", "help", "This help"),
            Key("app.quit", "q", "leave", "quit", "Quit; the last table stays in the terminal"),
            Key("app.interrupt", "ctrl+c", "leave", "quit", "Quit, from anywhere", False, True),
        ),
    ),
)

KEYS: tuple[Key, ...] = tuple(key for _, keys in GROUPS for key in keys)
