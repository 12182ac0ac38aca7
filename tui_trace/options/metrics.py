"""`--metrics`: where metrics are served."""

import argparse
import re
from typing import NamedTuple

from tui_trace.core.ip_literals import parse_literal
from tui_trace.core.settings import SettingError

LOOPBACK = "127.0.0.1"
"""The address where only a port is given: nobody else can connect."""
_TAKES = "PORT, ADDR:PORT or [IPV6]:PORT: 9100, 192.0.2.1:9100, [::1]:9100"
_ADDRESS = re.compile(r"(?:(?:\[([^\[\]]+:[^\[\]]*)\]|([^\[\]:]+))?:)?([0-9]{1,5})", re.ASCII)


class ListenAddress(NamedTuple):
    """A local address and a TCP port."""

    host: str
    port: int


def add_metrics(parser: argparse.ArgumentParser) -> None:
    """Add the option to the parser."""
    parser.add_argument_group("for monitoring").add_argument(
        "--metrics", metavar="ADDR:PORT", help="serve OpenMetrics over HTTP (ADDR: 127.0.0.1)"
    )


def parse_listen_address(text: str, option: str = "--metrics") -> ListenAddress:
    """Return the address of `9100`, `:9100`, `192.0.2.1:9100` or `[::1]:9100`; `SettingError`."""
    found = _ADDRESS.fullmatch(text.strip())
    six, four, port = found.groups() if found else (None, None, "0")
    host = six or four or LOOPBACK
    address = parse_literal(LOOPBACK if host == "localhost" else host)
    if address is None or not 0 < int(port) < 1 << 16:
        raise SettingError(option, text, _TAKES)
    return ListenAddress(str(address), int(port))
