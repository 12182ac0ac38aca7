"""The options that say what a probe looks like, and what they refuse."""

import pytest

from tui_trace.core.parse_values import parse_protocol
from tui_trace.core.probe_size import SYN_WITH_DATA, fit_size
from tui_trace.core.probe_text import describe_protocol, describe_settings
from tui_trace.core.settings import (
    PROTOCOL_NAMES,
    DnatMode,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    SettingError,
    TcpFlags,
    minimum_size,
)
from tui_trace.options.command_line import parse_command_line


def settings(line: str) -> ProbeSettings:
    return parse_command_line([*line.split(), "-r", "h"]).settings


@pytest.mark.parametrize(
    ("line", "protocol", "number", "words"),
    [
        ("--protocol gre", Protocol.IP, 47, "IP protocol 47 (gre)"),
        ("--protocol GRE", Protocol.IP, 47, "IP protocol 47 (gre)"),
        ("--protocol 0x2F", Protocol.IP, 47, "IP protocol 47 (gre)"),
        ("--protocol 253", Protocol.IP, 253, "IP protocol 253"),
        ("--protocol 0", Protocol.IP, 0, "IP protocol 0"),
        ("--protocol tcp", Protocol.TCP, 0, "TCP port 80"),
        ("--protocol 17", Protocol.UDP, 0, "UDP port 33434"),
        ("--protocol icmp", Protocol.ICMP, 0, "ICMP echo"),
        ("--protocol 58", Protocol.ICMP, 0, "ICMP echo"),
        ("--protocol quic", Protocol.QUIC, 0, "QUIC port 443"),
        ("--protocol QUIC -P 8443", Protocol.QUIC, 0, "QUIC port 8443"),
        ("--protocol quic -P domain", Protocol.QUIC, 0, "QUIC port 53"),
    ],
)
def test_any_protocol(line: str, protocol: Protocol, number: int, words: str) -> None:
    chosen = settings(line)
    assert (chosen.protocol, chosen.number) == (protocol, number)
    assert describe_protocol(chosen) == words
    assert describe_settings(chosen).startswith(words)


def test_the_names_need_no_file_of_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> int:
        raise OSError

    monkeypatch.setattr("socket.getprotobyname", missing)
    for number, name in PROTOCOL_NAMES.items():
        assert parse_protocol(name) == (Protocol.IP, number)


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("-T", TcpFlags.SYN),
        ("--syn", TcpFlags.SYN),
        ("--ack", TcpFlags.ACK),
        ("--syn --ack", TcpFlags.SYN_ACK),
        ("--ecn", TcpFlags.ECN),
        ("--syn --ecn", TcpFlags.ECN),
        ("--protocol 6 --ack", TcpFlags.ACK),
    ],
)
def test_flags(line: str, flags: TcpFlags) -> None:
    chosen = settings(line)
    assert (chosen.protocol, chosen.tcp_flags) == (Protocol.TCP, flags)


def test_dnat_and_track() -> None:
    usual = settings("-T")
    assert (usual.dnat, usual.track) == (DnatMode.MATCH, ProbeIdField.SEQUENCE)
    assert "NAT" not in describe_settings(usual)
    assert "probe ID" not in describe_settings(usual)
    for how in DnatMode:
        assert settings(f"-T --dnat {how.value}").dnat is how
    for what in ProbeIdField:
        assert settings(f"-T --track {what.value}").track is what
    words = describe_settings(settings("-T --dnat show --track id"))
    assert "probe ID in the IP ID" in words
    assert "NAT shown" in words


@pytest.mark.parametrize(
    ("line", "option", "takes"),
    [
        ("--protocol 256", "--protocol", "0 to 255"),
        ("--protocol -1", "--protocol", "0 to 255"),
        ("--protocol nosuch", "--protocol", "0 to 255"),
        ("--protocol \0", "--protocol", "0 to 255"),
        ("--protocol gre -P 80", "--port", "TCP or UDP probes"),
        ("--protocol gre -L 80", "--localport", "TCP or UDP probes"),
        ("--protocol gre --ack", "--ack", "TCP probes"),
        ("--protocol quic --ack", "--ack", "TCP probes"),
        ("--protocol quic -P 0", "--port", "1 to 65535"),
        ("--protocol quic -L 4000 --track port", "--track", "seq or id"),
        ("--protocol udp --ecn", "--ecn", "TCP probes"),
        ("--ecn --ack", "--ecn", "SYN"),
        ("--syn --ack --ecn", "--ecn", "SYN"),
        ("--dnat yes", "--dnat", "off, match or show"),
        ("--track ttl", "--track", "seq, id or port"),
        ("-T -L 4000 --track port", "--track", "seq or id"),
        ("--track port", "--track", "--tcp or --udp"),
        ("--track port --protocol gre", "--track", "--tcp or --udp"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(line: str, option: str, takes: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings(line.replace("--protocol -1", "--protocol=-1"))
    text = str(caught.value)
    assert text.startswith(option)
    assert takes in text
    assert "\n" not in text


@pytest.mark.parametrize(("family", "least"), [(4, 1228), (6, 1248)])
def test_what_a_quic_server_would_ignore_is_raised(family: int, least: int) -> None:
    chosen, told = fit_size(settings("--protocol quic"), family)
    assert (chosen.size, told) == (least, None), "its usual size is no matter to tell"
    chosen, told = fit_size(settings("--protocol quic -s 1000"), family)
    assert chosen.size == least
    assert told == (
        f"packet size raised from 1000 to {least} bytes, 1200 of them in UDP:"
        " QUIC servers ignore less"
    )
    larger = settings("--protocol quic -s 1400")
    assert fit_size(larger, family) == (larger, None)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("flags", TcpFlags)
def test_a_syn_with_data_is_remarked_upon(family: int, flags: TcpFlags) -> None:
    least = minimum_size(Protocol.TCP, family)
    for size, has_data in ((least, False), (least + 1, True), (1500, True)):
        probe = ProbeSettings(protocol=Protocol.TCP, port=80, size=size, tcp_flags=flags)
        told = SYN_WITH_DATA if has_data and flags is not TcpFlags.ACK else None
        assert fit_size(probe, family) == (probe, told)
    udp = ProbeSettings(protocol=Protocol.UDP, port=80, size=1500)
    assert fit_size(udp, family) == (udp, None)
