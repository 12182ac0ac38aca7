"""`--on-event`: the user's command in a process of its own, with facts and within bounds."""

import json
import subprocess
import sys

import pytest

from tests.helpers.event_builders import began
from tests.helpers.hostile_text import EVIL
from tui_trace.alerts.event_environment import event_environment
from tui_trace.core.settings import NS_PER_S, SettingError
from tui_trace.options.alerts import parse_event_command
from tui_trace.session.episode_feed import EpisodeFeed
from tui_trace.session.finding import Episode, Finding, FindingKind, Sure

PROGRAM = """
import json, sys, time
from tui_trace.alerts import command_process
command_process.TIME_LIMIT = float(sys.argv[2])
from tui_trace.alerts.command_process import Order
from tui_trace.alerts.event_command import EventCommand
from tui_trace.core.stream import SourceError
try:
    command = EventCommand(json.loads(sys.argv[1]))
except SourceError as error:
    print(error)
    sys.exit(1)
orders = json.loads(sys.argv[3])
for episode, facts in orders:
    command.run(Order(7, episode, "down began", facts))
end = time.monotonic() + 20
wanted, failed = int(sys.argv[4]), []
while len(failed) < wanted and time.monotonic() < end:
    failed += command.failures(7)
    time.sleep(0.01)
print(json.dumps(failed + command.failures(8)))
"""


def run(words, orders, *, failures=0, limit=20.0):
    """What the program says of orders that it gives; it ends without waiting for the commands."""
    arguments = [json.dumps(words), str(limit), json.dumps(orders), str(failures)]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    ).stdout  # fmt: skip


def script(text):
    return ["/bin/sh", "-c", text]


def test_an_order_sets_facts_and_nothing_that_a_program_obeys(tmp_path):
    path = tmp_path / "log"
    facts = {"TUI_TRACE_TEXT": "a\0b", "LD_PRELOAD": "/evil", "PATH": "/evil", "BASH_ENV": "/evil"}
    text = f'echo "$TUI_TRACE_TEXT $LD_PRELOAD $BASH_ENV $PATH" > {path}.new; mv {path}.new {path}'
    run(script(text), [(1, facts)])
    wait = f"for i in $(seq 400); do [ -e {path} ] && exit; sleep 0.05; done"
    subprocess.run(["/bin/sh", "-c", wait], check=True, timeout=40)
    said = path.read_text()
    assert said.startswith("ab ")
    assert "evil" not in said


def test_commands_of_one_episode_run_one_after_another_and_outlive_the_program(tmp_path):
    path, done = tmp_path / "log", tmp_path / "done"
    text = (
        f'N=$TUI_TRACE_N; echo "$N begins" >> {path}; sleep 0.3; echo "$N ends" >> {path};'
        f" echo $N > {done}$N"
    )
    orders = [(1, "1"), (1, "2"), (1, "3"), (2, "4")]
    run(script(text), [(episode, {"TUI_TRACE_N": number}) for episode, number in orders])
    wait = f"for i in $(seq 400); do [ -e {done}3 ] && [ -e {done}4 ] && exit; sleep 0.05; done"
    subprocess.run(["/bin/sh", "-c", wait], check=True, timeout=40)
    lines = path.read_text().splitlines()
    of_first = [line for line in lines if not line.startswith("4")]
    assert of_first == [f"{n} {what}" for n in (1, 2, 3) for what in ("begins", "ends")]
    # another episode does not wait
    assert lines.index("4 begins") < lines.index("1 ends")


def test_what_fails_is_one_line():
    (line,) = json.loads(run(script("echo a; printf 'no \\033[31mway\\n' >&2; exit 3"), [(1, {})],
                             failures=1))  # fmt: skip
    assert line == "--on-event /bin/sh (down began): exit status 3: no \\x1b[31mway"


def test_what_takes_too_long_is_killed_with_all_that_it_started():
    (line,) = json.loads(run(script("sleep 300 & yes; wait"), [(1, {})], failures=1, limit=0.5))
    assert line == "--on-event /bin/sh (down began): killed after 0.5 s"


def test_what_is_not_there_is_said_at_once():
    assert run(["/no/such program"], []) == "--on-event: there is no program '/no/such program'\n"


def test_no_shell_reads_the_words():
    words = parse_event_command("sh -c 'exit $A' ';' `id` $(id)")
    assert words == ("sh", "-c", "exit $A", ";", "`id`", "$(id)")


@pytest.mark.parametrize("text", ["", "  ", "''", "a 'b", "a\0b"])
def test_words_that_can_never_be_right_are_one_line(text):
    with pytest.raises(SettingError, match="--on-event takes a program and its arguments"):
        parse_event_command(text)


def finding(**fields):
    known = {"text": "target silent", "past": "target was silent", "run": 1}
    return Finding(kind=FindingKind.DOWN, harm=True, sure=Sure.CERTAIN, **(known | fields))


def snapshot(**fields):
    feed = EpisodeFeed()
    feed.apply(began(**fields))
    return feed.snapshot(100 * NS_PER_S)


def test_the_facts_are_there_each_time():
    told = finding(since=10 * NS_PER_S, hop=4, address="10.77.3.2", details="(4 probes), x")
    first = event_environment(snapshot(), Episode(told, 13 * NS_PER_S))
    last = event_environment(snapshot(), Episode(told, 13 * NS_PER_S, 26 * NS_PER_S))
    assert first.keys() == last.keys()
    assert (first["TUI_TRACE_EVENT"], first["TUI_TRACE_UNTIL"]) == ("began", "")
    assert (last["TUI_TRACE_EVENT"], last["TUI_TRACE_SECONDS"]) == ("ended", "16.0")
    assert (last["TUI_TRACE_HOP"], last["TUI_TRACE_HOP_ADDRESS"]) == ("4", "10.77.3.2")
    assert json.loads(last["TUI_TRACE_JSON"])["kind"] == last["TUI_TRACE_KIND"] == "down"
    mistaken = event_environment(snapshot(), Episode(told, 13 * NS_PER_S, 0))
    assert mistaken["TUI_TRACE_EVENT"] == "mistaken"


@pytest.mark.parametrize("text", EVIL)
def test_hostile_text_is_harmless_in_the_environment(text):
    told = finding(since=0, text=text, details=text, address=text)
    facts = event_environment(snapshot(target=text, address=text), Episode(told, 0))
    for value in facts.values():
        value.encode()
        assert value.isprintable()
