"""The lab's name server and whois server, and who asks them, understand one another."""

import ipaddress

import pytest

from tests.helpers import local_servers
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.core.events import AsnFound, Event, HostNamed, OwnerFound
from tui_trace.lab.scenario_file import load_scenario, scenario_names
from tui_trace.lab.server_data import ServerData
from tui_trace.names import AsnSource, DnsServer, NameOptions, Radb
from tui_trace.names.service import Names


class LabDns(local_servers.DnsServer):
    def __init__(self, data: ServerData) -> None:
        super().__init__()
        self.data = data

    async def respond(self, wire: bytes, _transport: str) -> list[bytes]:
        answer = self.data.dns_reply(wire)
        return [] if answer is None else [answer]


class LabWhois(local_servers.WhoisServer):
    def __init__(self, data: ServerData) -> None:
        super().__init__()
        self.answers = Objects(data)


class Objects(dict[str, bytes]):
    def __init__(self, data: ServerData) -> None:
        super().__init__()
        self.data = data

    def get(self, question: str, default: bytes = b"") -> bytes:
        return self.data.whois_reply(question).encode() or default


@pytest.mark.parametrize("source", AsnSource)
@pytest.mark.parametrize("name", scenario_names())
def test_every_hop_of_every_scenario_is_known(name: str, source: AsnSource) -> None:
    scenario = load_scenario(name)
    data = ServerData(scenario, ("127.0.0.1",))
    told: list[Event] = []
    with LabDns(data) as dns, LabWhois(data) as whois:
        options = NameOptions(
            asn_source=source,
            owner=True,
            server=DnsServer(dns.host, dns.port),
            radb=Radb(service=str(whois.port)),
            documentation=True,
        )
        names = Names(told.append, options)
        names.start()
        hops = [(hop, text) for hop in scenario.all_hops() for text in (hop.v4, hop.v6) if text]
        for _, text in hops:
            names.want(text)
        assert names.settle(60)
        names.stop()
    last = {(type(event), event.address): event for event in told}
    for hop, text in hops:
        named = last[HostNamed, text]
        assert (named.names[0], named.confirmed) == (hop.name, True)
        assert (OwnerFound, text) in last
        routed = hop.asn is not None and not ipaddress.ip_address(text).is_link_local
        origin = last.get((AsnFound, text))
        assert routed == (origin is not None), text
        if origin is not None:
            assert origin.asns == (hop.asn,)
            assert ipaddress.ip_address(text) in ipaddress.ip_network(origin.prefix)
            if source is AsnSource.CYMRU and hop.owner:
                assert origin.names[0].startswith(hop.owner)
