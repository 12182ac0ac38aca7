"""Parameters that many tests share."""

import pytest

from tui_trace.core.settings import Protocol

OPEN_PORT = 443
"""Where the targets of the shared chains listen."""
FAMILIES = pytest.mark.parametrize("family", [4, 6])

OPTION: dict[Protocol, tuple[str, ...]] = {
    Protocol.ICMP: ("--icmp",),
    Protocol.UDP: ("-u",),
    Protocol.TCP: ("-T", "-P", str(OPEN_PORT)),
}
"""Options of ours for each protocol."""
THREE = tuple(OPTION)
PROTOCOLS = pytest.mark.parametrize("protocol", THREE)
TURNS = pytest.mark.parametrize(
    ("protocol", "family"),
    [(Protocol.ICMP, 6), (Protocol.UDP, 4), (Protocol.TCP, 4), (Protocol.TCP, 6)],
)
"""Every protocol and every family, for what takes seconds."""
MTR_OPTION: dict[Protocol, tuple[str, ...]] = {
    Protocol.ICMP: (),
    Protocol.UDP: ("-u",),
    Protocol.TCP: ("-T", "-P", str(OPEN_PORT)),
}
TRACEROUTE_OPTION: dict[Protocol, tuple[str, ...]] = {
    Protocol.ICMP: ("-I",),
    Protocol.UDP: (),
    Protocol.TCP: ("-T", "-p", str(OPEN_PORT)),
}


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
