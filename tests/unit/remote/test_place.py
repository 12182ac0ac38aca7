"""Places of `--from`: the words that ssh gets cannot be its options, nor a shell's commands."""

import shlex

import pytest

from tui_trace.core.settings import SettingError, UsageError
from tui_trace.options.command_line import parse_command_line
from tui_trace.remote.place import LOCAL, Place, parse_places
from tui_trace.remote.ssh_process import ssh_command


def test_places_are_local_or_by_ssh() -> None:
    assert parse_places("local") == (LOCAL,)
    assert parse_places("ssh:edge1") == (Place("edge1"),)
    assert parse_places("local, ssh:root@edge1,ssh:2001:db8::1") == (
        LOCAL,
        Place("edge1", "root"),
        Place("2001:db8::1"),
    )
    assert parse_places("ssh:me@corp@host")[0] == Place("host", "me@corp")
    assert parse_places("ssh:fe80::1%eth0")[0].destination == "fe80::1%eth0"


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "edge1", "ssh", "ssh:", "ssh:@edge1", "ssh:root@", "telnet:edge1", "local:x",
        "ssh:-oProxyCommand=x", "ssh:-", "ssh:root@-oProxyCommand=x", "ssh:-l@edge1",
        "ssh:a b", "ssh:$(id)", "ssh:`id`", "ssh:a;b", "ssh:a|b", "ssh:a'b", "ssh:a\nb", "ssh:a\0b",
        "ssh:us'er@edge1", "ssh:a/b", "ssh:" + "x" * 256, "local,", "local,local", "ssh:a,ssh:a",
        "x" * 5000,
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SettingError) as error:
        parse_places(text)
    assert str(error.value).startswith("--from takes ")


def test_ssh_gets_one_destination_and_one_quoted_command() -> None:
    words = ["tui-trace", "--", "x'; $(id) \"\n"]
    *options, end, destination, command = ssh_command(Place("edge1", "root"), words)
    assert (end, destination) == ("--", "root@edge1")
    assert shlex.split(command) == words
    assert options[:2] == ["ssh", "-T"]
    assert "BatchMode=yes" in options


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--from local,ssh:b --dot f -r h", "--dot takes one place"),
        ("--from local,ssh:b --jsonl --commands h", "--commands takes one place"),
        ("--from local,ssh:b --reverse", "--reverse goes with one place: --from ssh:[USER@]HOST"),
        ("--from local --reverse", "--reverse goes with one place: --from ssh:[USER@]HOST"),
        (
            "--from ssh:a --reverse b c",
            "--reverse takes one HOST at most, the one to come back to",
        ),
        ("--reverse h", "--reverse without --from goes back to who called by ssh, and to no HOST"),
        (
            "--from ssh:a --reverse --hide 2",
            "--reverse shows the way back to here, and does not go with --hide",
        ),
        ("--reverse --lab", "--reverse goes with neither --replay nor --lab"),
        ("--from ssh:a --lab", "--lab needs no other place and does not go with --from"),
        ("--from ssh:a --replay x", "--replay needs no other place and does not go with --from"),
        ("--commands h", "--commands goes with --jsonl"),
        ("-r --commands h", "--commands goes with --jsonl"),
        ("--jsonl --commands --replay x", "--commands goes with --jsonl"),
    ],
)
def test_what_does_not_go_together_is_one_line(line: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_command_line(line.split())
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_local_is_what_it_is_without() -> None:
    assert parse_command_line(["--from", "local", "h"]) == parse_command_line(["h"])
