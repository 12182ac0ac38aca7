"""Reverse names inside a namespace, for programs that ask the system's resolver."""

import sys
from collections.abc import Mapping

from tests.helpers.network import tui_trace_process
from tests.helpers.network.netns import Netns

_SERVER = """
import json, sys, time
from dns.reversename import from_address
from tests.helpers.local_servers import DnsServer
names = json.loads(sys.argv[1])
with DnsServer("127.0.0.1", 53) as server:
    for address, name in names.items():
        server.add(from_address(address).to_text(), 60, "PTR", name + ".")
        server.add(name + ".", 60, "AAAA" if ":" in address else "A", address)
    print("ready", flush=True)
    while True:
        time.sleep(60)
"""


def serve_names(space: Netns, names: Mapping[str, str]) -> None:
    """What is in here finds these names of addresses in DNS, until the namespace ends."""
    space.etc("resolv.conf", "nameserver 127.0.0.1\n")
    space.etc("nsswitch.conf", "hosts: files dns\n")
    space.etc("hosts", "127.0.0.1 localhost\n")
    text = tui_trace_process.as_json(dict(names))
    server = space.popen(
        [sys.executable, "-c", _SERVER, text], stderr=None, env=tui_trace_process.environment()
    )
    assert server.stdout is not None
    if server.stdout.readline() != b"ready\n":
        raise AssertionError("no name server")
