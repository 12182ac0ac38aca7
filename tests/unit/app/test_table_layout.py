"""What stands in the table, as text: widths, truncation, scales, figures."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.helpers.app.fake_source import HOPS, folded, path
from tui_trace.app.render.final_table import format_final_table
from tui_trace.app.render.header import heading
from tui_trace.app.render.styled_text import plain
from tui_trace.app.render.table_layout import NOTES_FAIR, ColumnDemand, header, lay_out, row
from tui_trace.app.widgets.hop_inspector import egress_at, inspect, plot_height
from tui_trace.core.blocks import BLOCKS
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.durations import format_duration
from tui_trace.core.events import Change, EgressFound, MplsLabel, RewrittenField
from tui_trace.core.percentages import format_loss
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.report.cell_text import SUB_10_MS, TextStyle, ms, short_ms, sparkline
from tui_trace.report.hop_columns import ALWAYS, COLUMNS, DISPLAYS, EXTRA_RESPONDERS, columns_of
from tui_trace.report.hop_notes import short_notes
from tui_trace.session.host_labels import responders
from tui_trace.session.quote_text import QuoteSummary
from tui_trace.session.snapshot import LOST, PENDING, Hop, Responder, RttStatistics

NANOSECONDS = st.integers(0, 60 * NS_PER_S)
PARTS = "\U0001f1e6\U0001f1ff\U0001f3fb\U0001f3ff\U0001f44d\u200d\u0301\u0903"
"""Parts of emoji and marks, whose width depends on what stands before them."""
TEXT = st.text(max_size=60) | st.text(PARTS + "a漢", max_size=60)


@st.composite
def hops(draw: st.DrawFn) -> Hop:
    """A hop as bad as hops get: names from a stranger, figures of any size."""
    answered = draw(st.integers(0, 10**7))
    time = NANOSECONDS if answered else st.none()
    return Hop(
        ttl=draw(st.integers(1, 255)),
        responders=tuple(
            Responder(draw(TEXT), 1, draw(NANOSECONDS)) for _ in range(draw(st.integers(0, 9)))
        ),
        sent=draw(st.integers(0, 10**9)),
        lost=draw(st.integers(0, 10**7)),
        late=draw(st.integers(0, 10**4)),
        duplicates=draw(st.integers(0, 10**4)),
        pending=draw(st.integers(0, 9)),
        figures=RttStatistics(answered, *(draw(time) for _ in range(9))),
        recent=tuple(draw(st.lists(st.one_of(NANOSECONDS, st.sampled_from((LOST, PENDING)))))),
        marks=tuple(draw(st.lists(TEXT, max_size=4))),
        user_stamped=draw(st.integers(0, 1)),
        is_target=draw(st.booleans()),
    )


@given(hops(), st.integers(1, 300), st.sampled_from(DISPLAYS))
def test_every_line_is_as_wide_as_the_titles(hop: Hop, width: int, display: str) -> None:
    layout = lay_out(columns_of(display), width, ColumnDemand().grown_to([hop]))
    titles = header(layout)
    assert cell_len(titles) <= max(width, 8)
    for line in row(hop, layout):
        text = "".join(text for text, _ in line)
        assert cell_len(text) <= cell_len(titles)
        assert text.isprintable()
    assert cell_len("".join(text for text, _ in row(hop, layout)[0])) == cell_len(titles)


@given(st.lists(st.sampled_from([name for name in COLUMNS if name not in ALWAYS]), unique=True))
def test_any_choice_of_columns_fits(chosen: list[str]) -> None:
    for width in (20, 40, 80, 200):
        assert cell_len(header(lay_out(chosen, width, ColumnDemand(39, 20)))) <= width


@given(TEXT.map(sanitize), st.integers(1, 80))
def test_fit_is_exact(text: str, width: int) -> None:
    assert cell_len(pad_or_truncate(text, width)) == width
    assert cell_len(pad_or_truncate(text, width, right=True)) == width


@given(st.floats(0, 3_600_000_000_000))
def test_times_fit_their_cells(time: float) -> None:
    text = ms(time)
    assert len(text) <= 7 if time >= 999_999.5 * NS_PER_MS else len(text) <= 6
    assert abs(float(text) - time / NS_PER_MS) <= max(0.0051, time / NS_PER_MS * 0.001)
    if time < 9_999 * NS_PER_MS:
        assert len(short_ms(time)) <= 4


def test_times_at_the_edges() -> None:
    assert ms(18_000) == "0.02"
    assert ms(999_994_999) == "999.99"
    assert ms(999_995_000) == "1000.0"
    assert ms(12_345_678_000) == "12346"
    assert ms(None) == ""


def test_a_fast_path_is_shown_to_the_microsecond() -> None:
    fast = folded(path(5, hops=(("10.0.0.1", 0.018), ("10.0.0.2", 0.5)))).run.hops
    layout = lay_out(columns_of("latency"), 80, ColumnDemand().grown_to(fast))
    figures = fast[0].figures
    words = plain(row(fast[0], layout)[0]).split()
    assert words[4] == f"{figures.last / 1e6:.3f}"
    assert words[6] == f"{figures.mean / 1e6:.3f}±{figures.sd / 1e6:.3f}"
    mixed = folded(path(5)).run.hops
    words = plain(
        row(mixed[0], lay_out(columns_of("latency"), 80, ColumnDemand().grown_to(mixed)))[0]
    ).split()
    assert words[4] == f"{mixed[0].figures.last / 1e6:.2f}"


def test_percent_never_says_none_or_all_unless_it_is_so() -> None:
    assert format_loss(0, 0) == ""
    assert format_loss(0, 10) == "0.0"
    assert format_loss(1, 99_999) == "<0.1"
    assert format_loss(99_999, 1) == ">99.9"
    assert format_loss(7, 0) == "100.0"
    assert format_loss(1, 4) == "20.0"


@given(st.lists(st.one_of(NANOSECONDS, st.sampled_from((LOST, PENDING)))), st.integers(1, 100))
def test_a_sparkline_shows_each_decided_outcome(recent: list[int], width: int) -> None:
    answered = [rtt for rtt in recent if rtt >= 0]
    line = sparkline(tuple(recent), min(answered, default=None), width)
    assert len(line) == width
    decided = [rtt for rtt in recent[-2 * width :] if rtt != PENDING][-width:]
    shown = line[len(line) - len(decided) :]
    assert [sign == " " for sign in shown] == [rtt == LOST for rtt in decided]
    levels = {rtt: BLOCKS.index(sign) for rtt, sign in zip(decided, shown, strict=True) if rtt >= 0}
    ordered = [levels[rtt] for rtt in sorted(levels)]
    assert ordered == sorted(ordered), "a slower reply is never drawn lower"


def test_a_sparkline_reads_below_a_millisecond() -> None:
    line = sparkline((200_000, 210_000, 400_000, LOST, 800_000), 200_000, 5)
    assert line == "▁▁▅ █"


def test_small_noise_on_a_slow_hop_stays_low() -> None:
    line = sparkline((80_000_000, 81_000_000, 80_500_000), 80_000_000, 3)
    assert line == "▁▁▁"


def test_responders_keep_their_order_while_they_alternate() -> None:
    first = folded(path(20)).run.hops[3]
    second = folded(path(21)).run.hops[3]
    assert [one.address for one in first.responders] != [one.address for one in second.responders]
    assert [one.address for one in responders(first)] == [one.address for one in responders(second)]


def test_an_address_long_silent_goes_last() -> None:
    hop = folded(path(5)).run.hops[0]
    old, new = Responder("10.0.0.1", 50, 0), Responder("10.0.0.2", 3, 60 * NS_PER_S)
    assert responders(replace(hop, responders=(new, old)))[0] is new


def test_many_addresses_are_counted() -> None:
    hop = folded(path(5)).run.hops[0]
    many = tuple(Responder(f"10.0.0.{n}", 1, 0) for n in range(1, 10))
    layout = lay_out(columns_of("latency"), 80, ColumnDemand())
    lines = [plain(line) for line in row(replace(hop, responders=many), layout)]
    assert len(lines) == 2 + EXTRA_RESPONDERS
    assert lines[-1].strip() == "… and 4 more"


def test_signs_that_need_no_colour() -> None:
    hop = folded(path(5)).run.hops[-1]
    layout = lay_out(columns_of("latency"), 80, ColumnDemand(slowest=SUB_10_MS))
    bad = replace(hop, lost=5, user_stamped=1)
    text = plain(row(bad, layout)[0])
    assert "!50.0" in text
    assert f"~{ms(hop.figures.last)}" in text
    assert any(style is TextStyle.BAD for _, style in row(bad, layout)[0])
    assert not any(style is TextStyle.BAD for _, style in row(hop, layout)[0])


def test_what_is_essential_fits_at_80() -> None:
    hop = folded(path(5)).run.hops[-1]
    layout = lay_out(columns_of("latency"), 80, ColumnDemand().grown_to([hop]))
    shown = [placed.column.id for placed in layout.placed]
    others = [name for name in columns_of("latency") if name not in ("asn", "back")]
    assert shown == [*ALWAYS, *others]


def test_a_long_host_is_worth_more_than_a_short_sparkline() -> None:
    layout = lay_out(columns_of("latency"), 80, ColumnDemand(host=20))
    widths = {placed.column.id: placed.width for placed in layout.placed}
    assert widths["host"] == 20
    assert "recent" not in widths


def test_figures_of_a_row_are_the_sessions() -> None:
    snapshot = folded(path(42))
    layout = lay_out(columns_of("latency"), 120, ColumnDemand().grown_to(snapshot.run.hops))
    words = plain(row(snapshot.run.hops[1], layout)[0]).split()
    figures = snapshot.run.hops[1].figures
    assert words[:6] == [
        "2",
        "198.51.100.1",
        "0.0",
        "42",
        f"{figures.last / 1e6:.2f}",
        f"{figures.min / 1e6:.2f}",
    ]
    assert words[6] == f"{figures.mean / 1e6:.2f}±{figures.sd / 1e6:.2f}"


@given(st.integers(0, 10**15))
def test_a_clock_counts_on(elapsed: int) -> None:
    parts = format_duration(elapsed).replace("d ", ":").split(":")
    seconds = 0
    for part, unit in zip(reversed(parts), (1, 60, 3600, 86400), strict=False):
        seconds += int(part) * unit
    assert seconds == elapsed // NS_PER_S


@given(st.integers(10, 250), TEXT, TEXT)
def test_headings_fit_any_width_and_any_text(width: int, target: str, trouble: str) -> None:
    snapshot = replace(folded(path(5)), target=target, trouble=trouble, foreign=3)
    for line in heading(snapshot, width):
        text = "".join(text for text, _ in line)
        assert text.isprintable()
        assert cell_len(text) <= max(width, 60)


def test_the_heading_says_what_is_wrong() -> None:
    fine = folded(path(5))
    text = "\n".join(plain(line) for line in heading(fine, 100))
    assert "TCP port 443 · TOS 0 · DF off · 60 bytes · every 1 s" in text
    assert "round 5 · 0:04 · run 1 (TCP port 443)" in text
    assert "● live" in text
    assert "!" not in text
    wrong = replace(fine, trouble="no route to host")
    assert "! no route to host" in plain(heading(wrong, 100)[-1])
    silent = folded(path(9, hops=(*HOPS[:5], (None, 0.0))))
    text = "\n".join(plain(line) for line in heading(silent, 100))
    assert "! no answer from the target since " in text
    assert "last answer hop 5 203.0.113.1" in text


def test_a_broken_source_is_worse_than_anything() -> None:
    text = "\n".join(plain(line) for line in heading(folded(path(5)), 100, "it broke"))
    assert "! it broke" in text
    assert "× stopped" in text
    assert "live" not in text


@given(hops(), st.integers(20, 250), st.integers(6, 20))
def test_an_inspector_fits(hop: Hop, width: int, height: int) -> None:
    plot = plot_height(hop, height)
    lines = inspect(hop, width, height, plot=plot)
    assert len(lines) <= height
    assert plot == 0 or plot >= 6
    assert lines[1 : plot + 1] == [[]] * plot, "the plot lies over nothing"
    for line in lines:
        text = "".join(text for text, _ in line)
        assert cell_len(text) <= width
        assert text.isprintable()


def test_the_parting_table_is_plain_text() -> None:
    text = format_final_table(folded(path(42)), 80)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "203.0.113.80" in text
    assert "(no reply)" in text
    assert "live" not in text
    assert "\x1b[1m" in format_final_table(folded(path(42)), 80, color=True)


def test_a_lab_is_never_mistaken_for_a_network() -> None:
    there = replace(folded(path(5)), lab="plain")
    line = heading(there, 80)[0]
    assert plain(line).split()[:3] == ["LAB", "plain", "example.com"]
    assert (" LAB plain ", TextStyle.FLAG) in line
    assert format_final_table(there, 80).split()[:2] == ["LAB", "plain"]
    assert "LAB" not in plain(heading(folded(path(5)), 80)[0])


def test_ipv6_never_lets_a_router_fragment() -> None:
    text = "\n".join(plain(line) for line in heading(replace(folded(path(5)), family=6), 100))
    assert "DF always" in text


def test_the_inspector_tells_what_the_hop_received() -> None:
    changed = (Change(RewrittenField.TOS, 184, 0), Change(RewrittenField.MSS, 1460, 1360))
    label = MplsLabel(label=24015, traffic_class=0, bottom=True, ttl=1)
    quote = QuoteSummary(ttl=1, changed=changed, labels=(label,))
    hop = replace(folded(path(5)).run.hops[1], quote=quote, marks=("MPLS 24015", "MSS 1360"))
    text = "\n".join(plain(line) for line in inspect(hop, 120, 12))
    assert "received TOS 0 (sent 0xb8) · MSS 1360 (sent 1460) · TTL 1 · MPLS 24015" in text
    layout = lay_out(columns_of("latency"), 120, ColumnDemand().grown_to([hop]))
    assert "MPLS 24015 MSS 1360" in plain(row(hop, layout)[0])


def test_the_inspector_of_the_first_row_tells_how_probes_leave() -> None:
    way = EgressFound(0, 1, "192.0.2.5", "eth0", "192.0.2.1", 1500)
    snapshot = folded(path(5))
    snapshot = replace(snapshot, run=replace(snapshot.run, egress=way))
    first, second, *_ = snapshot.run.hops
    assert egress_at(second, snapshot) is None
    for told, words in (
        (way, "probes leave from 192.0.2.5 by eth0 via 192.0.2.1, MTU 1500"),
        (replace(way, gateway="", mtu=0), "probes leave from 192.0.2.5 by eth0 without a gateway"),
        (replace(way, interface="", gateway="", mtu=0), "probes leave from 192.0.2.5"),
    ):
        run = replace(snapshot.run, egress=told)
        found = egress_at(first, replace(snapshot, run=run))
        lines = [plain(line).strip() for line in inspect(first, 100, 12, egress=found)]
        assert words in lines
        assert plot_height(first, 14, egress=found) == plot_height(first, 14) - 1


WANTS = st.builds(
    ColumnDemand,
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 256),
    asn=st.sampled_from((0, 5)),
)


@given(st.integers(20, 250), WANTS, st.sampled_from(DISPLAYS))
def test_notes_have_room_or_are_not_there(width: int, demand: ColumnDemand, display: str) -> None:
    widths = {
        one.column.id: one.width for one in lay_out(columns_of(display), width, demand).placed
    }
    if "notes" in widths:
        assert widths["notes"] >= min(demand.notes, NOTES_FAIR)
    if width >= 80:
        assert "notes" in widths
        assert widths["host"] >= min(demand.host, 16)
    assert widths.get("recent", 8) >= 8, "a shorter sparkline says nothing"


@given(
    st.sampled_from(("[open]", "[closed]", "[open, ecn]")),
    st.lists(st.sampled_from(("TOS=184!", "MPLS 24015", "ECN refused", "NAT", "!")), unique=True),
    st.integers(20, 200),
    st.sampled_from(DISPLAYS),
)
def test_whether_a_port_is_open_is_never_cut(
    answer: str, others: list[str], width: int, display: str
) -> None:
    hop = replace(folded(path(5)).run.hops[-1], marks=(*others, answer))
    layout = lay_out(columns_of(display), width, ColumnDemand().grown_to([hop]))
    text = plain(row(hop, layout)[0])
    has_notes = any(one.column.id == "notes" for one in layout.placed)
    assert has_notes or width < 60
    assert (answer in text) is has_notes


def test_what_carries_a_number_is_read_first() -> None:
    hop = replace(folded(path(5)).run.hops[-1], marks=("!F", "NAT", "MTU 1400"))
    assert short_notes(hop) == "MTU 1400 !F NAT"
