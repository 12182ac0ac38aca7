import asyncio
import ipaddress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers import local_servers
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.core.events import HostNamed
from tui_trace.names import DnsServer, dns_lookups, etc_hosts
from tui_trace.names.etc_hosts import EtcHosts
from tui_trace.names.resolver import Resolver

HOST = ipaddress.ip_address("192.168.1.1")
FILE = """\
# a comment
127.0.0.1 localhost
192.168.1.1 router.home router # ours
fe80::1%eth0\tgateway
0.0.0.0 advertisement.example
192.168.1.1 again
nonsense here
192.168.1.2
"""


def test_the_names_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    local = EtcHosts(str(file))
    assert local.names(HOST) == ()
    file.write_text(FILE)
    assert local.names(HOST) == ("router.home", "router", "again")
    assert local.names(ipaddress.ip_address("fe80::1")) == ("gateway",)
    assert local.names(ipaddress.ip_address("192.168.1.2")) == ()
    file.unlink()
    file.write_text("192.168.1.1 other")
    assert local.names(HOST) == ("other",)


def test_a_file_without_end_is_read_so_far(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_bytes(FILE.encode() + b"\n" * etc_hosts.MAX_BYTES + b"192.168.1.9 far")
    assert EtcHosts(str(file)).names(ipaddress.ip_address("192.168.1.9")) == ()
    assert EtcHosts(str(file)).names(HOST) != ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.text(alphabet="192.168 #\n\x00a:").map(str.encode))
def test_any_file_is_read(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "hosts"
    file.write_bytes(content)
    EtcHosts(str(file)).names(HOST)


def test_what_the_file_names_is_asked_of_nobody(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text(FILE)

    async def ask(local: EtcHosts | None) -> list[HostNamed]:
        resolver = Resolver(DnsServer(dns.host, dns.port))
        return [named async for named, _ in dns_lookups.look_up_names(resolver, local, HOST)]

    with local_servers.DnsServer() as dns:
        dns.add("1.1.168.192.in-addr.arpa.", 60, "PTR", "other.home.")
        told = asyncio.run(ask(EtcHosts(str(file))))
        assert told == [HostNamed(0, str(HOST), ("router.home", "router", "again"), True)]
        assert dns.asked == []
        assert asyncio.run(ask(None))[0].names == ("other.home",)
