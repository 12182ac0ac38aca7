"""The data of the lab's DNS and whois servers: names, AS numbers and owners of the scenario."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, TypeAlias

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

# dnspython imports these when it first needs them, but then this process may read no file
import dns.rdtypes.ANY.OPT
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.SOA
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.reversename
import dns.rrset

from tui_trace.lab.scenario import Scenario

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

TTL = 60
"""TTL of DNS answers in seconds."""
WHOIS_NAMES = ("whois.ra.net", "whois.radb.net", "whois.ripe.net")
REGISTRY, COUNTRY, ALLOCATED = "ripencc", "ZZ", "2020-01-01"

_SUFFIX = {4: dns.name.from_text("in-addr.arpa"), 6: dns.name.from_text("ip6.arpa")}
_ORIGIN = {
    4: dns.name.from_text("origin.asn.cymru.com"),
    6: dns.name.from_text("origin6.asn.cymru.com"),
}
_ASN = dns.name.from_text("asn.cymru.com")
_BITS = {4: 24, 6: 48}
"""Prefix length of the lab's networks."""


class AnnouncedNetwork(NamedTuple):
    """A network with its origin AS and its owner."""

    network: Network
    asn: int | None
    owner: str
    domain: str


class ServerData:
    """Answers DNS and whois queries; an invalid query gets no answer and raises nothing."""

    def __init__(self, scenario: Scenario, whois: tuple[str, ...]) -> None:
        """`whois` are the addresses of the whois server."""
        self._names: dict[dns.name.Name, list[str]] = {}
        self._pointers: dict[str, str] = {}
        self._networks: dict[Network, AnnouncedNetwork] = {}
        self._owners: dict[int, str] = {}
        for name in WHOIS_NAMES:
            self._names[dns.name.from_text(name)] = list(whois)
        for hop in scenario.all_hops():
            domain = ".".join(hop.name.split(".")[-2:])
            if hop.asn is not None:
                self._owners.setdefault(hop.asn, hop.owner)
            for text in (hop.v4, hop.v6):
                if text is None:
                    continue
                address = ip_address(text)
                self._names.setdefault(dns.name.from_text(hop.name), []).append(text)
                self._pointers[str(address)] = hop.name
                network = ip_network((address, _BITS[address.version]), strict=False)
                known = self._networks.get(network)
                if known is None or known.asn is None:
                    self._networks[network] = AnnouncedNetwork(network, hop.asn, hop.owner, domain)

    def _network_around(self, address: Address) -> AnnouncedNetwork | None:
        return self._networks.get(ip_network((address, _BITS[address.version]), strict=False))

    def dns_reply(self, raw: bytes) -> bytes | None:
        """Return the reply (RFC 1035) to a DNS query; None if `raw` is not a query."""
        try:
            query = dns.message.from_wire(raw)
            made = dns.message.make_response(query, recursion_available=True)
            if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
                return None
            self._fill(made, query.question[0].name, query.question[0].rdtype)
            return made.to_wire(max_size=1232)
        except (dns.exception.DNSException, ValueError, IndexError):
            return None

    def _fill(
        self, reply: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> None:
        reply.flags |= dns.flags.AA
        records = dict(self._records(name))
        if records.get(kind):
            reply.answer.append(dns.rrset.from_text_list(name, TTL, "IN", kind, records[kind]))
            return
        if not records:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        zone, soa = self._zone(name)
        reply.authority.append(dns.rrset.from_text(zone, TTL, "IN", "SOA", soa))

    def _records(self, name: dns.name.Name) -> Iterator[tuple[dns.rdatatype.RdataType, list[str]]]:
        addresses = self._names.get(name)
        if addresses is not None:
            yield dns.rdatatype.A, [text for text in addresses if ":" not in text]
            yield dns.rdatatype.AAAA, [text for text in addresses if ":" in text]
        if any(name.is_subdomain(suffix) for suffix in _SUFFIX.values()):
            pointer = (
                self._pointers.get(dns.reversename.to_address(name))
                if _names_one_address(name)
                else None
            )
            if pointer is not None:
                yield dns.rdatatype.PTR, [pointer + "."]
            zone, soa = self._zone(name)
            if zone == name:
                yield dns.rdatatype.SOA, [soa]
        elif name.is_subdomain(_ASN):
            text = self._origin(name)
            if text is not None:
                yield dns.rdatatype.TXT, [f'"{text}"']

    def _zone(self, name: dns.name.Name) -> tuple[dns.name.Name, str]:
        """Return the zone of `name` and its SOA record."""
        for network, announced in self._networks.items():
            zone = _reverse_zone(network)
            if name.is_subdomain(zone):
                return zone, _soa(announced.domain)
        return dns.name.root, _soa("lab.example")

    def _origin(self, name: dns.name.Name) -> str | None:
        for version, suffix in _ORIGIN.items():
            if name.is_subdomain(suffix):
                address = _address(name.relativize(suffix), version)
                found = None if address is None else self._network_around(address)
                if found is None or found.asn is None:
                    return None
                return f"{found.asn} | {found.network} | {COUNTRY} | {REGISTRY} | {ALLOCATED}"
        label = name.relativize(_ASN).to_text().upper()
        number = int(label[2:]) if re.fullmatch(r"AS[0-9]{1,10}", label) else None
        if number is None or number not in self._owners:
            return None
        owner = re.sub(r'["\\]', "", self._owners[number]) or f"AS{number}"
        return f"{number} | {COUNTRY} | {REGISTRY} | {ALLOCATED} | {owner}, {COUNTRY}"

    def whois_reply(self, line: str) -> str:
        """Return the RPSL objects of the network of the address in a query line."""
        for word in re.split(r"[\s,/]+", line):
            try:
                address = ip_address(word.removeprefix("!r"))
            except ValueError:
                continue
            found = self._network_around(address)
            if found is None:
                break
            network = found.network
            six = "6" if network.version == 6 else ""
            extent = str(network) if six else f"{network[0]} - {network[-1]}"
            text = (
                f"inet{six}num:        {extent}\n"
                f"netname:        {found.owner or found.domain}\n"
                f"descr:          {found.owner or found.domain}\n"
                f"country:        {COUNTRY}\n"
                f"e-mail:         hostmaster@{found.domain}\n\n"
            )
            if found.asn is not None:
                text += (
                    f"route{six}:          {found.network}\n"
                    f"descr:          {found.owner}\n"
                    f"origin:         AS{found.asn}\n"
                    "source:         LAB\n\n"
                )
            return text
        return "%  No entries found for the selected source(s).\n"


def _names_one_address(name: dns.name.Name) -> bool:
    """Return whether this reverse name is that of an address, not of a zone."""
    return len(name) == (7 if name.is_subdomain(_SUFFIX[4]) else 35)


def _reverse_zone(network: Network) -> dns.name.Name:
    full = dns.reversename.from_address(str(network.network_address))
    bits = 8 if network.version == 4 else 4
    return dns.name.Name(full.labels[(network.max_prefixlen - network.prefixlen) // bits :])


def _soa(domain: str) -> str:
    return f"ns1.{domain}. hostmaster.{domain}. 1 7200 3600 1209600 {TTL}"


def _address(reversed_name: dns.name.Name, version: int) -> Address | None:
    """Return the address of a reverse name; missing low nibbles are zeros."""
    labels = [label.decode("ascii", "replace") for label in reversed(reversed_name.labels)]
    try:
        if version == 4:
            return IPv4Address(".".join((labels + ["0"] * 4)[:4]))
        return IPv6Address(int("".join(labels).ljust(32, "0"), 16))
    except ValueError:
        return None
