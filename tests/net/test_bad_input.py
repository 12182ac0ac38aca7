"""Bad input gets one line and an exit code, and nothing is sent."""

import re
from collections.abc import Iterator

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture
from tests.helpers.network.chain import DOWN, UP, Chain
from tests.helpers.network.terminals import Tmux
from tui_trace.core.events import SessionBegan

FOUR, SIX, BOTH = "four.example", "six.example", "both.example"


@pytest.fixture(scope="module")
def named() -> Iterator[Chain]:
    """A target with a name in one family only, and a resolver that refuses at once."""
    with Chain(1) as chain:
        target = [chain.target_address(family) for family in (4, 6)]
        chain.client.etc(
            "hosts",
            f"{target[0]} {FOUR} {BOTH}\n{target[1]} {SIX} {BOTH}\n"
            f"{chain.source_address(4)} here4\n{chain.source_address(6)} here6\n",
        )
        chain.client.etc("resolv.conf", "nameserver 127.0.0.1\n")
        yield chain


WRONG = [
    (("-T", "-P", "99999"), "--port"),
    (("-u", "-P", "0"), "--port"),
    (("-T", "-P", "no-such-service"), "--port"),
    (("-P", "443"), "--port"),
    (("-Q", "300"), "--tos"),
    (("-Q", "XYZ"), "--tos"),
    (("-Q", "-1"), "--tos"),
    (("-f", "9", "-m", "5"), "--first-ttl"),
    (("-m", "256"), "--max-ttl"),
    (("-f", "0"), "--first-ttl"),
    (("-i", "0"), "--interval"),
    (("-i", "nan"), "--interval"),
    (("-i", "inf"), "--interval"),
    (("-i", "-1"), "--interval"),
    (("-Z", "0"), "--timeout"),
    (("-Z", "nan"), "--timeout"),
    (("-s", "65536"), "--psize"),
    (("-s", "x"), "--psize"),
    (("-q", "0"), "--queries"),
    (("-c", "0"), "--report-cycles"),
    (("-U", "0"), "--max-unknown"),
    (("-u", "-L", "70000"), "--localport"),
    (("--flow", "wild"), "--flow"),
    (("-u", "-T"), "--udp"),
    (("--no-such-option",), "--no-such-option"),
    (("-Q", "\x1b[31m"), "--tos"),
]

CANNOT = [
    (("no-such-host.invalid",), "no-such-host.invalid"),
    (("-6", FOUR), FOUR),
    (("-4", SIX), SIX),
    (("-I", "nosuch0", FOUR), "nosuch0"),
    (("-a", "203.0.113.7", FOUR), "203.0.113.7"),
    (("-a", "2001:db8:ffff::7", SIX), "2001:db8:ffff::7"),
    (("-a", "203.0.113.7", SIX), "203.0.113.7"),
    (("x" * 300,), "xxx"),
    (("224.0.0.1",), "multicast"),
    (("ff02::1",), "multicast"),
    (("255.255.255.255",), "broadcast"),
    (("198.18.1.255",), "is the broadcast address of a network here"),
    (("::ffff:198.18.1.255",), "is the broadcast address of a network here"),
    (("-a", "198.18.1.255", FOUR), "is the broadcast address of a network here"),
    (("fe80::1",), "fe80::1%down0, or -I down0"),
    (("-a", "fe80::1", SIX), "fe80::1%down0, or -I down0"),
    (("fe80::1%nosuch0",), "nosuch0"),
]


def _refused(chain: Chain, args: tuple[str, ...], code: int, word: str, *before: str) -> None:
    with Capture(chain.client, DOWN) as capture:
        done = chain.client.run(
            [*before, *tui_trace_process.command("-r", "-c1", *args)],
            check=False,
            env=tui_trace_process.environment(),
        )
        seen = capture.stop()
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert word in done.stderr
    assert done.stderr.startswith("tui-trace: ")
    assert done.stderr.endswith("\n")
    assert done.stderr[:-1].isprintable(), "one line, and no escapes"
    assert [one for one in seen if one.packet.is_probe] == []


def _shown(value: object) -> str:
    return " ".join(value)[:30] if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize(("args", "option"), WRONG, ids=_shown)
def test_a_value_that_can_never_be_right(named: Chain, args: tuple[str, ...], option: str) -> None:
    _refused(named, (*args, FOUR), 2, option)


@pytest.mark.parametrize("text", ["198.018.1.2", "010.0.0.1"])
def test_a_leading_zero(named: Chain, text: str) -> None:
    _refused(named, (text,), 2, "HOST takes an address without leading zeros")
    _refused(named, ("-a", text, FOUR), 2, "--address takes an address without leading zeros")
    _refused(named, ("--dns-server", text, FOUR), 2, "--dns-server takes")


def test_a_leading_zero_in_a_classic_program(named: Chain) -> None:
    done = tui_trace_process.program(
        named.client, "--as", "tcptraceroute", "198.018.1.2", check=False
    )
    assert (done.returncode, done.stderr) == (1, "Bad destination address: 198.018.1.2\n")


def _traced(chain: Chain, *args: str) -> str:
    """The address that is traced."""
    stream = tui_trace_process.trace(chain.client, "-c1", *args)
    (began,) = tui_trace_process.only(SessionBegan, stream)
    assert tui_trace_process.hops(stream)[-1] == began.address
    return began.address


def test_a_mapped_address_is_ipv4(named: Chain) -> None:
    assert _traced(named, f"::ffff:{named.target_address(4)}") == named.target_address(4)


def test_a_link_local_address_by_its_interface(named: Chain) -> None:
    shown = named.nodes[1].run(["ip", "-6", "-o", "address", "show", "dev", UP, "scope", "link"])
    address = shown.stdout.split()[3].partition("/")[0]
    assert _traced(named, "-I", DOWN, address) == address
    assert _traced(named, f"{address}%{DOWN}") == address


@pytest.mark.parametrize("family", [4, 6])
def test_the_source_chooses_the_version_of_the_target(named: Chain, family: int) -> None:
    target = named.target_address(family)
    assert _traced(named, "-a", named.source_address(family), BOTH) == target
    assert _traced(named, "-a", f"here{family}", BOTH) == target


@pytest.mark.parametrize("family", [4, 6])
def test_the_interface_chooses_the_version_of_the_target(family: int) -> None:
    """An interface with addresses of one version only; packets of the other leave by another."""
    other = 10 - family
    with Chain(1) as chain:
        client = chain.client
        target = {version: chain.target_address(version) for version in (4, 6)}
        client.etc("hosts", f"{target[4]} {BOTH}\n{target[6]} {BOTH}\n")
        client.run(["ip", f"-{other}", "address", "flush", "dev", DOWN])
        elsewhere, everywhere = {4: ("192.0.2.1/24", "0.0.0.0/0"), 6: ("3fff::1/64", "::/0")}[other]
        client.ip("link add other0 type veth peer name end0", "link set other0 up")
        client.ip("link set end0 up")
        client.ip(f"address add {elsewhere} dev other0", f"route replace {everywhere} dev other0")
        assert _traced(chain, "-I", DOWN, BOTH) == target[family]


def test_no_host(named: Chain) -> None:
    _refused(named, (), 2, "HOST")


@pytest.mark.parametrize(("args", "word"), CANNOT, ids=_shown)
def test_what_this_machine_or_network_cannot_give(
    named: Chain, args: tuple[str, ...], word: str
) -> None:
    _refused(named, args, 1, word)


def test_a_missing_right(named: Chain) -> None:
    _refused(named, ("--icmp", FOUR), 1, "ping_group_range", "setpriv", "--bounding-set=-net_raw")


def test_the_live_view_needs_a_terminal(named: Chain) -> None:
    with Capture(named.client, DOWN) as capture:
        done = tui_trace_process.program(named.client, FOUR, check=False)
        seen = capture.stop()
    assert done.returncode == 1
    assert "terminal" in done.stderr
    assert [one for one in seen if one.packet.is_probe] == []


@pytest.mark.parametrize(("family", "least"), [(4, 30), (6, 50)])
def test_a_size_below_the_headers_is_raised(named: Chain, family: int, least: int) -> None:
    host = FOUR if family == 4 else SIX
    with Capture(named.client, DOWN) as capture:
        done = tui_trace_process.program(named.client, "-r", "-n", "-c1", "-s", "1", host)
        seen = capture.stop()
    assert f"{least} bytes" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    source = named.source_address(family)
    sizes = {
        one.packet.length for one in seen if one.packet.source == source and one.packet.is_probe
    }
    assert sizes == {least}


@pytest.mark.parametrize(
    ("keys", "text", "option"),
    [
        ("t P", "99999", "99999"),
        ("Q", "300", "300"),
        ("Q", "XYZ", "XYZ"),
        ("S", "65536", "65536"),
        ("f", "31", "31"),
        ("m", "0", "0"),
    ],
)
def test_in_a_prompt_the_old_setting_stays(named: Chain, keys: str, text: str, option: str) -> None:
    line = r"ICMP echo · TOS.*bytes|TCP port.*bytes"
    with Tmux(named.client, columns=140) as tmux:
        tmux.start(
            tui_trace_process.command("-n", "-i", "0.2", FOUR), tui_trace_process.environment()
        )
        tmux.wait_for(re.escape(named.hop(1)))
        tmux.press(*keys.split())
        tmux.answer(text)
        before = re.search(line, tmux.screen())
        tmux.press("Enter")
        tmux.wait_for(rf"! .* takes .*not '{option}'")
        tmux.press("Escape")
        after = re.search(line, tmux.wait_without("takes"))
        assert before is not None
        assert after is not None
        assert after[0] == before[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("198.18.1.255", "is the broadcast address of a network here"),
        ("010.0.0.1", "without leading zeros"),
        ("fe80::1", "is link-local: name the interface"),
    ],
)
def test_an_address_that_is_no_target_in_the_prompt(named: Chain, text: str, line: str) -> None:
    with Tmux(named.client, columns=140) as tmux:
        tmux.start(tui_trace_process.command("-n", FOUR), tui_trace_process.environment())
        tmux.wait_for(re.escape(named.hop(1)))
        tmux.press("/")
        tmux.answer(text)
        tmux.press("Enter")
        tmux.wait_for(line)
