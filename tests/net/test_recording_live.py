"""Sessions of the program itself: kept, listed, played again, and what is left after kill -9."""

import random
import re
import signal
import time
from pathlib import Path

import pytest

from tests.helpers.event_lines import read_events
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.params import OPEN_PORT
from tests.helpers.network.terminals import Tmux
from tests.helpers.recordings.forged_recordings import all_forged
from tests.helpers.recordings.recording_builders import (
    check_killed,
    record,
    rounds,
    wait_for_events,
)
from tui_trace.recording import Recording, list_sessions


def test_a_live_session_is_kept_and_plays_again_in_the_live_view(
    plain: Chain, tmp_path: Path
) -> None:
    env = {**tui_trace_process.environment(), "XDG_STATE_HOME": str(tmp_path)}
    space, target = plain.client, plain.target_address(4)
    second = re.escape(plain.hop(2, 4))
    with Tmux(space, columns=140) as tmux:
        tmux.start(tui_trace_process.command("-n", "-i", "0.25", target), env)
        tmux.wait_for(second)
        time.sleep(1.5)
        tmux.press("t")
        tmux.wait_for("TCP port 80 ")
        time.sleep(1.5)
        tmux.press("q")
        tmux.wait_for("prompt> *$")

        (session,) = list_sessions(tmp_path / "tui-trace" / "sessions")
        assert (session.target, session.runs, session.ended) == (target, 2, True)
        listed = space.run(tui_trace_process.command("--sessions"), env=env).stdout
        assert session.path.stem in listed
        assert target in listed
        name = session.path.stem

        report = space.run(tui_trace_process.command("--replay", name, "-r"), env=env).stdout
        assert "TCP port 80" in report
        assert plain.hop(2, 4) in report

        # in time: what was ICMP first turns into TCP
        tmux.write(" clear")
        tmux.press("Enter")
        tmux.start(tui_trace_process.command("--replay", name), env)
        tmux.wait_for(rf"ICMP echo[^@]*{second}")
        tmux.wait_for("TCP port 80 ")
        tmux.press("q")
        tmux.wait_for("prompt> *$")


def test_a_running_session_is_attached_to_and_goes_on_when_it_is_left(
    plain: Chain, tmp_path: Path
) -> None:
    env = {**tui_trace_process.environment(), "XDG_STATE_HOME": str(tmp_path)}
    space, target = plain.client, plain.target_address(4)
    folder = tmp_path / "tui-trace" / "sessions"
    folder.mkdir(parents=True)
    words = ("-r", "-n", "-c", "1000", "--record", str(folder / "night.session"), target)
    process = space.popen(tui_trace_process.command(*words), env=env)
    try:
        wait_for_events(folder / "night.session", 20)
        with Tmux(space, columns=140) as tmux:
            tmux.start(tui_trace_process.command("--replay", "night", "--follow"), env)
            tmux.wait_for("● attached")
            tmux.wait_for(r"round ([6-9]|\d\d) ")
            tmux.press("q")
            tmux.wait_for("prompt> *$")
            assert process.poll() is None

            # the same by the list, to which it leads back
            tmux.write(" clear")
            tmux.press("Enter")
            tmux.start(tui_trace_process.command("--sessions"), env)
            tmux.wait_for("● running none")
            tmux.press("a")
            tmux.wait_for("● attached")
            process.send_signal(signal.SIGINT)
            report, _ = process.communicate(timeout=20)
            assert target in report.decode()
            tmux.wait_for("■ end of")
            tmux.press("q")
            tmux.wait_without("● running")
            tmux.wait_for("1 session, ")
            tmux.press("q")
            tmux.wait_for("prompt> *$")
    finally:
        process.kill()
        process.communicate()
    (session,) = list_sessions(folder)
    assert (session.ended, session.running) == (True, False)


def test_the_config_says_how_many_are_kept(plain: Chain, tmp_path: Path) -> None:
    env = {
        **tui_trace_process.environment(),
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    folder = tmp_path / "tui-trace" / "sessions"
    folder.mkdir(parents=True)
    for day in (1, 2, 3):
        record(rounds(1), folder / f"2020010{day}T000000Z-t.session")
    (tmp_path / "tui-trace" / "config.toml").write_text("[recordings]\nkeep = 2\nsize = '1 GiB'\n")
    with Tmux(plain.client, columns=140) as tmux:
        tmux.start(tui_trace_process.command("-n", "-i", "0.25", plain.target_address(4)), env)
        tmux.wait_for("the 2 oldest recordings were deleted: 2 of 1024 MiB in all are kept")
        tmux.press("q")
        tmux.wait_for("prompt> *$")
    kept = [session.path.name for session in list_sessions(folder)]
    assert len(kept) == 2
    assert kept[1] == "20200103T000000Z-t.session"


def test_a_file_that_is_moved_is_said_in_the_view(plain: Chain, tmp_path: Path) -> None:
    path, other = tmp_path / "file:x", tmp_path / "b.session"
    args = ("-n", "-i", "0.25", "--record", path.name, plain.target_address(4))
    with Tmux(plain.client, columns=140) as tmux:
        tmux.write(f" cd {tmp_path}")
        tmux.press("Enter")
        tmux.start(tui_trace_process.command(*args), tui_trace_process.environment())
        tmux.wait_for(re.escape(plain.hop(2, 4)))
        time.sleep(1)
        assert path.stat().st_mode & 0o777 == 0o600
        path.rename(other)
        tmux.wait_for("not recorded any more: its file was moved, replaced or deleted")
        tmux.press("Left")
        tmux.wait_for("nothing is being recorded now")
        tmux.press("q")
        tmux.wait_for("prompt> *$")
    assert [file.name for file in tmp_path.iterdir()] == ["b.session"]
    with Recording(other) as recording:
        assert recording.snapshot(recording.end).run.hops


def test_nothing_is_kept_when_asked_so(plain: Chain, tmp_path: Path) -> None:
    env = {**tui_trace_process.environment(), "XDG_STATE_HOME": str(tmp_path)}
    with Tmux(plain.client) as tmux:
        tmux.start(tui_trace_process.command("-n", "--no-record", plain.target_address(4)), env)
        tmux.wait_for(re.escape(plain.hop(2, 4)))
        time.sleep(1)
        tmux.press("q")
        tmux.wait_for("prompt> *$")
    plain.client.run(
        tui_trace_process.command("-n", "-r", "-c", "1", plain.target_address(4)), env=env
    )
    assert list_sessions(tmp_path / "tui-trace" / "sessions") == []


def test_a_folder_that_cannot_be_written_is_one_line_in_the_view(
    plain: Chain, tmp_path: Path
) -> None:
    (tmp_path / "tui-trace").write_text("in the way")
    env = {**tui_trace_process.environment(), "XDG_STATE_HOME": str(tmp_path)}
    with Tmux(plain.client, columns=140) as tmux:
        tmux.start(tui_trace_process.command("-n", "-i", "0.25", plain.target_address(4)), env)
        tmux.wait_for("not recorded: ")
        first = tmux.screen()
        time.sleep(1)
        assert tmux.screen() != first
        tmux.press("q")
        tmux.wait_for("prompt> *$")


def test_a_report_is_recorded_when_asked(plain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "a.session"
    args = ("-n", "-T", "-P", str(OPEN_PORT), "-c", "2", "--record", str(path))
    told = plain.client.run(
        tui_trace_process.command("--jsonl", *args, plain.target_address(6)),
        env=tui_trace_process.environment(),
    ).stdout
    played = plain.client.run(
        tui_trace_process.command("--replay", str(path), "--jsonl"),
        env=tui_trace_process.environment(),
    ).stdout
    assert played == told


@pytest.mark.timeout(300)
def test_after_kill_at_any_moment_the_program_has_kept_all_but_the_last_second(
    plain: Chain, tmp_path: Path
) -> None:
    rng = random.Random()
    kept = []
    for batch in range(5):
        children = []
        for number in range(5):
            path, told = (tmp_path / f"{batch}-{number}.{kind}" for kind in ("session", "jsonl"))
            args = ("-n", "-i", "0.1", "--jsonl", "--record", str(path), plain.target_address(4))
            # to a file: a pipe that nobody reads would stop it
            with told.open("wb") as file:
                process = plain.client.popen(
                    tui_trace_process.command(*args),
                    env=tui_trace_process.environment(),
                    stdout=file.fileno(),
                )
            children.append((rng.uniform(1, 5), process, path, told))
        children.sort(key=lambda child: child[0])
        started = time.monotonic()
        for delay, process, path, told in children:
            time.sleep(max(0.0, started + delay - time.monotonic()))
            process.kill()
            process.communicate(timeout=10)
            lines = told.read_bytes().split(b"\n")[:-1]
            kept.append(check_killed(path, read_events(lines)))
    assert sum(count > 100 for count in kept) > 5, f"hardly any was killed at work: {kept}"


@pytest.mark.parametrize(
    "name",
    [
        "an answer of each time",
        "hostile words everywhere",
        "8,000 notes",
        "sessions within a session",
        f"last {str((1 << 63) - 1)!r}",
    ],
)
def test_what_a_stranger_recorded_does_not_end_the_view(
    plain: Chain, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "x.session"
    all_forged()[name](path)
    with Tmux(plain.client, columns=120, rows=40) as tmux:
        tmux.start(
            tui_trace_process.command("--replay", str(path)), tui_trace_process.environment()
        )
        tmux.wait_for("replay 1×")
        for key in ("End", "g", "g", "H", "Escape", "Enter", "Home", "]", "[", "l", "+", "d", "c"):
            tmux.press(key)
            time.sleep(0.3)
        tmux.press("Escape")
        time.sleep(0.5)
        tmux.press("e")
        tmux.wait_for("Write to file › ")
        tmux.press("C-u")
        tmux.wait_for("file › *$")
        tmux.write(f"{tmp_path}/x.svg")
        tmux.press("Enter")
        tmux.wait_for("written: ")
        tmux.press("q")
        screen = tmux.wait_for("prompt> *$")
    assert (tmp_path / "x.svg").exists()
    assert "Traceback" not in screen
