"""`V`: all findings with their evidence, and what is over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.helpers.app.app_driver import watching
from tests.helpers.app.fake_source import FakeSource, folded
from tests.helpers.generated_sessions import World, bernoulli, between, deal, routers
from tui_trace.app.render.finding_list import findings_list
from tui_trace.app.render.styled_text import plain
from tui_trace.app.screens.findings_screen import FindingsScreen


def events(drops, back: int | None = None, rounds: int = 150):
    nodes = routers(5)
    nodes[2].drops = drops
    nodes[3].drops_answers = bernoulli(0.5)
    for node in nodes[3:]:
        node.back_hops = back
    return list(deal(World.of(nodes), rounds, 3))


LOSSY = folded(events(bernoulli(0.3)))
OVER = folded(events(between(60, 70, bernoulli(1))))


def lines(snapshot, width=80):
    return [plain(line) for line in findings_list(snapshot, width)]


def test_harm_stands_first_with_its_evidence_and_what_would_settle_it() -> None:
    told = lines(LOSSY)
    assert told[0] == " The target suffers"
    assert told[1].startswith(" ! ")
    assert "loss at the target, from hop 3 on since " in told[1]
    assert "certain · lost " in told[2]
    assert any("low " in line and " % · high " in line for line in told[:5])
    assert any(line.startswith("     → b alternates") for line in told)
    quiet = told.index(" Harmless")
    assert any("of its answers are lost; the traffic is fine" in line for line in told[quiet:])


def test_what_is_over_is_told_with_its_length() -> None:
    told = lines(OVER)
    assert told[0] == " Nothing harmful"
    over = told.index(" Over")
    assert "target was silent " in told[over + 1]
    assert "0:10" in told[over + 1] + told[over + 2]


@given(st.integers(20, 200), st.sampled_from([LOSSY, OVER]))
def test_it_fits_any_width(width: int, snapshot) -> None:
    for line in lines(snapshot, width):
        assert cell_len(line) <= max(width, 60)
        assert line.isprintable()


@pytest.mark.slow
async def test_the_screen_is_kept_up_to_date_and_left_again() -> None:
    told = events(bernoulli(0.3))
    async with watching(FakeSource(told[:200]), size=(80, 24)) as watch:
        await watch.press("V")
        screen = watch.app.screen
        assert isinstance(screen, FindingsScreen)

        def shown() -> str:
            lines = screen.query_one("#reading")
            return "\n".join(lines.render_line(y).text for y in range(lines.size.height))

        assert "The target suffers" not in shown()
        watch.source.play(*told[200:-1])
        await watch.until(lambda: "The target suffers" in shown())
        await watch.press("V")
        assert watch.app.screen is watch.app.live
