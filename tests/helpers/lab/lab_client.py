"""Asking an internet of four hops, in process; scapy, which isn't ours, reads the answers."""

from typing import Any

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from tui_trace.lab.scenario_file import parse_scenario
from tui_trace.lab.simulator import Simulator

HERE, TARGET = "192.0.2.2", "203.0.113.80"
MS = 1_000_000


def answers(net: Simulator, packet: Any, now: int = 0) -> list[tuple[int, Any]]:
    """What comes back, dissected; every checksum in it is right."""
    got = []
    for at, raw in net.receive(bytes(packet), now):
        dissected = (IP if raw[0] >> 4 == 4 else IPv6)(raw)
        again = dissected.copy()
        for layer in (again, again.payload):
            for field in ("chksum", "cksum"):
                if field in layer.fields:
                    delattr(layer, field)
        assert bytes(again) == raw
        got.append((at, dissected))
    return got


def only(net: Simulator, packet: Any, now: int = 0) -> Any:
    """The one answer."""
    ((_, answer),) = answers(net, packet, now)
    return answer


def made(text: str) -> Simulator:
    """A net of hops r1, r2, ... and a target, with keys for some."""
    return Simulator(parse_scenario(text.encode(), "test.toml"))


def chain(**keys: str) -> Simulator:
    """Three routers and a target at 203.0.113.80; `r2="silent = true"` adds keys to a hop."""
    text = 'title = "chain"\n' + keys.get("top", "") + "\n"
    for number in (1, 2, 3):
        text += f'[[hops]]\nname = "r{number}"\nv4 = "198.18.0.{number}"\ndelay = 1\n'
        text += f'v6 = "2001:db8:1::{number}"\n' + keys.get(f"r{number}", "") + "\n"
    text += f'[[hops]]\nname = "target"\nv4 = "{TARGET}"\nv6 = "2001:db8:2::80"\ndelay = 1\n'
    return made(text + keys.get("target", "open = [80]") + "\n" + keys.get("more", ""))


def probe(ttl: int, transport: Any = None, **ip: Any) -> Any:
    """A probe to the target."""
    return IP(
        bytes(IP(src=HERE, dst=TARGET, ttl=ttl, id=77, **ip) / (transport or UDP(dport=33434)))
    )
