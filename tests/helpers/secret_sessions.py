"""Sessions by chance in which everything that `--hide` has to hide is a string of its own."""

import random
from dataclasses import dataclass, field

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.event_streams import streams
from tui_trace.core import events as ev

SOURCE, GATEWAY, OUTSIDE = "198.18.99.77", "198.18.99.78", "198.18.99.79"
INTERFACE, VANTAGE = "secretwan0", "secretplace"
TARGET = "203.0.113.80"


@dataclass
class Secrets:
    """The events of a session, and what must not be shown of it."""

    events: list[ev.Event] = field(default_factory=list)
    near: set[str] = field(default_factory=set)
    """With `--hide N`."""
    private: set[str] = field(default_factory=set)
    """With `--hide private`; each has a private address."""


def address_of(place: int, private: bool) -> str:
    return f"10.177.{place}.{place + 100}" if private else f"198.18.{place}.{place + 100}"


def words_of(address: str) -> dict[str, str]:
    tag = address.replace(".", "-")
    return {
        "name": f"pop.h{tag}x.example",
        "owner": f"noc.h{tag}x@owner.example",
        "network": f"NET-H{tag}X",
        "abuse": f"abuse.h{tag}x@abuse.example",
        "asname": f"ASNAME-H{tag}X",
        "city": f"City H{tag}x",
        "exchange": f"IX-H{tag}X",
        "asn": f"AS{4_200_000_000 + int(address.replace('.', '')[-6:])}",
    }


def secrets_of(address: str) -> set[str]:
    return {address, *words_of(address).values()}


def lookups(at: int, address: str) -> list[ev.Event]:
    words = words_of(address)
    return [
        ev.HostNamed(at=at, address=address, names=(words["name"],), confirmed=True),
        ev.AsnFound(
            at=at, address=address, asns=(int(words["asn"][2:]),), names=(words["asname"],)
        ),
        ev.OwnerFound(at=at, address=address, owner=words["owner"]),
        ev.Located(at=at, address=address, city=words["city"], exchange=words["exchange"]),
        ev.RegistryRecord(
            at=at, address=address, network=words["network"], abuse=words["abuse"], range=address
        ),
    ]


@st.composite
def secret_sessions(draw, near: int):
    """A session of `streams`, each hop with addresses of its own, some also met elsewhere."""
    stream, *_ = draw(streams())
    rng = random.Random(draw(st.integers(0, 10_000)))
    found = Secrets()
    begun = replace(stream[0], source=SOURCE, vantage=VANTAGE, address=TARGET)
    found.near |= {SOURCE, GATEWAY, OUTSIDE, INTERFACE, VANTAGE}
    events: list[ev.Event] = [
        begun,
        ev.EgressFound(at=0, run=1, source=SOURCE, interface=INTERFACE, gateway=GATEWAY),
    ]
    met: set[str] = set()
    texts = [SOURCE, GATEWAY, INTERFACE]
    for told in stream[1:]:
        event = told
        if isinstance(event, ev.RunOpened):
            event = replace(
                event, settings=replace(event.settings, source=SOURCE, interface=INTERFACE)
            )
        if isinstance(event, ev.Reply) and not event.reached:
            # now and then a hop answers a TTL that is not its own
            place = rng.choice([event.ttl] * 6 + [1, 2, 3, 4])
            address = address_of(place + 4 * rng.randrange(2), rng.random() < 0.5)
            event = replace(
                event,
                address=address,
                quoted_ttl=1,
                changed=(ev.Change(ev.RewrittenField.SOURCE, SOURCE, OUTSIDE),),
                interfaces=(ev.Interface("incoming", 1, address),),
            )
            met.add(address)
            if event.ttl <= near:
                found.near |= secrets_of(address)
            if address.startswith("10."):
                found.private |= secrets_of(address)
        events.append(event)
        if met and rng.randrange(6) == 0:
            address = rng.choice(sorted(met))
            events += lookups(event.at, address)
            texts += [address, words_of(address)["name"], words_of(address)["name"].upper()]
        if rng.randrange(6) == 0:
            text = (
                f"it was {draw(st.sampled_from(texts))}, and (via {draw(st.sampled_from(texts))})"
            )
            kinds = (
                ev.Notice(at=event.at, text=text),
                ev.Note(at=event.at, text=text, moment=event.at),
                ev.SendFailed(at=event.at, run=1, ttl=1, errno=1, reason=text),
                ev.MtuFound(event.at, 1, 1400, ev.MtuSource.REPORTED, GATEWAY),
                ev.PathMtuFound(
                    event.at,
                    2,
                    ev.MtuSearchEnd.COMPLETE,
                    1400,
                    5,
                    limit=ev.MtuSource.REPORTED,
                    near_ttl=1,
                    near_address=GATEWAY,
                    far_ttl=2,
                    refused_by=GATEWAY,
                ),
            )
            events.append(rng.choice(kinds))
    for address in sorted(met):
        events += lookups(events[-1].at, address)
    found.events = [*events, ev.SessionEnded(at=events[-1].at + 1)]
    found.private |= {SOURCE, GATEWAY, OUTSIDE, INTERFACE, VANTAGE}
    return found
