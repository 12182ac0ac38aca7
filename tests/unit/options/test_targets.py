"""Several targets on the command line, and a file of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.settings import Protocol, SettingError, UsageError
from tui_trace.options.command_line import parse_command_line
from tui_trace.options.targets import TargetsError


def test_all_hosts_are_targets_with_the_same_probe() -> None:
    options = parse_command_line(["-T", "-P", "443", "a", "b", "c"])
    assert [target.host for target in options.targets_in("")] == ["a", "b", "c"]
    assert {target.settings for target in options.targets_in("")} == {options.settings}
    assert options.has_several
    assert not parse_command_line(["a"]).has_several


def test_a_line_has_options_of_its_own() -> None:
    options = parse_command_line(["-T", "-P", "443", "-Q", "EF", "--targets", "x"])
    text = "web # port 443\ndb -P 5432\nns -u -P 53\nping --icmp -s 100\n\n   \n# none\n"
    text += "h3 --protocol quic\n"
    targets = options.targets_in(text)
    assert [one.host for one in targets] == ["web", "db", "ns", "ping", "h3"]
    assert [(one.settings.protocol, one.settings.port) for one in targets] == [
        (Protocol.TCP, 443),
        (Protocol.TCP, 5432),
        (Protocol.UDP, 53),
        (Protocol.ICMP, 0),
        (Protocol.QUIC, 443),
    ]
    assert {one.settings.tos for one in targets} == {184}
    assert targets[3].settings.size == 100


@pytest.mark.parametrize(
    "line",
    [
        "a b",
        "-P 80",
        "a -P 0x",
        "a --nothing",
        "'a",
        "a -T -u",
        "a --mtu",
        "010.0.0.1 -u",
        "a --protocol gre",
    ],
)
def test_what_is_wrong_is_told_with_its_line(line: str) -> None:
    options = parse_command_line(["--targets", "some/hosts"])
    with pytest.raises(TargetsError) as told:
        options.targets_in(f"fine\n{line}\n")
    assert str(told.value).startswith("hosts, line 2: ")
    assert "\n" not in str(told.value)


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    options = parse_command_line(["--targets", "x"])
    try:
        options.targets_in(text)
    except SettingError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize("protocol", ["quic", "tcp", "17"])
def test_a_protocol_with_ports_may_be_named_for_several(protocol: str) -> None:
    assert parse_command_line(["--protocol", protocol, "a", "b"]).settings.protocol.has_ports


@pytest.mark.parametrize("more", [["--dot", "f", "-r"], ["--protocol", "gre"]])
def test_what_takes_one_target_is_refused_for_several(more: list[str]) -> None:
    with pytest.raises(UsageError, match="takes one target"):
        parse_command_line([*more, "a", "b"])
