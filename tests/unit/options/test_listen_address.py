"""`--metrics`: which addresses it takes."""

import pytest

from tui_trace.core.settings import SettingError, UsageError
from tui_trace.options.command_line import parse_command_line
from tui_trace.options.metrics import ListenAddress


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("9100", "127.0.0.1"),
        (":9100", "127.0.0.1"),
        ("localhost:9100", "127.0.0.1"),
        ("192.0.2.1:9100", "192.0.2.1"),
        ("0.0.0.0:9100", "0.0.0.0"),
        ("[::1]:9100", "::1"),
        ("[::]:9100", "::"),
        ("[fe80::1%eth0]:9100", "fe80::1%eth0"),
    ],
)
def test_an_address_and_a_port(text: str, host: str) -> None:
    assert parse_command_line(["h", "--metrics", text]).metrics == ListenAddress(host, 9100)


@pytest.mark.parametrize(
    "text",
    ["", ":", "0", "65536", "a", "example.com:1", "::1:9100", "[127.0.0.1]:1", "[::1]", "1.2.3:٣",
     "010.0.0.1:9100", "127.0.0.1:", "-1", "[::1]9100", "http://127.0.0.1:9100"],
)  # fmt: skip
def test_what_can_never_be_right(text: str) -> None:
    with pytest.raises(SettingError, match=r"^--metrics takes "):
        parse_command_line(["h", f"--metrics={text}"])


def test_without_it_there_is_none() -> None:
    assert parse_command_line(["h"]).metrics is None


def test_a_recording_has_none() -> None:
    with pytest.raises(UsageError, match="--metrics"):
        parse_command_line(["--replay", "a", "--metrics", "9100"])
