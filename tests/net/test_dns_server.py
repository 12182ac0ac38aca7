"""`--dns-server` is asked for the target, and not the system's resolver."""

from collections.abc import Iterator

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.nameserver import serve_names
from tests.helpers.network.netns import Netns, make_all


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    """It has a way to 127.0.0.1 and none to any other address."""
    (space,) = make_all(["resolver"])
    space.sysctl(ipv6__conf__lo__disable_ipv6=1)
    space.ip("link set lo up")
    serve_names(space, {"127.0.0.1": "both.example", "2001:db8::1": "both.example"})
    space.etc("resolv.conf", "nameserver 127.0.0.9\n")
    yield space
    space.delete()


def test_the_target_is_asked_of_it(space: Netns) -> None:
    args = ("-r", "-n", "-c1", "-Z0.2", "both.example")
    assert "unknown host" in tui_trace_process.program(space, *args, check=False).stderr
    report = tui_trace_process.program(space, "--dns-server", "127.0.0.1", *args).stdout
    assert "127.0.0.1" in report
