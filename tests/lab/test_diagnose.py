"""Diagnose in the lab: the sentence names what the scenario's file has."""

import re
import sys

import pytest

from tests.helpers.lab.lab_commands import Inside
from tests.helpers.network.tui_trace_process import as_json
from tui_trace.core.settings import ProbeSettings, Protocol

ICMP = ProbeSettings()
TCP_25 = ProbeSettings(protocol=Protocol.TCP, port=25, size=60)


@pytest.mark.parametrize(
    ("scenario", "settings", "sentence"),
    [
        (
            "firewall",
            ICMP,
            "Only TCP 443 reaches the target: hop 7 203.0.113.1 is the last that answers ICMP echo;"
            " hop 7 203.0.113.1 is the last that answers UDP 33434. ICMP echo and UDP 33434 cannot"
            " tell size and mark.",
        ),
        (
            "mtu-black-hole",
            ICMP,
            "1500 bytes with DF vanish after hop 4 198.18.2.7, 64 bytes pass: a black hole (--mtu"
            " finds the size).",
        ),
        (
            "mtu",
            ICMP,
            "1500 bytes with DF are refused by 198.18.2.7 before hop 5 (MTU 1400 !F), 64 bytes"
            " pass.",
        ),
        (
            "ports",
            TCP_25,
            "Only TCP 25 is filtered: ICMP echo, UDP 33434 and TCP 443 reach the target; hop 7"
            " 203.0.113.1 is the last that answers TCP 25. TCP 25 cannot tell size and mark.",
        ),
        (
            "tos",
            ICMP,
            "All settings reach the target alike: not the protocol, the size or the mark (a loss of"
            " one of them of 1. % or more would have shown).",
        ),
    ],
)
def test_the_sentence_names_the_right_thing(
    inside: Inside, scenario: str, settings: ProbeSettings, sentence: str
) -> None:
    program = [sys.executable, "-m", "tests.helpers.lab.diagnose_in_lab", as_json(settings)]
    told = inside(scenario, *program).splitlines()
    pattern = re.escape(sentence).replace(r"1\.\ %", r"1\d\ %")
    assert re.fullmatch(pattern, told[0])
    assert told[1:] == ["1"], "what was in force goes on"
