"""What is near, and what stands for it."""

import pytest

from tests.helpers.event_builders import began, opened, reply
from tests.helpers.recordings.recording_builders import Told
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.core.stream import QueryRegistry, Switch, TakeTurns
from tui_trace.recording.redacted_source import RedactedSource
from tui_trace.redaction.redactor import Redactor
from tui_trace.report.collector import Collector

TARGET = "203.0.113.80"


def redactor(near: int = 0, *events: ev.Event, private: bool = False) -> Redactor:
    found = Redactor(near, private=private)
    for event in events:
        found.learn(event)
    return found


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.7.7", "100.64.0.1", "100.127.255.254",
     "fd12:3456::1", "fe80::1", "fe80::1%eth0", "::ffff:10.1.2.3", "FD12:3456:0::1"],
)  # fmt: skip
def test_private_addresses_are_hidden_however_they_are_written(address: str) -> None:
    hiding = redactor(private=True)
    for text in (address, f"nobody answers ARP for {address}.", f"({address})", f"a,{address};b"):
        shown = hiding.text(text)
        assert address not in shown
        assert "hidden-1" in shown
    assert "hidden-1" in hiding.text(f"[{address}]:443" if ":" in address else f"{address}:443")


@pytest.mark.parametrize(
    "text",
    ["203.0.113.1", "172.32.0.1", "100.128.0.1", "fec0::1", "2001:db8::10", "since 03:12:40",
     "10.1.2", "1.10.1.2.3", "a:b:c", "12.5 ms", "::", "..."],
)  # fmt: skip
def test_nothing_else_is(text: str) -> None:
    assert redactor(private=True).text(text) == text


def test_a_far_address_that_begins_as_a_near_one_does_stays() -> None:
    hiding = redactor(1, began(), reply(1, 1, address="198.18.0.1"))
    assert hiding.text("198.18.0.1 and 198.18.0.10, 2001:db8::1") == (
        "hidden-2 and 198.18.0.10, 2001:db8::1"
    )


def test_names_are_words_of_any_case_and_numbers_stay() -> None:
    named = ev.HostNamed(at=2, address="198.18.0.1", names=("gw", "GW.home.example", "42"))
    hiding = redactor(1, began(), reply(1, 1, address="198.18.0.1"), named)
    assert hiding.text("Gw lost 42 of gwen's, gw.HOME.example too") == (
        "hidden-2 lost 42 of gwen's, hidden-2 too"
    )


def test_the_owner_of_a_far_hop_is_told_though_a_near_one_has_the_same() -> None:
    near, far = (
        ev.AsnFound(at=2, address=address, asns=(64500,), names=("ISP-A",))
        for address in ("198.18.0.1", "198.18.0.9")
    )
    hiding = redactor(1, began(), reply(1, 1, address="198.18.0.1"), near)
    assert hiding.text("AS64500 ISP-A") == "hidden hidden"
    hiding.learn(far)
    assert hiding.text("AS64500 ISP-A") == "AS64500 ISP-A"
    assert hiding.event(far) == far
    assert hiding.event(near) is None


def test_the_target_is_near_only_by_a_private_address() -> None:
    answer = reply(1, 1, address=TARGET, reached=True, kind=ev.ReplyKind.ECHO)
    assert redactor(5, began(), answer).text(TARGET) == TARGET
    private = redactor(0, began(target="nas.home", address="192.168.1.9"), private=True)
    assert private.text("nas.home is 192.168.1.9") == "hidden-2 is hidden-2"
    assert private.target("printer.home", "192.168.1.10").startswith("hidden-")
    assert private.target("example.com", TARGET) == "example.com"


def test_what_a_nat_makes_of_this_machine_is_hidden() -> None:
    outside = ev.Change(ev.RewrittenField.SOURCE, "192.0.2.5", "198.18.77.7")
    seen = reply(1, 6, address="203.0.113.6", changed=(outside,))
    hiding = redactor(1, began(source="192.0.2.5"), seen)
    shown = hiding.event(seen)
    assert isinstance(shown, ev.Reply)
    assert (shown.changed[0].sent, shown.changed[0].received) == ("hidden-1", "hidden-2")
    assert shown.address == "203.0.113.6"


def test_commands_mean_what_they_say() -> None:
    mine = ProbeSettings(source="192.0.2.5", interface="eth7")
    inner = Told([began(source="192.0.2.5"), opened(probe=mine), ev.SessionEnded(at=NS_PER_S)])
    source = RedactedSource(inner, Redactor(1, words=["thismachine"]))
    collector = Collector()
    source.run(collector)
    shown = collector.snapshot().run.settings
    assert (shown.source, shown.interface) == ("hidden-1", "hidden-2")
    source.command(Switch(shown))
    source.command(TakeTurns((shown, ProbeSettings(tos=8))))
    source.command(QueryRegistry("hidden-1"))
    assert inner.commands == [Switch(mine), TakeTurns((mine, ProbeSettings(tos=8)))]
    source.pulse(2 * NS_PER_S)
    record = collector.snapshot().who["hidden-1"].registered
    assert record is not None
    assert "--hide" in record.error
