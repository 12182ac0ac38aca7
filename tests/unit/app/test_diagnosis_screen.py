"""`D`: settings in turns on a screen of their own, and back to what was in force."""

from collections.abc import Iterator

from tests.helpers.app.app_driver import Watch, seen, watching
from tests.helpers.app.fake_source import ADDRESS, FakeSource, folded, path, reply
from tui_trace.app.control.diagnosis import DiagnosisTurns
from tui_trace.app.screens.diagnosis_screen import DiagnosisScreen
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings, Protocol
from tui_trace.core.stream import GoBack, TakeTurns
from tui_trace.session.diagnosis import MOST_ROUNDS
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Run

UDP_53 = ProbeSettings(protocol=Protocol.UDP, port=53)


def asked_of(watch: Watch) -> TakeTurns:
    (asked,) = [one for one in watch.source.commands if isinstance(one, TakeTurns)]
    return asked


def rounds(runs: range, count: int, silent: int) -> Iterator[ev.Event]:
    """Rounds of runs in turns, of which one gets no answer from the target."""
    for number in range(1, count + 1):
        for run in runs:
            at = (10 + number * len(runs) + run) * NS_PER_S
            yield ev.RoundBegan(at=at, run=run, round=number)
            for ttl in (1, 2):
                probe = run * 10_000 + number * 10 + ttl
                yield ev.ProbeSent(at=at, run=run, probe=probe, ttl=ttl)
                if ttl == 2 and run == silent:
                    yield ev.ProbeLost(at=at + NS_PER_S // 2, run=run, probe=probe, ttl=ttl)
                    continue
                kind = ev.ReplyKind.SYN_ACK if ttl == 2 else ev.ReplyKind.TIME_EXCEEDED
                who = ADDRESS if ttl == 2 else "10.0.0.1"
                yield reply(run, probe, ttl, who, 4.2, at + 10**7, kind=kind, reached=ttl == 2)


def runs_of(events: list[ev.Event]) -> tuple[Run, ...]:
    session = Session()
    for event in events:
        session.apply(event)
    return session.run(2), session.run(3)


async def test_it_tries_settings_says_which_get_through_and_goes_back() -> None:
    async with watching(FakeSource(path(5)), size=(100, 30)) as watch:
        await watch.press("D")
        await watch.until(lambda: isinstance(watch.app.screen, DiagnosisScreen))
        asked = asked_of(watch)
        assert asked.rounds == MOST_ROUNDS
        assert asked.settings[-1] == seen(watch).run.settings
        assert [one.protocol for one in asked.settings] == ["icmp", "udp", "tcp", "tcp", "tcp"]
        await watch.until(lambda: "Setting" in "\n".join(watch.screen_lines))
        runs = range(2, 7)
        ends = [ev.PathEnd(at=8, run=run, ttl=2, reached=run != 2) for run in runs]
        watch.source.play(*ends, *rounds(runs, 3, silent=2))
        await watch.until(lambda: "(3 of at most 30 rounds each)" in "\n".join(watch.screen_lines))
        assert GoBack() not in watch.source.commands
        watch.source.play(*rounds(runs, 8, silent=2))
        await watch.until(lambda: "Only ICMP echo is filtered" in "\n".join(watch.screen_lines))
        assert watch.source.commands.count(GoBack()) == 1
        lines = [line.split() for line in watch.screen_lines]
        assert any(line[:3] == ["▶", "ICMP", "echo"] and "100.0" in line for line in lines)
        assert any(line[:2] == ["TCP", "443"] and "0.0" in line for line in lines)
        await watch.press("escape")
        assert not isinstance(watch.app.screen, DiagnosisScreen)
        assert watch.source.commands.count(GoBack()) == 1


async def test_escape_ends_it() -> None:
    async with watching(FakeSource(path(5)), size=(80, 24)) as watch:
        await watch.press("D")
        await watch.until(lambda: seen(watch).run.turns_with)
        await watch.press("escape")
        await watch.until(lambda: GoBack() in watch.source.commands)
        assert not isinstance(watch.app.screen, DiagnosisScreen)


def test_other_runs_are_left_alone() -> None:
    """A reset, say, or `--mtu`: what the turns have shown until then is told."""
    before = folded(path(5))
    turns = DiagnosisTurns(TakeTurns((UDP_53, UDP_53), 3), before)
    assert turns.look_at(before, ()) is None
    assert turns.numbers == ()
    opened = [
        *path(5),
        ev.RunOpened(at=9, run=2, settings=UDP_53, turns_with=(3,), temporary=True),
        ev.RunOpened(at=9, run=3, settings=UDP_53, turns_with=(2,), temporary=True),
    ]
    assert turns.look_at(folded(opened), ()) is None
    assert turns.numbers == (2, 3)
    assert turns.leave() == GoBack()
    after = folded([*opened, ev.RunOpened(at=10, run=4, settings=UDP_53)])
    assert turns.look_at(after, runs_of(opened)) is None
    assert turns.is_over
    assert turns.leave() is None
