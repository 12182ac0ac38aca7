from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.events import (
    AsnFound,
    Event,
    HostNamed,
    Located,
    OwnerFound,
    RegistryRecord,
    decode_event,
    encode,
)
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import UNKNOWN_HOST, AddressInfo

NAMED = HostNamed(1, "192.0.2.1", ("a.example", "xn--bcher-kva.example"), True)
ORIGIN = AsnFound(2, "192.0.2.1", (64500, 64501), "192.0.2.0/24", "DE", "ripencc")
OWNED = OwnerFound(3, "192.0.2.1", "noc@example.net")
LOCATED = Located(4, "192.0.2.1", "DE-CIX", "Frankfurt am Main", "DE", "GeoLite2-City")
REGISTERED = RegistryRecord(4, "192.0.2.1", network="TEST-NET-1")


def who(*events: Event) -> dict[str, AddressInfo]:
    session = Session()
    for event in events:
        session.apply(decode_event(encode(event)))
    return session.snapshot().who


def test_what_is_learnt_of_an_address_comes_together() -> None:
    known = who(NAMED, ORIGIN, OWNED, REGISTERED, LOCATED)
    assert known == {"192.0.2.1": AddressInfo(NAMED, ORIGIN, OWNED, REGISTERED, LOCATED)}
    assert known["192.0.2.1"].names == ("a.example", "xn--bcher-kva.example")
    assert known["192.0.2.1"].asn == "AS64500/AS64501"
    assert known["192.0.2.1"].owner == "noc@example.net"
    assert known["192.0.2.1"].city == "Frankfurt am Main, DE"
    assert known["192.0.2.1"].exchange == "DE-CIX"


def test_a_country_without_a_city_and_the_other_way_round() -> None:
    address = "192.0.2.1"
    assert who(Located(1, address, country="DE"))[address].city == "DE"
    assert who(Located(1, address, city="Paris"))[address].city == "Paris"


def test_of_a_stranger_nothing_is_known() -> None:
    assert who() == {}
    assert (UNKNOWN_HOST.names, UNKNOWN_HOST.asn, UNKNOWN_HOST.owner) == ((), "", "")
    assert (UNKNOWN_HOST.city, UNKNOWN_HOST.exchange) == ("", "")


def test_an_idn_is_read_in_both_forms() -> None:
    shown = ("bücher.example (xn--bcher-kva.example)",)
    event = HostNamed(1, "192.0.2.1", ("xn--bcher-kva.example",), None, shown)
    assert who(event)["192.0.2.1"].names == shown


def test_a_snapshot_does_not_change_any_more() -> None:
    session = Session()
    session.apply(NAMED)
    before = session.snapshot()
    session.apply(HostNamed(2, "192.0.2.1"))
    assert before.who["192.0.2.1"].names == NAMED.names
    assert session.snapshot().who["192.0.2.1"].names == ()


EVENTS = st.sampled_from([NAMED, ORIGIN, OWNED, REGISTERED, LOCATED]).flatmap(
    lambda event: st.builds(
        type(event), st.just(0), st.sampled_from(["192.0.2.1", "2001:db8::1", "fe80::1%a"])
    )
)


@given(st.lists(EVENTS | st.sampled_from([NAMED, ORIGIN, OWNED, REGISTERED, LOCATED])))
def test_the_last_word_counts_for_each_kind(events: list[Event]) -> None:
    known = who(*events)
    assert set(known) == {event.address for event in events}
    last = {(event.address, type(event)): event for event in events}
    found = {
        (address, type(event)): event
        for address, each in known.items()
        for event in (each.named, each.origin, each.owned, each.registered, each.located)
        if event is not None
    }
    assert found == last
