"""Where there is little room: what is cut, what goes first, and that what is wrong stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.helpers.app.fake_source import folded, path
from tui_trace.app.render.styled_text import plain
from tui_trace.app.render.table_layout import ColumnDemand, TableLayout, header, lay_out, row
from tui_trace.core.cell_width import cut_middle
from tui_trace.core.events import AsnFound
from tui_trace.report.hop_columns import DISPLAYS, columns_of
from tui_trace.report.hop_notes import short_notes, wrong_notes
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.snapshot import AddressInfo, Hop, LossReason, Responder

ADDRESS = "2001:db8:1234:5678:9abc:def0:1234:5678"


def laid_out(hops: list[Hop], width: int, labels: HostLabels, display: str) -> TableLayout:
    return lay_out(columns_of(display), width, ColumnDemand().grown_to(hops, labels))


def hop_at(address: str) -> Hop:
    hop = folded(path(5)).run.hops[-1]
    return replace(hop, responders=(Responder(address, 5, 0),))


@given(st.text(max_size=60), st.integers(0, 70))
def test_a_text_cut_in_the_middle_fits_and_keeps_both_ends(text: str, width: int) -> None:
    if not text.isprintable():
        return
    cut = cut_middle(text, width)
    assert cell_len(cut) <= width
    if cell_len(text) <= width:
        assert cut == text
    elif width >= 3 and text.isascii():
        start, end = cut.split("…")
        assert len(cut) == width
        assert text.startswith(start)
        assert text.endswith(end)
        assert abs(len(start) - len(end)) <= 1


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_a_long_address_tells_its_start_and_its_end(width: int) -> None:
    hop = hop_at(ADDRESS)
    layout = laid_out([hop], width, HostLabels(mode=LabelMode.ADDRESS), "latency")
    shown = plain(row(hop, layout)[0]).split()[1]
    if width < 100:
        assert "…" in shown
    start, _, end = shown.partition("…")
    assert ADDRESS.startswith(start)
    assert ADDRESS.endswith(end or start)
    assert len(start) >= 5


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("width", range(30, 201, 10))
def test_an_as_number_is_whole_or_not_there(width: int, display: str) -> None:
    hops = [hop_at(ADDRESS), replace(hop_at("10.0.0.1"), ttl=5)]
    origins = {
        ADDRESS: AsnFound(at=0, address=ADDRESS, asns=(4294967295, 4200000001)),
        "10.0.0.1": AsnFound(at=0, address="10.0.0.1", asns=(4200000002,)),
    }
    labels = HostLabels({address: AddressInfo(origin=one) for address, one in origins.items()})
    layout = laid_out(hops, width, labels, display)
    if not any(one.column.id == "asn" for one in layout.placed):
        assert width < 80
        return
    first, second = (plain(row(hop, layout, labels)[0]) for hop in hops)
    assert " 4294967295/…" in first or " 4294967295/4200000001" in first
    assert " 4200000002 " in second


def wrong(hop: Hop) -> list[Hop]:
    """The same hop with each thing that can be wrong."""
    nobody = LossReason(text="nobody answers ARP for 10.0.0.1")
    return [
        replace(hop, lost=2, marks=("MPLS 24015", "NAT", "!H"), refused=2),
        replace(hop, lost=2, marks=("[open]", "TOS=184!", "MTU 1400", "!F")),
        replace(hop, lost=2, reason=nobody, given_up=2, marks=("MPLS 24015",)),
    ]


@given(st.integers(26, 200), st.integers(0, 2), st.sampled_from(DISPLAYS), st.integers(0, 60))
def test_what_is_wrong_goes_last(width: int, which: int, display: str, host: int) -> None:
    hop = wrong(folded(path(5)).run.hops[-1])[which]
    demand = ColumnDemand(host=host, first_asn=10, asn=10).grown_to([hop])
    layout = lay_out(columns_of(display), width, demand)
    shown = {one.column.id: one.width for one in layout.placed}
    text = plain(row(hop, layout)[0])
    assert "!28.6" in text, "five of seven were answered"
    if width >= 40:
        assert "notes" in shown
    if "notes" in shown:
        assert wrong_notes(hop)[0][:19] in text
    else:
        assert set(shown) == {"ttl", "host", "loss"}, "all others went before"
    assert shown["host"] >= 6
    assert cell_len(header(layout)) <= width


def test_where_nothing_is_wrong_notes_give_way() -> None:
    hop = replace(folded(path(5)).run.hops[-1], marks=("NAT",))
    layout = lay_out(columns_of("latency"), 36, ColumnDemand().grown_to([hop]))
    shown = [one.column.id for one in layout.placed]
    assert "notes" not in shown
    assert "last" in shown


def test_what_is_wrong_is_read_first() -> None:
    hop = replace(folded(path(5)).run.hops[-1], late=3, marks=("[open]", "NAT", "!F", "MTU 1400"))
    assert short_notes(hop) == "MTU 1400 !F [open] NAT late 3"
    told = replace(hop, marks=("NAT",), reason=LossReason(text="no route to host"))
    assert short_notes(told) == "no route to host NAT late 3"


def test_numbers_go_before_what_they_explain() -> None:
    """The order for a path with names, AS numbers and notes, from the first that goes."""
    demand = ColumnDemand(host=20, notes=12, recent=32, asn=5, first_asn=5, back=True)
    gone: list[str] = []
    for width in range(140, 20, -1):
        layout = lay_out(columns_of("latency"), width, demand)
        shown = {one.column.id for one in layout.placed}
        gone += [name for name in columns_of("latency") if name not in (*shown, *gone)]
    assert gone == ["back", "recent", "min", "asn", "max", "sent", "avg", "notes", "last", "loss"]
