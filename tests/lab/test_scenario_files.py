"""Scenario files: those that come along are right, and a mistake names file, line and key."""

import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.places import ROOT
from tui_trace.lab import DEFAULT, LabError, load_scenario, scenario_names, scenario_titles
from tui_trace.lab.scenario_file import parse_scenario

GOOD = """title = "two hops"

[[hops]]
name = "gw.example"
v4 = "198.18.0.1"
delay = 1.5

[[hops]]
name = "target.example"
v4 = "198.18.0.2"
v6 = "2001:db8:5::2"
open = [80]

[[hops.rules]]
action = "pass"
protocol = "tcp"

[[hops.rules]]
action = "drop"
"""


def test_default_comes_first_and_every_one_has_a_line() -> None:
    assert scenario_names()[0] == DEFAULT
    lines = scenario_titles()
    assert len(lines) >= 24
    assert all(
        title and "\n" not in title and len(name) + len(title) < 120 for name, title in lines
    )
    assert len({title for _, title in lines}) == len(lines)


def test_only_documentation_addresses_and_numbers() -> None:
    allowed = [
        ip_network(text)
        for text in (
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "198.18.0.0/15",
            "2001:db8::/32",
        )
    ]
    for name in scenario_names():
        for hop in load_scenario(name).all_hops():
            for text in (hop.v4, hop.v6):
                assert text is None or any(ip_address(text) in network for network in allowed)
            assert hop.asn is None or 64496 <= hop.asn <= 64511 or 65536 <= hop.asn <= 65551
            assert hop.name.endswith((".example", ".example.com"))


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    scenario = load_scenario(str(file))
    assert scenario.name == "mine"
    assert scenario.target.name == "target.example"
    assert scenario.families == (4, 6)
    assert scenario.resolve("TARGET.example.") == "198.18.0.2"
    assert scenario.resolve("target.example", 6) == "2001:db8:5::2"
    assert scenario.resolve("gw.example", 6) is None
    assert scenario.resolve("198.18.0.1") == "198.18.0.1"
    assert scenario.resolve("nobody.example") is None


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("delay = 1.5", 'delay = "1 ms"', 6, "hops[0].delay: Expected `float`, got `str`"),
        ("delay = 1.5", "delay = -1", 6, "hops[0].delay: Expected `float` >= 0"),
        ("delay = 1.5", "dealy = 1.5", 6, "hops[0].dealy: unknown key"),
        ("delay = 1.5", "loss = 101", 6, "hops[0].loss"),
        ("delay = 1.5", "delay = nan", 6, "hops[0].delay"),
        (
            'v4 = "198.18.0.1"',
            'v4 = "198.18.0.256"',
            5,
            "hops[0].v4: '198.18.0.256' is not an address",
        ),
        ('v4 = "198.18.0.1"', 'v4 = "2001:db8::9"', 5, "not a unicast IPv4"),
        ('v4 = "198.18.0.1"', 'v4 = "198.18.0.2"', 10, "hops[0] has this address already"),
        ('v4 = "198.18.0.1"', 'v4 = "192.0.2.53"', 5, "reserved for the lab (DNS)"),
        ('name = "gw.example"', "", 3, "hops[0].name: missing"),
        ('name = "gw.example"', 'name = "a b"', 4, "hops[0].name"),
        ('"target.example"', '"gw.example"', 9, "hops[0] has this name already"),
        ("open = [80]", "open = [0]", 12, "hops[1].open[0]"),
        ('action = "drop"', 'action = "burn"', 19, "hops[1].rules[1].action: Invalid enum value"),
        ('title = "two hops"', "", 1, "title: missing"),
    ],
)
def test_a_mistake_names_file_line_and_key(old: str, new: str, line: int, words: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(LabError) as caught:
        parse_scenario(GOOD.replace(old, new).encode(), "mine.toml")
    assert str(caught.value).startswith(f"mine.toml:{line}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[[events]]\nat = 1\nhop = "gw.example"\nset = { loss = 200 }', "events[0].set.loss"),
        ('[[events]]\nat = 1\nhop = "gw.example"\nset = { lost = 2 }', "set.lost: unknown key"),
        ('[[events]]\nat = 1\nhop = "nobody"', "no hop is named 'nobody'"),
        ('[[events]]\nat = 1\ndetour = "nowhere"', "no detour is named 'nowhere'"),
        ("[[events]]\nat = 1", "either `hop` and `set`, or `detour`"),
        ('[[detours]]\nname = "x"\ninstead_of = ["target.example"]', "detours[0].instead_of"),
        (
            '[[events]]\nat = 1\nhop = "gw.example"\nset = { v4 = "198.18.0.9" }',
            "cannot change the name or an address",
        ),
    ],
)
def test_mistakes_between_tables(more: str, words: str) -> None:
    with pytest.raises(LabError) as caught:
        parse_scenario((GOOD + more).encode(), "mine.toml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("mine.toml:2")


@pytest.mark.parametrize("name", ["", "nothing", "../plain", "/nonexistent/x.toml", "a\0.toml"])
def test_no_such_scenario(name: str) -> None:
    with pytest.raises(LabError) as caught:
        load_scenario(name)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_scenario_or_one_line(data: bytes) -> None:
    with pytest.raises(LabError) as caught:
        parse_scenario(data, "x.toml")
    assert "\n" not in str(caught.value)


@given(st.data())
def test_a_broken_file_is_a_scenario_or_one_line(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(scenario_names()))
    text = (ROOT / "tui_trace/lab/scenarios" / f"{name}.toml").read_text()
    lines = text.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(
        st.sampled_from(["", "x = 1", "[[hops]]", "delay = []", 'v4 = "::1"', "= ="])
    )
    try:
        scenario = parse_scenario("\n".join(lines).encode(), "x.toml")
    except LabError as error:
        assert str(error).startswith("x.toml:")
        assert "\n" not in str(error)
    else:
        assert msgspec.to_builtins(scenario)["hops"]


def test_a_mistake_is_found_in_lines_of_any_shape() -> None:
    """In a process: an expression that goes back and forth would hold up the tests, too."""
    hostile = ["[" + " " * 20_000 + "!", "[" * 20_000, "a" + " " * 20_000, "a." * 10_000]
    code = (
        "import sys; from tui_trace.lab.scenario_file import line_of; "
        "print(line_of(sys.stdin.read(), 'target.name'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="\n".join([*hostile, " [ target ] ", "name = 1", *hostile]),
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout == f"{len(hostile) + 2}\n"
