"""The log of a watch: each episode told once, with its begin and its end, and nothing else."""

import errno

from tests.helpers.simulated_network import SimNet
from tests.helpers.watched_network import BEGAN, Outage, network_with, watch_network
from tui_trace.alerts.watch_log import WatchLog
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.engine.engine import Engine
from tui_trace.wire.network import SendError

HOUR = 3600 * NS_PER_S


def words(told):
    return [line.word for line in told]


def test_each_outage_is_told_once_with_its_begin_and_its_end():
    outages = [Outage(60.4, 80.2, 4), Outage(200.9, 206.1, 2), Outage(400.0, 520.7, 5)]
    told = watch_network(network_with(outages, 6), 600)
    assert words(told) == ["WATCH", *["DOWN", "OVER DOWN"] * 3, "SUMMARY"]
    for outage, begin, end in zip(outages, told[1::2], told[2::2], strict=False):
        assert abs(begin.at - outage.begin) <= 2
        assert begin.written - outage.begin <= 3
        assert abs(end.at - outage.end) <= 2
        last = outage.ttl - 1
        assert begin.text == f"last answer hop {last} 203.0.113.{last}"
        assert end.text.startswith("since 20")
        assert end.text.endswith(f"last answer hop {last} 203.0.113.{last}")
    assert told[-1].text.startswith("10:00 since ")
    assert ": 3 down (2:2" in told[-1].text
    assert "RTT 6.0/6.0±0.0/6.0 ms" in told[-1].text


def test_outages_that_come_every_half_minute_are_told_each():
    outages = [Outage(60 + 30.3 * k, 66 + 30.3 * k, 3) for k in range(8)]
    told = watch_network(network_with(outages, 6), 330)
    begins = [line for line in told if line.word == "DOWN"]
    assert len(begins) == len(outages)
    assert all(b.written - o.begin <= 3 for o, b in zip(outages, begins, strict=True))


def test_single_losses_are_no_episode():
    outages = [Outage(60 + 120 * k, 60.9 + 120 * k, 2) for k in range(4)]
    assert words(watch_network(network_with(outages, 6), 600)) == ["WATCH", "SUMMARY"]


def test_a_clock_that_is_set_is_an_entry_and_later_times_are_by_the_new_one():
    net = network_with([Outage(100, 110, 3)], 4)
    net.at.append((BEGAN + 50 * NS_PER_S, lambda: setattr(net, "wall_shift", HOUR)))
    told = watch_network(net, 150)
    assert words(told) == ["WATCH", "CLOCK", "DOWN", "OVER DOWN", "SUMMARY"]
    assert told[1].text == "the clock was set forward by 1:00:00"
    assert abs(told[2].at - 3700) <= 2
    assert abs(told[3].at - 3710) <= 2


def test_an_address_that_changes_and_a_link_that_is_away_are_entries():
    net = network_with([], 4)
    down = SendError(errno.ENETUNREACH, "no route to the target")
    net.at += [
        (BEGAN + 30 * NS_PER_S, lambda: setattr(net, "fail", lambda _: down)),
        (BEGAN + 60 * NS_PER_S, lambda: setattr(net, "fail", lambda _: None)),
        (BEGAN + 61 * NS_PER_S, lambda: setattr(net, "source_address", "198.51.100.9")),
    ]
    told = watch_network(net, 120)
    assert sorted(words(told)) == ["LOCAL", "OVER LOCAL", "SOURCE", "SUMMARY", "WATCH"]
    by_word = {line.word: line for line in told}
    assert by_word["LOCAL"].text == "no route to the target"
    assert abs(by_word["LOCAL"].at - 30) <= 2
    assert abs(by_word["OVER LOCAL"].at - 60) <= 2
    assert by_word["SOURCE"].text == "probes now leave from 198.51.100.9"


def test_the_summary_comes_when_asked_and_the_watch_goes_on():
    lines = []
    net = SimNet(length=3)
    log = WatchLog(lines.append)
    engine = Engine(
        net, target="t", settings=ProbeSettings(), pace=Pace(), version="0", waits_for_route=True
    )  # fmt: skip
    net.at += [
        (BEGAN + 20 * NS_PER_S, lambda: setattr(log, "is_summary_due", True)),
        (BEGAN + 40 * NS_PER_S, engine.stop),
    ]
    engine.run(log)
    told = [line.split(" ", 3)[2:] for line in lines]
    assert [word for word, _ in told] == ["WATCH", "SUMMARY", "SUMMARY"]
    assert told[1][1].startswith("0:20 since ")
    assert told[2][1].startswith("0:40 since ")


def test_a_process_that_was_stopped_says_for_how_long_nothing_was_probed():
    net = network_with([], 3)
    net.at.append((BEGAN + 20 * NS_PER_S, lambda: setattr(net, "now", net.now + 100 * NS_PER_S)))
    told = watch_network(net, 150)
    assert "GAP" in words(told)
    gap = next(line for line in told if line.word == "GAP")
    assert gap.text == "nothing was probed for 1:40"
    assert told[-1].text.startswith(("0:49 since ", "0:50 since "))


def test_a_hostile_target_is_one_harmless_line():
    lines = []
    net = SimNet(length=2)
    name = "a\nb\x1b]0;x\a\u202e"
    engine = Engine(net, target=name, settings=ProbeSettings(), pace=Pace(rounds=2), version="0")
    engine.run(WatchLog(lines.append))
    assert all(line.isprintable() for line in lines)
