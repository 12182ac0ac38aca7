"""Lookups for several sources: each address is asked once, and told to all who asked for it."""

import time
from collections.abc import Callable

from tests.helpers import local_servers
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.core.events import Event, HostNamed
from tui_trace.names import DnsServer, NameOptions
from tui_trace.names.shared_names import SharedNames

ADDRESS = "192.0.2.1"


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_address_is_asked_once_and_told_to_all_who_asked_for_it() -> None:
    with local_servers.DnsServer() as server:
        server.add("1.2.0.192.in-addr.arpa.", 300, "PTR", "core1.example.")
        server.add("core1.example.", 300, "A", ADDRESS)
        shared = SharedNames(
            NameOptions(server=DnsServer(server.host, server.port), documentation=True)
        )
        told: list[list[Event]] = [[], [], [], []]
        shares = [shared.share(each.append) for each in told]
        for share in shares:
            share.start()
        shares[0].want(ADDRESS)
        shares[1].want(ADDRESS)
        until(lambda: bool(told[0]) and bool(told[1]))
        assert shares[0].settle(20)
        asked = len(server.asked)
        shares[2].want(ADDRESS)
        (latest,) = [one for one in told[0] if isinstance(one, HostNamed)][-1:]
        assert told[2] == [latest], "what is known, not how it came to be"
        assert len(server.asked) == asked
        assert not told[3]
        for share in shares[:3]:
            share.stop()
        assert not shared.is_over
        shares[3].stop()
        assert shared.is_over
