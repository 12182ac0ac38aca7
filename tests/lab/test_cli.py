"""The lab on the command line: the list, a file of one's own, mistakes, and names."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.event_lines import read_events
from tests.helpers.lab.lab_trace import alone
from tests.helpers.location_files import FRANKFURT, write_geoip, write_peeringdb
from tests.helpers.network.tui_trace_process import environment
from tests.helpers.places import ROOT
from tui_trace.core import events
from tui_trace.lab import load_scenario, scenario, scenario_titles

pytestmark = pytest.mark.usefixtures("inside")


def run(*arguments: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """tui-trace with these, to its end; in a home of its own, or in that of all tests."""
    places = ("HOME", *(f"XDG_{kind}_HOME" for kind in ("CONFIG", "DATA", "STATE", "CACHE")))
    own = dict.fromkeys(places, str(home)) if home is not None else {}
    return subprocess.run(
        [*alone(), sys.executable, "-m", "tui_trace", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment() | own,
    )


def test_list_names_each_with_one_line() -> None:
    done = run("--lab", "list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [list(pair) for pair in scenario_titles()]


def test_a_mistake_in_a_file_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('title = "x"\n[[hops]]\nname = "a.example"\nv4 = "198.18.0.1"\nloss = 120\n')
    done = run("--lab", str(file), "-r", "-c", "1")
    assert done.returncode != 0
    assert done.stdout == ""
    assert f"{file}:5: hops[0].loss" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["nowhere", "/nonexistent/x.toml"])
def test_no_such_scenario_is_one_line(name: str) -> None:
    done = run("--lab", name, "-r", "-c", "1")
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert name in done.stderr


def test_a_file_of_ones_own_and_another_host(tmp_path: Path) -> None:
    page = ROOT / "tui_trace/lab/scenarios/README.md"
    example = page.read_text().split("```toml\n")[1].split("```")[0]
    file = tmp_path / "mine.toml"
    file.write_text(example)
    done = run("--lab", str(file), "-r", "-n", "-c", "2", "-i", "0.1", "core.isp.example")
    assert done.returncode == 0
    assert " 198.18.1.1 " in done.stdout
    assert "203.0.113.80" not in done.stdout


def test_the_page_on_scenarios_names_every_key() -> None:

    page = (ROOT / "tui_trace/lab/scenarios/README.md").read_text()
    tables = (
        scenario.Scenario, scenario.LabHop, scenario.Rule, scenario.LabDnat, scenario.LabLabel,
        scenario.Queue, scenario.Delay, scenario.Diamond, scenario.Branch, scenario.Detour,
        scenario.Event,
    )  # fmt: skip
    for table in tables:
        for key in table.__struct_fields__:
            assert any(f"{mark}{key}" in page for mark in ("`", " ", "[[hops.", "(")), key
    for trick in scenario.MalformedKind.__args__:
        assert f"`{trick}`" in page


def test_names_numbers_and_owners_come_from_the_lab() -> None:
    done = run("--lab", "plain", "--jsonl", "-z", "--owner", "-c", "1")
    assert done.returncode == 0, done.stderr
    stream = read_events(done.stdout.splitlines())
    named = {event.address: event.names for event in stream if isinstance(event, events.HostNamed)}
    origins = {event.address: event for event in stream if isinstance(event, events.AsnFound)}
    owners = {
        event.address: event.owner for event in stream if isinstance(event, events.OwnerFound)
    }
    for hop in load_scenario("plain").hops:
        assert hop.v4 is not None
        assert named[hop.v4] == (hop.name,)
        if hop.asn is None:
            assert hop.v4 not in origins or origins[hop.v4].asns == ()
        else:
            assert origins[hop.v4].asns == (hop.asn,)
            assert origins[hop.v4].names == (f"{hop.owner}, ZZ",)
            assert owners[hop.v4].startswith("hostmaster@")


@pytest.mark.parametrize("output", ["-r", "-w", "--markdown", "-j"])
def test_reports_name_the_owners(output: str) -> None:
    done = run("--lab", "plain", output, "--owner", "-c", "1")
    assert done.returncode == 0, done.stderr
    hops = [str(hop.v4) for hop in load_scenario("plain").hops]
    if output == "-j":
        hubs = json.loads(done.stdout)["report"]["hubs"]
        owners = {address: owner for hub in hubs for address, owner in hub["owners"].items()}
    else:
        told = re.findall(r"^(?:- )?Owner (\S+): (.*)$", done.stdout, re.M)
        owners = {each: owner for owner, addresses in told for each in addresses.split(", ")}
    assert list(owners) == hops
    assert all(owner.startswith("hostmaster") for owner in owners.values())
    assert "Owner" not in run("--lab", "plain", output, "-c", "1").stdout


def test_files_tell_where_hops_are(tmp_path: Path) -> None:
    geoip = write_geoip(tmp_path / "g.mmdb", {"203.0.113.0/24": FRANKFURT})
    peeringdb = write_peeringdb(tmp_path / "p.json", {"198.18.2.0/24": "DE-CIX Frankfurt"})
    words = ("--lab", "plain", "-n", "-c", "1", "--geoip", str(geoip))
    words = (*words, "--peeringdb", str(peeringdb))
    text = run(*words, "-r", "-y", "5").stdout
    assert re.search(r"^ *\d+\. Frankfurt am Main, DE 203\.0\.113\.80 ", text, re.MULTILINE), text
    assert re.search(r"^ *\d+\. \?{3} +198\.18\.2\.\d+ ", text, re.MULTILINE)
    assert "| DE-CIX Frankfurt | 198.18.2." in run(*words, "--markdown", "-y", "6").stdout
    assert re.search(',"Frankfurt am Main, DE",,[0-9]+\n', run(*words, "-C").stdout)
    hubs = json.loads(run(*words, "-j").stdout)["report"]["hubs"]
    (last,) = hubs[-1]["locations"]
    assert (last["address"], last["city"]) == ("203.0.113.80", "Frankfurt am Main")
    exchanges = {one["exchange"] for hub in hubs for one in hub.get("locations", ())}
    assert exchanges == {"DE-CIX Frankfurt", ""}
    assert "locations" not in hubs[0]
    assert "DE-CIX" not in run(*words, "-j", "--hide", "20").stdout
    none = run("--lab", "plain", "-n", "-c", "1", "-r", "--geoip", str(tmp_path / "none"))
    assert none.returncode == 0
    assert f"--geoip {tmp_path / 'none'}: No such file or directory\n" in none.stdout


def test_radb_comes_from_the_lab() -> None:
    done = run("--lab", "plain", "--jsonl", "-z", "--asn-source", "radb", "-c", "1")
    stream = read_events(done.stdout.splitlines())
    origins = {event.address: event.asns for event in stream if isinstance(event, events.AsnFound)}
    for hop in load_scenario("plain").hops[1:]:
        assert origins[str(hop.v4)] == (hop.asn,)


def test_what_the_lab_says_is_not_kept(tmp_path: Path) -> None:
    run("--lab", "plain", "-r", "-z", "-c", "1", home=tmp_path)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"198.18.3." in path.read_bytes() for path in kept), kept
