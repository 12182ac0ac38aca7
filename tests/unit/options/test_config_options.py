"""The options of the config: every one there is, behind which the command line wins."""

import itertools
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tui_trace.core.settings import Protocol, SettingError, UsageError
from tui_trace.options.command_line import Options, build_parser, parse_command_line
from tui_trace.options.config_options import ALONE, config_keys

LONG = {
    option[2:]
    for action in build_parser()._actions
    for option in action.option_strings
    if option.startswith("--")
}
KEYS = config_keys(build_parser())

VALUES: dict[str, dict[str, object]] = {
    "icmp": {"icmp": True},
    "udp": {"udp": True},
    "tcp": {"tcp": True},
    "protocol": {"protocol": 89},
    "port": {"port": "https", "tcp": True},
    "localport": {"localport": 4000, "udp": True},
    "address": {"address": "192.0.2.1"},
    "interface": {"interface": "eth0"},
    "psize": {"psize": 1400},
    "tos": {"tos": "EF"},
    "bitpattern": {"bitpattern": 0x55},
    "df": {"df": True},
    "syn": {"syn": True},
    "ack": {"ack": True},
    "ecn": {"ecn": True},
    "mtu": {"mtu": True},
    "dont-route": {"dont-route": True},
    "flows": {"flows": 4},
    "flow": {"flow": "vary"},
    "dnat": {"dnat": "show"},
    "track": {"track": "port", "tcp": True},
    "first-ttl": {"first-ttl": 2},
    "max-ttl": {"max-ttl": 12},
    "interval": {"interval": 0.5},
    "timeout": {"timeout": 2},
    "gracetime": {"gracetime": 2.5},
    "queries": {"queries": 3},
    "sequential": {"sequential": True},
    "first-reply": {"first-reply": True},
    "ping": {"ping": True},
    "max-unknown": {"max-unknown": 8},
    "report-cycles": {"report-cycles": 100},
    "no-dns": {"no-dns": True},
    "no-private-names": {"no-private-names": True},
    "aslookup": {"aslookup": True},
    "ipinfo": {"ipinfo": 2},
    "asn-source": {"asn-source": "radb"},
    "owner": {"owner": True},
    "dns-server": {"dns-server": "192.0.2.53:5353"},
    "ways": {"ways": True},
    "confidence": {"confidence": 99.5},
    "no-record": {"no-record": True},
    "hide": {"hide": "2,private"},
}
"""One use of each option, with what it needs beside it."""


def of_line(line: str) -> Options:
    return parse_command_line([*line.split(), "host"])


def words_of(config: dict[str, object]) -> list[str]:
    return [f"--{key}" if value is True else f"--{key}={value}" for key, value in config.items()]


def behind(config: dict[str, object], line: str) -> Options:
    return parse_command_line([*line.split(), "host"], config)


def test_every_option_is_in_the_config_or_works_on_the_command_line_alone() -> None:
    assert set(ALONE) <= LONG
    assert set(VALUES) | set(ALONE) == LONG, "say which, for a new option"
    assert set(VALUES) == set(KEYS)


@pytest.mark.parametrize("key", VALUES)
def test_an_option_means_what_it_means_on_the_command_line(key: str) -> None:
    config = VALUES[key]
    found = behind(config, "")
    assert found == parse_command_line([*words_of(config), "host"])
    rest = {other: value for other, value in config.items() if other != key}
    assert found != behind(rest, "")


@pytest.mark.parametrize("key", VALUES)
def test_what_both_say_is_said_once(key: str) -> None:
    config = VALUES[key]
    line = " ".join(words_of(config))
    assert behind(config, line) == of_line(line)


def test_a_flag_that_is_false_says_nothing() -> None:
    flags = [key for key, action in KEYS.items() if action.nargs == 0]
    assert {"tcp", "udp", "df", "no-dns"} <= set(flags)
    assert behind(dict.fromkeys(flags, False), "-T") == of_line("-T")


@given(
    st.sampled_from([key for key, action in KEYS.items() if action.nargs != 0]),
    st.integers() | st.floats() | st.text(st.characters(exclude_characters="\0")),
)
def test_a_value_is_taken_or_refused_as_on_the_command_line(key: str, value: object) -> None:
    # a random byte is another one each time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "randbelow", lambda _: 7)
        outcomes: list[Options | str] = []
        for words, config in (([], {key: value}), ([f"--{key}={value}"], {})):
            try:
                outcomes.append(parse_command_line([*words, "-t", "host"], config))
            except SettingError as error:
                outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("option", sorted(ALONE))
def test_what_works_on_the_command_line_alone_is_refused(option: str) -> None:
    with pytest.raises(UsageError) as refused:
        behind({option: True}, "")
    assert str(refused.value) == f"--{option} works on the command line alone: {ALONE[option]}"


HUGE = 1 << 20_000
"""Too many digits for Python to write."""


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("colour", 1, "--colour: there is no such option"),
        ("host", "a", "--host: there is no such option"),
        ("Q", 1, "--Q: there is no such option"),
        ("first_ttl", 1, "--first_ttl: there is no such option"),
        ("tcp", 1, "--tcp takes true or false, not '1'"),
        ("tcp", "yes", "--tcp takes true or false, not 'yes'"),
        ("tcp", HUGE, "--tcp takes true or false, not '0x1"),
        ("tos", True, "--tos takes a number or a text, not 'true'"),
        ("tos", [1], "--tos takes a number or a text, not 'a list'"),
        ("tos", {"a": HUGE}, "--tos takes a number or a text, not 'a table'"),
        ("tos", HUGE, "--tos takes 0 to 255, 0xNN or a DSCP name (EF, AF41), not '0x1"),
        ("psize", 64.0, "--psize takes 1 to 65535 bytes, not '64.0'"),
        ("interface", "a\0b", "--interface takes a text without NUL"),
    ],
    ids=itertools.count(),
)
def test_a_key_or_a_value_that_there_is_not(key: str, value: object, says: str) -> None:
    with pytest.raises(SettingError) as refused:
        behind({key: value}, "")
    assert str(refused.value).startswith(says)
    assert len(str(refused.value)) < 200


WEB = {"tcp": True, "port": 443}


@pytest.mark.parametrize(
    ("config", "line", "means"),
    [
        # the value that is nearer
        ({"tos": "EF", "interval": 5}, "-Q AF41", "-Q AF41 -i 5"),
        (WEB, "-P 80", "-T -P 80"),
        (WEB, "-T", "-T -P 443"),
        (WEB, "--protocol tcp", "-T -P 443"),
        ({"aslookup": True}, "-y 2", "-y 2"),
        # another protocol has other ports and no flags
        (WEB, "-u", "-u"),
        (WEB, "--icmp", "--icmp"),
        (WEB, "--protocol gre", "--protocol gre"),
        ({**WEB, "track": "port", "tos": 8}, "-u", "-u -Q 8"),
        ({"tcp": True, "localport": 4000}, "-u", "-u"),
        ({"protocol": "quic", "port": 8443}, "-T", "-T"),
        ({"protocol": "quic", "port": 8443}, "--protocol quic", "--protocol quic -P 8443"),
        ({"ack": True}, "-u", "-u"),
        # a flag means TCP
        (WEB, "--ack", "-T -P 443 --ack"),
        ({"udp": True, "port": 53}, "--ack", "--ack"),
        ({"ack": True}, "--ecn", "--ecn"),
        ({"ack": True}, "--syn", "-T"),
        ({"ack": True}, "-T", "--ack"),
        # two names of one thing
        ({"timeout": 5}, "-G 2", "-G 2"),
        ({"gracetime": 5}, "-Z 2", "-Z 2"),
        ({"no-record": True}, "--record x", "--record x"),
        # a range of one TTL, and one that would be empty
        ({"ping": True}, "-m 9", "-m 9"),
        ({"first-ttl": 3, "max-ttl": 9}, "--ping", "--ping"),
        ({"first-ttl": 3}, "-m 9", "-f 3 -m 9"),
        ({"max-ttl": 12}, "-f 3", "-f 3 -m 12"),
        ({"max-ttl": 12}, "-f 20", "-f 20"),
        ({"first-ttl": 9, "max-ttl": 12}, "-m 5", "-m 5"),
        ({"max-ttl": 12}, "-f 20 -m 25", "-f 20 -m 25"),
    ],
)  # fmt: skip
def test_the_command_line_wins(config: dict[str, object], line: str, means: str) -> None:
    assert behind(config, line) == of_line(means)


@pytest.mark.parametrize(
    ("config", "line", "says"),
    [
        ({"ways": True}, "--mtu", "--ways finds all ways at once and does not go with --mtu"),
        ({"ways": True}, "--watch", "--watch traces until it is stopped and does not go with"),
        ({"protocol": "gre"}, "other", "--protocol takes one target"),
        ({"tcp": True, "track": "port"}, "-T -L 4000", "--track takes seq or id with --localport"),
        # what was to be hidden is not shown for it
        ({"hide": 2}, "--from ssh:a --reverse", "--reverse shows the way back to here"),
    ],
)
def test_what_does_not_go_with_the_command_line_is_refused(
    config: dict[str, object], line: str, says: str
) -> None:
    behind(config, "")
    of_line(line)
    with pytest.raises(SettingError, match=f"^{says}"):
        behind(config, line)


@pytest.mark.parametrize("line", ["-P 443", "-L 4000", "--track port", "--watch -P https"])
def test_a_port_waits_for_the_protocol_of_the_config(line: str) -> None:
    words = [*line.split(), "host"]
    with pytest.raises(SettingError):
        parse_command_line(words)
    for more in ("-r", "-j", "--jsonl", "--no-config", "--icmp", "--protocol gre"):
        with pytest.raises(SettingError):
            parse_command_line([*words, *more.split()], None)
    before = parse_command_line(words, None)
    assert before.output.is_endless
    assert parse_command_line(words, {"tcp": True}) == parse_command_line([*words, "-T"])


@pytest.mark.parametrize("line", ["-P 0", "-L x", "-T --track port -L 4000", "--ecn --ack"])
def test_what_no_config_makes_right_is_told_at_once(line: str) -> None:
    with pytest.raises(SettingError):
        parse_command_line([*line.split(), "host"], None)


def test_lines_of_a_file_of_targets_win_over_both() -> None:
    config = {**WEB, "tos": "EF"}
    options = parse_command_line(["--df", "--targets", "x"], config)
    targets = options.targets_in("web\nalt -P 8443 -Q 0x10\nping --icmp\nns -u -P 53\n")
    usual = replace(options.settings, port=443, tos=184, df=True)
    assert [one.settings for one in targets] == [
        usual,
        replace(usual, port=8443, tos=16),
        replace(usual, protocol=Protocol.ICMP, port=0, size=64),
        replace(usual, protocol=Protocol.UDP, port=53, size=64),
    ]
