"""The command line: what is taken, and the one line for what never can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.cli.main import main
from tui_trace.core.parse_values import parse_port, parse_seconds, parse_tos
from tui_trace.core.probe_size import fit_size
from tui_trace.core.settings import (
    DSCP_NAMES,
    NS_PER_S,
    FlowMode,
    ProbeSettings,
    Protocol,
    SettingError,
    SettingsHistory,
    TcpFlags,
    UsageError,
    minimum_size,
)
from tui_trace.names.name_options import AsnSource
from tui_trace.options.command_line import parse_command_line
from tui_trace.options.output import Output


def test_the_defaults_are_icmp_once_a_second_over_thirty_hops() -> None:
    options = parse_command_line(["host.example"])
    assert options.settings == ProbeSettings(protocol=Protocol.ICMP, size=64)
    assert (options.pace.first_ttl, options.pace.max_ttl) == (1, 30)
    assert options.pace.interval == NS_PER_S
    assert options.pace.wait is None
    assert options.pace.rounds is None
    assert options.output is Output.LIVE
    assert options.reads_config


def test_every_option_has_its_place() -> None:
    options = parse_command_line(
        "-T -P https -L 4000 -a 192.0.2.1 -I eth0 -s 1400 -Q EF --df --flow vary -f 2 -m 9 -i 0.5"
        " -Z 2 -q 3 -U 7 -c 4 -r -4 -n host.example".split()
    )
    assert options.settings == ProbeSettings(
        protocol=Protocol.TCP,
        port=443,
        source_port=4000,
        tos=184,
        df=True,
        size=1400,
        flow=FlowMode.VARY,
        source="192.0.2.1",
        interface="eth0",
    )
    pace = options.pace
    assert (pace.first_ttl, pace.max_ttl, pace.queries, pace.max_unknown) == (2, 9, 3, 7)
    assert (pace.interval, pace.wait, pace.rounds) == (NS_PER_S // 2, 2 * NS_PER_S, 4)
    assert (options.output, options.family) == (Output.TEXT, 4)


@pytest.mark.parametrize(
    ("arguments", "output", "wide"),
    [
        ("-r", Output.TEXT, False),
        ("-rw", Output.TEXT, True),
        ("-wr", Output.TEXT, True),
        ("-w", Output.TEXT, True),
        ("-j", Output.JSON, False),
        ("-rj", Output.JSON, False),
        ("-jr", Output.TEXT, False),
        ("-jC", Output.CSV, False),
        ("-C -j", Output.JSON, False),
        ("-jw", Output.TEXT, True),
        ("-r --markdown", Output.MARKDOWN, False),
        ("-rt", Output.LIVE, False),
        ("-er", Output.TEXT, False),
    ],
)
def test_the_last_output_counts_as_in_mtr(arguments: str, output: Output, wide: bool) -> None:
    options = parse_command_line([*arguments.split(), "h"])
    assert (options.output, options.layout.wide) == (output, wide)
    assert (options.pace.rounds == 10) == (output is not Output.LIVE)


@pytest.mark.parametrize(
    ("arguments", "about", "names", "asks"),
    [
        ("-r", None, True, None),
        ("-r -n", None, False, None),
        ("-r -z", 0, True, AsnSource.CYMRU),
        ("-r -n -z", 0, False, AsnSource.CYMRU),
        ("-r -y 2", 2, True, AsnSource.CYMRU),
        ("-r -z -y 1", 1, True, AsnSource.CYMRU),
        ("-r -z --asn-source radb", 0, True, AsnSource.RADB),
        ("-t", None, True, AsnSource.CYMRU),
        ("-t -n", None, False, None),
    ],
)
def test_what_is_asked_about_hosts(
    arguments: str, about: int | None, names: bool, asks: AsnSource | None
) -> None:
    options = parse_command_line([*arguments.split(), "h"])
    assert options.layout.about == about
    assert options.layout.names == options.naming.names == names
    assert options.naming.asn_source is asks
    assert options.naming.asks == (names or asks is not None)


@pytest.mark.parametrize(
    "arguments", ["-x", "-l", "-p", "-F file", "-F", "-S", "--xml", "--raw", "--split", "--sctp",
                  "--filename f", "--displaymode 1", "-g"]
)  # fmt: skip
def test_what_only_mtr_has_is_refused_with_a_line_that_names_ours(
    arguments: str,
) -> None:
    with pytest.raises(UsageError, match=f"^{arguments.split(maxsplit=1)[0]}: "):
        parse_command_line([*arguments.split(), "-r", "h"])


def test_the_other_letters_of_mtr() -> None:
    options = parse_command_line("-r -B 170 -G 3 -b -o LS_NAB -e h".split())
    assert options.settings.payload_byte == 170
    assert options.pace.wait == 3 * NS_PER_S
    assert options.layout.both
    assert options.layout.fields == "LSNAB"
    assert parse_command_line("-r -G 3 -Z 1 h".split()).pace.wait == NS_PER_S
    assert 0 <= parse_command_line("-r -B 256 h".split()).settings.payload_byte <= 255


@pytest.mark.parametrize("flag", ["--syn", "--ack", "--ecn"])
def test_a_tcp_flag_means_tcp(flag: str) -> None:
    settings = parse_command_line([flag, "h"]).settings
    assert settings.protocol is Protocol.TCP
    assert settings.tcp_flags is TcpFlags(flag[2:])


@pytest.mark.parametrize(
    ("arguments", "names", "takes"),
    [
        ("-T -P 99999 h", "--port", "1 to 65535"),
        ("-T -P 0 h", "--port", "1 to 65535"),
        ("-T -P nosuchservice h", "--port", "service name"),
        ("-P 80 h", "--port", "TCP or UDP probes"),
        ("-u -L 70000 h", "--localport", "1 to 65535"),
        ("-Q 300 h", "--tos", "0 to 255"),
        ("-Q XYZ h", "--tos", "DSCP"),
        ("-Q -1 h", "", ""),
        ("-f 20 -m 10 h", "--first-ttl", "--max-ttl (10)"),
        ("-f 0 h", "--first-ttl", "1 to 255"),
        ("-m 256 h", "--max-ttl", "1 to 255"),
        ("-i 0 h", "--interval", "seconds"),
        ("-i nan h", "--interval", "seconds"),
        ("-i inf h", "--interval", "seconds"),
        ("-i -1 h", "", ""),
        ("-Z 0 h", "--timeout", "seconds"),
        ("-s 65536 h", "--psize", "1 to 65535"),
        ("-s ten h", "--psize", "1 to 65535"),
        ("-q 0 h", "--queries", "1 to 100"),
        ("-U 0 h", "--max-unknown", "1 to 255"),
        ("-c 0 h", "--report-cycles", "1 to"),
        ("-y 7 h", "--ipinfo", "0 to 6"),
        ("-o Q h", "--order", "LDRSNBAWVGJMXIK"),
        ("-B x h", "--bitpattern", "0 to 255"),
        ("-G 0 h", "--gracetime", "seconds"),
        ("--flow paris h", "--flow", "constant, classic or vary"),
        ("--ecn --udp h", "--ecn", "TCP"),
        ("--ack --icmp h", "--ack", "TCP"),
    ],
)
def test_a_value_that_can_never_be_right_gets_one_line(
    arguments: str, names: str, takes: str
) -> None:
    with pytest.raises(SettingError) as caught:
        parse_command_line(arguments.split())
    line = str(caught.value)
    assert "\n" not in line
    assert names in line
    assert takes in line


@pytest.mark.parametrize("arguments", ["", "-T", "-4 -6 h", "-u -T h", "--nosuch h", "--dot f h i"])
def test_an_unusable_command_line_gets_one_line_and_exit_2(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tui-trace: ")


@given(st.text(max_size=50))
def test_no_text_breaks_a_value(text: str) -> None:
    for read in (parse_port, parse_tos, lambda t: parse_seconds(t, "--interval")):
        try:
            read(text)
        except SettingError as error:
            assert "\n" not in str(error)


@given(st.sampled_from(sorted(DSCP_NAMES)), st.booleans())
def test_a_dscp_name_is_four_times_its_code_point(name: str, lower: bool) -> None:
    assert parse_tos(name.lower() if lower else name) == DSCP_NAMES[name] * 4


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("protocol", Protocol)
def test_a_size_below_the_headers_is_raised_with_a_warning(protocol: Protocol, family: int) -> None:
    settings, warning = fit_size(ProbeSettings(protocol=protocol, size=1), family)
    assert settings.size == minimum_size(protocol, family)
    assert warning is not None
    assert str(settings.size) in warning
    assert fit_size(settings, family) == (settings, None)


def test_a_default_size_grows_without_a_word() -> None:
    settings, warning = fit_size(ProbeSettings(protocol=Protocol.TCP, size=60), 6)
    assert settings.size == 80
    assert warning is None


def test_each_protocol_remembers_its_own_port_and_size() -> None:
    switches = SettingsHistory(ProbeSettings(protocol=Protocol.TCP, port=443, size=60, tos=8))
    switches.change(size=1400)
    assert switches.protocol(Protocol.UDP) == ProbeSettings(
        protocol=Protocol.UDP, port=33434, size=64, tos=8
    )
    switches.change(port=53)
    assert switches.protocol(Protocol.TCP).port == 443
    assert switches.current.size == 1400
    assert switches.protocol(Protocol.UDP).port == 53


def test_icmp_by_name_is_told_from_icmp_by_default() -> None:
    assert [parse_command_line([*args, "h"]).icmp_by_name for args in ([], ["--icmp"], ["-u"])] == [
        False,
        True,
        False,
    ]


def test_rights_are_used_unless_told_not_to() -> None:
    assert not parse_command_line(["h"]).unprivileged
    assert parse_command_line(["--unprivileged", "h"]).unprivileged
