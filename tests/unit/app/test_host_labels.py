"""Who is on the path, as the view tells it: names, AS numbers, the registry's record."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.helpers.app.app_driver import anew, drawn, seen, watching
from tests.helpers.app.fake_source import ADDRESS, FakeSource, folded, path
from tests.helpers.app.scripts import HOSTILE
from tui_trace.app.render.final_table import format_final_table
from tui_trace.app.render.styled_text import plain
from tui_trace.app.render.table_layout import ColumnDemand, header, lay_out, row
from tui_trace.app.widgets.hop_inspector import inspect
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.stream import QueryRegistry, SetAsnLookup
from tui_trace.report.hop_columns import ALWAYS, COLUMNS, columns_of
from tui_trace.session.host_labels import HostLabels, LabelMode

AT = 5 * NS_PER_S
GATEWAY = "10.0.0.1"
FIREWALL = "203.0.113.1"


def answers() -> Iterable[ev.Event]:
    """What resolvers and registries say of the made-up path."""
    yield ev.HostNamed(at=AT, address=GATEWAY, names=("gw.example",), confirmed=True)
    yield ev.HostNamed(
        at=AT, address=FIREWALL, names=("fw.example", "old.example"), confirmed=False
    )
    yield ev.HostNamed(
        at=AT,
        address=ADDRESS,
        names=("xn--bcher-kva.example",),
        shown=("bücher.example (xn--bcher-kva.example)",),
    )
    yield ev.AsnFound(
        at=AT,
        address=FIREWALL,
        asns=(64496, 64511),
        prefix="203.0.113.0/24",
        country="DE",
        registry="ripencc",
        names=("EXAMPLE-NET", ""),
    )
    yield ev.AsnFound(at=AT, address="198.51.100.13", asns=(64500,))
    yield ev.OwnerFound(at=AT, address=FIREWALL, owner="hostmaster@example.net")
    yield ev.Located(AT, FIREWALL, "France-IX", "Paris", "FR", "GeoLite2-City of 2026-11-03")
    yield ev.Located(AT, "198.51.100.13", exchange="LINX")


def text(hop, layout, labels) -> list[str]:
    return [plain(line) for line in row(hop, layout, labels)]


def test_a_row_tells_name_and_as_number_of_every_address() -> None:
    snapshot = folded([*path(5), *answers()])
    labels = HostLabels(snapshot.who)
    hops = snapshot.run.hops
    layout = lay_out(columns_of("latency"), 140, ColumnDemand().grown_to(hops, labels))
    assert text(hops[0], layout, labels)[0].split()[:3] == ["1", "gw.example", "0.0"]
    assert text(hops[4], layout, labels)[0].split()[:3] == ["5", "fw.example", "64496/64511"]
    assert "bücher.example (xn--bcher-kva.example)" in text(hops[5], layout, labels)[0]
    first, second = text(hops[3], layout, labels)
    assert first.split()[1] == "198.51.100.9"
    assert second.split() == ["198.51.100.13", "64500"]
    at = header(layout).index("ASN")
    assert second[at:].startswith("64500")


def test_chosen_columns_tell_where_every_address_is() -> None:
    snapshot = folded([*path(5), *answers()])
    labels = HostLabels(snapshot.who)
    hops = snapshot.run.hops
    layout = lay_out(("city", "exchange"), 140, ColumnDemand().grown_to(hops, labels))
    assert text(hops[4], layout, labels)[0].split()[-3:] == ["Paris,", "FR", "France-IX"]
    assert text(hops[0], layout, labels)[0].split() == ["1", "gw.example"]
    _, second = text(hops[3], layout, labels)
    assert second.split() == ["198.51.100.13", "LINX"]
    assert not {"city", "exchange"} & set(columns_of("latency"))


def test_without_as_numbers_there_is_no_column_for_them() -> None:
    hops = folded(path(5)).run.hops
    assert "ASN" not in header(lay_out(columns_of("latency"), 200, ColumnDemand().grown_to(hops)))


@pytest.mark.parametrize(
    ("label_mode", "called"),
    [
        (LabelMode.NAME, "gw.example"),
        (LabelMode.ADDRESS, GATEWAY),
        (LabelMode.BOTH, f"gw.example ({GATEWAY})"),
    ],
)
def test_ways_to_call_an_address(label_mode: LabelMode, called: str) -> None:
    labels = HostLabels(folded([*path(1), *answers()]).who, label_mode)
    assert labels.host(GATEWAY) == called
    assert labels.host("198.51.100.1") == "198.51.100.1", "no name, no brackets"


@given(st.integers(1, 60))
def test_a_long_name_gives_way_to_its_address(width: int) -> None:
    name = "a-very-long-name-of-a-router.pop7.example.net"
    who = folded([*path(1), ev.HostNamed(at=AT, address=GATEWAY, names=(name,))]).who
    called = HostLabels(who, LabelMode.BOTH).host(GATEWAY, width)
    assert called == GATEWAY or called.endswith(f"… ({GATEWAY})") or called == f"{name} ({GATEWAY})"
    assert len(called) <= max(width, len(GATEWAY))


def test_at_80_columns_names_and_as_numbers_fit() -> None:
    snapshot = folded([*path(5), *answers()])
    layout = lay_out(columns_of("latency"), 80, ColumnDemand(host=40, asn=11, notes=6))
    widths = {placed.column.id: placed.width for placed in layout.placed}
    assert widths["host"] >= 20
    assert widths["asn"] >= COLUMNS["asn"].width
    assert {"loss", "sent", "last", "avg", "max", "notes"} <= set(widths)
    assert len(header(layout)) <= 80
    assert snapshot.who


@given(
    st.lists(st.sampled_from([name for name in COLUMNS if name not in ALWAYS]), unique=True),
    st.builds(ColumnDemand, st.integers(0, 90), st.integers(0, 90), asn=st.integers(0, 30)),
    st.integers(20, 250),
)
def test_any_wish_fits(chosen: list[str], demand: ColumnDemand, width: int) -> None:
    assert cell_len(header(lay_out(chosen, width, demand))) <= width


def test_the_parting_table_has_names() -> None:
    told = format_final_table(folded([*path(5), *answers()]), 100)
    assert "gw.example" in told
    assert "64496/64511" in told


def told_of(ttl: int, events: Iterable[ev.Event], width: int = 120, height: int = 16) -> str:
    snapshot = folded([*path(5), *events])
    lines = inspect(snapshot.run.hops[ttl - 1], width, height, HostLabels(snapshot.who))
    return "\n".join(plain(line) for line in lines)


def test_the_inspector_tells_all_that_is_known() -> None:
    told = told_of(5, answers())
    assert told.startswith("─ hop 5  fw.example  203.0.113.1  AS64496/AS64511 ──")
    assert "203.0.113.1 ×5  fw.example (not forward-confirmed), old.example" in told
    assert (
        "AS64496 EXAMPLE-NET · AS64511 · 203.0.113.0/24 · DE · ripencc"
        " · owner hostmaster@example.net" in told
    )
    assert "at France-IX · Paris, FR (GeoLite2-City of 2026-11-03)" in told
    assert "gw.example (forward-confirmed)" in told_of(1, answers())
    assert "bücher.example (xn--bcher-kva.example)" in told_of(6, answers())


def test_the_inspector_shows_the_registrys_record_or_why_there_is_none() -> None:
    record = ev.RegistryRecord(
        at=AT,
        address=FIREWALL,
        network="EXAMPLE-NET",
        range="203.0.113.0/24",
        organisation="Example Ltd",
        country="DE",
        abuse="abuse@example.net",
        registry="ripencc",
    )
    assert (
        "whois EXAMPLE-NET · 203.0.113.0/24 · Example Ltd · DE · abuse abuse@example.net · ripencc"
        in told_of(5, [record])
    )
    failed = ev.RegistryRecord(at=AT, address=FIREWALL, error="no answer in 15 s")
    assert "whois: no answer in 15 s" in told_of(5, [failed])


@settings(deadline=None)
@given(st.text(max_size=300))
def test_what_strangers_say_of_an_address_is_only_text(bad: str) -> None:
    events = [
        ev.HostNamed(at=AT, address=FIREWALL, names=(bad, bad), shown=(bad, bad), confirmed=True),
        ev.AsnFound(
            at=AT, address=FIREWALL, asns=(1,), prefix=bad, country=bad, registry=bad, names=(bad,)
        ),
        ev.OwnerFound(at=AT, address=FIREWALL, owner=bad),
        ev.RegistryRecord(at=AT, address=FIREWALL, network=bad, organisation=bad, abuse=bad),
    ]
    snapshot = folded([*path(5), *events])
    hop = snapshot.run.hops[4]
    for label_mode in LabelMode:
        labels = HostLabels(snapshot.who, label_mode)
        layout = lay_out(columns_of("latency"), 120, ColumnDemand().grown_to([hop], labels))
        lines = [*row(hop, layout, labels), *inspect(hop, 120, 12, labels)]
        for line in lines:
            shown = "".join(piece for piece, _ in line)
            assert shown.isprintable()
            assert cell_len(shown) <= 120


async def test_names_come_into_rows_that_are_there_and_only_those_are_drawn_again() -> None:
    async with watching(size=(120, 30)) as watch:
        assert GATEWAY in watch.text("#hops")
        # the first name may widen the column, which draws everything
        watch.source.play(ev.HostNamed(at=AT, address=ADDRESS, names=("x" * 30,)))
        await watch.until(lambda: "x" * 30 in watch.text("#hops"))
        before = drawn(watch)
        watch.source.play(ev.HostNamed(at=AT, address=GATEWAY, names=("gw.example",)))
        await watch.until(lambda: "gw.example" in watch.text("#hops"))
        assert anew(before, watch) == ["gw.example"]
        before = drawn(watch)
        watch.source.play(ev.HostNamed(at=AT, address="192.0.2.99", names=("elsewhere.example",)))
        await watch.until(lambda: "192.0.2.99" in seen(watch).who)
        await watch.pilot.pause(0.1)
        assert anew(before, watch) == [], "nobody on the path"


async def test_hostile_names_on_the_screen() -> None:
    script = [*path(2), ev.HostNamed(at=AT, address=GATEWAY, names=(HOSTILE,), confirmed=True)]
    async with watching(FakeSource(script), size=(120, 30)) as watch:
        await watch.press("down", "enter")
        text = watch.text("#hops") + watch.text("#inspector")
        assert r"\x1b]0;owned\x07[b]bold[/b]" in text
        assert "\x1b" not in text
        await watch.press("y")
        assert "\x1b" not in watch.app.clipboard
        assert r"\x1b]0;" in watch.app.clipboard


async def test_n_goes_round_name_address_both() -> None:
    async with watching(FakeSource([*path(5), *answers()]), size=(120, 30)) as watch:
        assert "gw.example" in watch.text("#hops")
        assert GATEWAY not in watch.text("#hops")
        await watch.press("n")
        assert "gw.example" not in watch.text("#hops")
        assert GATEWAY in watch.text("#hops")
        await watch.press("n")
        assert f"gw.example ({GATEWAY})" in watch.text("#hops")
        await watch.press("n")
        assert GATEWAY not in watch.text("#hops")


async def test_z_hides_as_numbers_and_asks_for_no_more() -> None:
    async with watching(FakeSource([*path(5), *answers()]), size=(120, 30)) as watch:
        assert watch.source.asked == [SetAsnLookup(True)]
        assert "64496/64511" in watch.text("#hops")
        await watch.press("z")
        assert watch.source.asked[-1] == SetAsnLookup(False)
        assert "ASN" not in watch.text("#hops")
        await watch.press("d")
        assert "ASN" not in watch.text("#hops"), "in every display"
        await watch.press("z")
        assert watch.source.asked[-1] == SetAsnLookup(True)
        assert "ASN" in watch.text("#hops")


async def test_w_asks_the_registry_about_each_address_of_the_hop() -> None:
    async with watching(size=(120, 40)) as watch:
        await watch.press("w")
        assert "select a hop with an address first" in watch.text("#keys")
        await watch.press("down", "down", "down", "w")
        assert "select a hop with an address" in watch.text("#keys"), "nothing answered there"
        await watch.press("down", "w")
        assert watch.source.asked[1:] == [QueryRegistry("198.51.100.9")]
        assert "looking up 198.51.100.9 in the registry" in watch.text("#keys")
        watch.source.play(ev.RegistryRecord(at=AT, address="198.51.100.9", error="it keeps silent"))
        await watch.until(lambda: "whois: it keeps silent" in watch.text("#inspector"))
        await watch.press("w")
        assert watch.source.asked[-1] == QueryRegistry("198.51.100.13")
