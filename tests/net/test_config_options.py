"""`[options]` of the config, seen in the program itself: where they hold, and where they do not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.netns import Netns, make_all
from tests.helpers.network.terminals import Terminal

WEB = "[options]\ntcp = true\nport = 443\ntos = 'EF'\nno-dns = true\ninterval = 0.3\n"
REACHED = r"12 .*203\.0\.113\.80"


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    """Nothing but a loopback; the lab is inside the program."""
    (made,) = make_all(["config"])
    yield made
    made.delete()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Has the config, and gets the recordings."""
    (tmp_path / "tui-trace").mkdir()
    (tmp_path / "tui-trace" / "config.toml").write_text(WEB)
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    places = {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    return {**tui_trace_process.environment(), **places}


def assert_heading(space: Netns, home: Path, heading: str, *args: str) -> None:
    """The view has this heading, and the target answers."""
    command = tui_trace_process.command(*args)
    with Terminal(space, command, env=environment(home)) as terminal:
        terminal.wait_for(heading)
        terminal.wait_for(REACHED)
        terminal.write(b"q")
        assert terminal.wait(30) == 0


def said(space: Netns, home: Path, *args: str) -> tuple[int, str]:
    """Exit code and all that stands on the terminal of a program that does not start."""
    command = tui_trace_process.command(*args)
    with Terminal(space, command, env=environment(home), columns=250) as terminal:
        code = terminal.wait(30)
        return code, terminal.raw.decode().replace("\r\n", "\n")


def report_of(space: Netns, home: Path, *args: str) -> dict:
    done = space.run(tui_trace_process.command(*args), env=environment(home), timeout=60)
    return json.loads(done.stdout)["report"]


def test_the_live_view_probes_as_the_config_says(space: Netns, home: Path) -> None:
    assert_heading(space, home, r"TCP port 443 · TOS 184 \(EF\)", "--lab")
    assert_heading(space, home, r"TCP port 80 · TOS 184 \(EF\)", "--lab", "-P", "80")
    assert_heading(space, home, "UDP port 33434 · TOS 0 ", "--lab", "-u", "-Q", "0")
    assert_heading(space, home, "ICMP echo · TOS 0 ", "--lab", "-n", "--no-config")


def test_reports_do_not_obey_and_watches_do(space: Netns, home: Path) -> None:
    quick = ("--lab", "-i0.2", "-c2")
    assert report_of(space, home, "-j", "-n", *quick)["mtr"]["tos"] == 0
    space.run(
        tui_trace_process.command("--watch", *quick, "-Q", "CS1"), env=environment(home), timeout=60
    )
    (recording,) = (home / "tui-trace" / "sessions").glob("*.session")
    probe = report_of(space, home, "--replay", str(recording), "-j")["tui_trace"]["probe"]
    assert (probe["protocol"], probe["port"], probe["tos"]) == ("tcp", 443, 32)


def test_what_is_hidden_is_hidden_in_a_replay_too(space: Netns, home: Path) -> None:
    recording = str(home / "kept.session")
    words = ("-r", "-n", "--lab", "-i0.2", "-c2", "--record", recording)
    done = space.run(tui_trace_process.command(*words), env=environment(home), timeout=60)
    near = re.search(r" 1\.\|-- (\S+)", done.stdout)
    assert near is not None
    config = home / "tui-trace" / "config.toml"
    for text, is_shown in (("", True), ("[options]\nhide = 1\n", False)):
        config.write_text(text)
        command = tui_trace_process.command("--replay", recording)
        with Terminal(space, command, env=environment(home)) as terminal:
            terminal.wait_for(REACHED)
            assert (near[1] in "\n".join(terminal.lines)) == is_shown
            terminal.write(b"q")
            assert terminal.wait(30) == 0


def test_what_does_not_go_together_is_a_line_that_names_the_file(space: Netns, home: Path) -> None:
    config = home / "tui-trace" / "config.toml"
    config.write_text("[options]\nways = true\n")
    assert said(space, home, "--lab", "--mtu") == (
        2,
        f"tui-trace: {config}: [options] does not go with the command line: --ways finds all ways"
        " at once and does not go with --mtu (--no-config leaves the file out)\n",
    )
    config.write_text("[options]\ninterval = 1\n")
    code, line = said(space, home, "--lab", "-P", "443")
    assert (code, line.startswith("tui-trace: --port takes TCP or UDP probes")) == (2, True)
    config.write_text("[options]\nmark = 3\n")
    assert said(space, home, "--lab") == (
        2,
        f"tui-trace: {config}: options.mark works on the command line alone: it takes effect before"
        " this file is read\n",
    )
