"""Every key, from the terminal to the source."""

import pytest
from textual.widgets import Input, OptionList

from tests.helpers.app.app_driver import Watch, refuse, seen, watching
from tests.helpers.app.fake_source import FakeSource, began, path, switches
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.control.lab_quiz import LabScenario
from tui_trace.app.keymap import KEYS
from tui_trace.app.screens.column_chooser import ColumnChooser
from tui_trace.app.screens.help_screen import HelpScreen
from tui_trace.app.widgets.hop_inspector import HopInspector
from tui_trace.core.settings import (
    NS_PER_S,
    DnatMode,
    Pace,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    TcpFlags,
)
from tui_trace.core.stream import Reset, Source
from tui_trace.report.hop_columns import ALWAYS, COLUMNS, DISPLAYS

pytestmark = pytest.mark.slow


async def test_protocols_remember_their_port() -> None:
    async with watching() as watch:
        await watch.press("u")
        await watch.press("i")
        await watch.press("t")
        assert [(one.protocol, one.port) for one in watch.settings] == [
            (Protocol.UDP, 33434),
            (Protocol.ICMP, 0),
            (Protocol.TCP, 443),
        ]
        await watch.press("t")
        assert len(watch.settings) == 3, "the same settings are no switch"
        await watch.until(lambda: seen(watch).run.number == 4)
        assert "run 4 (TCP port 443)" in watch.text("#heading")


@pytest.mark.parametrize(
    ("key", "typed", "field", "value"),
    [
        ("P", "https", "port", 443),
        ("P", "8080", "port", 8080),
        ("Q", "EF", "tos", 184),
        ("Q", "0xb8", "tos", 184),
        ("S", "1400", "size", 1400),
    ],
)
async def test_prompts_switch(key: str, typed: str, field: str, value: int) -> None:
    async with watching(chosen=switches(port=80)) as watch:
        await watch.press(key)
        assert watch.prompt.display
        await watch.type(typed)
        assert not watch.prompt.display
        assert getattr(watch.settings[-1], field) == value


@pytest.mark.parametrize(
    ("key", "typed", "says"),
    [
        ("P", "99999", "--port takes a port from 1 to 65535 or a service name, not '99999'"),
        ("P", "no-such-thing", "--port takes a port"),
        ("Q", "300", "--tos takes 0 to 255"),
        ("Q", "XYZ", "--tos takes 0 to 255"),
        ("S", "65536", "--psize takes 1 to 65535 bytes, not '65536'"),
        ("S", "", "--psize takes"),
        ("f", "31", "--first-ttl takes 1 to --max-ttl (30), not '31'"),
        ("f", "0", "--first-ttl takes 1 to 255"),
        ("m", "256", "--max-ttl takes 1 to 255"),
        ("/", "nowhere.invalid", "unknown host 'nowhere.invalid'"),
    ],
)
async def test_a_bad_value_changes_nothing_and_is_told(key: str, typed: str, says: str) -> None:
    async with watching() as watch:
        before = seen(watch).run.settings
        await watch.press(key)
        await watch.type(typed)
        await watch.until(lambda: says in watch.text("#prompt-says"))
        assert watch.prompt.display
        assert watch.source.commands == []
        await watch.press("escape")
        assert not watch.prompt.display
        await watch.press("r")
        assert watch.source.commands == [Reset()]
        assert seen(watch).run.settings == before


async def test_escape_leaves_a_prompt() -> None:
    async with watching() as watch:
        await watch.press("S", "9", "escape")
        assert not watch.prompt.display
        assert watch.source.commands == []
        assert "TCP" in watch.text("#keys")


async def test_letters_in_a_prompt_are_text() -> None:
    async with watching() as watch:
        await watch.press("slash")
        await watch.press("ctrl+u", *"quit")
        assert watch.app.live.query_one("#prompt-value").value == "quit"
        assert watch.source.commands == []


@pytest.mark.parametrize(
    ("typed", "protocol", "port"),
    [
        ("443", Protocol.TCP, 443),
        ("https", Protocol.TCP, 443),
        ("udp/53", Protocol.UDP, 53),
        ("53/udp", Protocol.UDP, 53),
        ("TCP/ssh", Protocol.TCP, 22),
        ("quic/443", Protocol.QUIC, 443),
        ("QUIC/8443", Protocol.QUIC, 8443),
    ],
)
async def test_a_port_switches_from_icmp_to_a_protocol_that_has_it(
    typed: str, protocol: Protocol, port: int
) -> None:
    async with watching(chosen=switches(Protocol.ICMP, 0)) as watch:
        await watch.press("P")
        await watch.type(typed)
        assert [(one.protocol, one.port) for one in watch.settings] == [(protocol, port)]


async def test_quic_has_its_own_port_and_size() -> None:
    async with watching(chosen=switches(Protocol.UDP, 53)) as watch:
        await watch.press("U", "P")
        assert "now 443" in watch.text("#prompt-says")
        await watch.type("8443")
        await watch.press("u", "U")
        assert [(one.protocol, one.port, one.size) for one in watch.settings] == [
            (Protocol.QUIC, 443, 1228),
            (Protocol.QUIC, 8443, 1228),
            (Protocol.UDP, 53, 60),
            (Protocol.QUIC, 8443, 1228),
        ]
        await watch.press("S")
        await watch.type("600")
        assert "raised from 600 to 1228" in watch.text("#keys")
        assert len(watch.settings) == 4


async def test_a_port_may_name_another_protocol_and_a_bad_one_is_refused() -> None:
    async with watching(chosen=switches(Protocol.UDP, 33434)) as watch:
        await watch.press("P")
        assert "1–65535" in watch.text("#prompt-says")
        assert "now 33434" in watch.text("#prompt-says")
        for bad in ("sctp/80", "udp/", "/53", "udp/0", "udp/53/tcp", "", "no-such-service"):
            await watch.type(bad)
            assert watch.prompt.display
        assert watch.settings == []
        await watch.type("tcp/8080")
        assert [(one.protocol, one.port) for one in watch.settings] == [(Protocol.TCP, 8080)]


async def test_dont_fragment() -> None:
    async with watching() as watch:
        await watch.press("F")
        await watch.press("F")
        assert [one.df for one in watch.settings] == [True, False]


async def test_ipv6_has_no_df() -> None:
    first = began("v6.example", "2001:db8::1", 6)
    async with watching(FakeSource(path(3, first=first))) as watch:
        await watch.press("F")
        assert watch.source.commands == []
        assert "IPv6 routers never fragment" in watch.text("#keys")


async def test_a_size_below_the_headers_is_raised_with_a_warning() -> None:
    async with watching() as watch:
        await watch.press("S")
        await watch.type("20")
        assert "packet size raised" in watch.text("#keys")
        assert watch.settings == [], "60 bytes was the size before"
        await watch.press("S")
        assert watch.app.live.query_one("#prompt-value", Input).value == "60"


async def test_tcp_flags_go_round() -> None:
    async with watching() as watch:
        for _ in range(4):
            await watch.press("A")
        assert [one.tcp_flags for one in watch.settings] == [
            TcpFlags.ACK,
            TcpFlags.SYN_ACK,
            TcpFlags.ECN,
            TcpFlags.SYN,
        ]
        await watch.press("u")
        await watch.press("A")
        assert "UDP has no TCP flags" in watch.text("#keys")


async def test_interval_in_steps() -> None:
    async with watching() as watch:
        for key in ("plus", "plus", "minus", "minus", "minus", "minus", "minus", "minus"):
            await watch.press(key)
        seconds = [pace.interval / NS_PER_S for pace in watch.paces]
        assert seconds == [2, 5, 2, 1, 0.5, 0.2, 0.1]
        assert "is the shortest interval" in watch.text("#keys")
        await watch.until(lambda: "every 0.1 s" in watch.text("#heading"))


@pytest.mark.parametrize("key", ["p", "space"])
async def test_pause_and_go_on(key: str) -> None:
    async with watching() as watch:
        assert "● live" in watch.text("#heading")
        await watch.press(key)
        await watch.until(lambda: "‖ paused" in watch.text("#heading"))
        await watch.press(key)
        await watch.until(lambda: "● live" in watch.text("#heading"))
        assert [pace.paused for pace in watch.paces] == [True, False]


async def test_ttls() -> None:
    async with watching() as watch:
        await watch.press("m")
        await watch.type("12")
        await watch.press("f")
        await watch.type("3")
        assert [(pace.first_ttl, pace.max_ttl) for pace in watch.paces] == [(1, 12), (3, 12)]


async def test_reset() -> None:
    async with watching() as watch:
        await watch.press("r")
        assert watch.source.commands == [Reset()]


async def test_display_goes_round() -> None:
    async with watching(size=(120, 30)) as watch:
        headers = []
        for _ in DISPLAYS:
            headers.append(watch.text("#hops").splitlines()[0].split())
            await watch.press("d")
        assert "Avg±SD" in headers[0]
        assert "Jitter" in headers[1]
        assert "p99" in headers[2]
        assert watch.text("#hops").splitlines()[0].split() == headers[0]


async def test_columns_are_chosen() -> None:
    async with watching(size=(120, 30)) as watch:
        await watch.press("o")
        assert isinstance(watch.app.screen, ColumnChooser)
        listed = [name for name in COLUMNS if name not in ALWAYS]
        await watch.press(*["down"] * listed.index("loss"), "space")
        await watch.press("escape")
        header = watch.text("#hops").splitlines()[0]
        assert "Loss%" not in header
        assert "Snt" in header


async def test_enter_closes_the_columns_and_changes_none() -> None:
    async with watching(size=(120, 30)) as watch:
        before = watch.text("#hops").splitlines()[0]
        await watch.press("o", "down", "enter")
        assert watch.app.screen is watch.app.live
        assert watch.text("#hops").splitlines()[0] == before


async def test_columns_without_room_are_marked() -> None:
    async with watching(size=(80, 24)) as watch:
        await watch.press("o")
        options = watch.app.screen.query_one(OptionList)

        def crowded() -> list[str]:
            prompts = (str(option.prompt) for option in options.options)
            return [prompt for prompt in prompts if "no room" in prompt]

        assert options.option_count == len(COLUMNS) - len(ALWAYS)
        assert crowded() == []
        for name in ("mean", "sd", "jitter"):
            options.highlighted = [one for one in COLUMNS if one not in ALWAYS].index(name)
            await watch.press("space")
        assert any("[x] Recent" in one for one in crowded())
        assert not any("ASN" in one for one in crowded()), "it waits for numbers, not for room"


async def test_select_and_inspect() -> None:
    async with watching() as watch:
        table, panel = watch.app.live.table, watch.app.live.query_one(HopInspector)
        await watch.press("down", "down")
        assert table.selected == 2
        await watch.press("up")
        assert table.selected == 1
        await watch.press("ctrl+end")
        assert table.selected == 6
        await watch.press("ctrl+home")
        assert table.selected == 1
        assert not panel.display
        await watch.press("enter")
        assert panel.display
        assert "hop 1  10.0.0.1" in watch.text("#inspector")
        await watch.press("ctrl+end")
        shown = watch.text("#inspector")
        assert "hop 6  203.0.113.80" in shown
        assert "5 sent · 5 answered · 0 lost" in shown
        assert "[open]" in shown
        await watch.press("escape")
        assert not panel.display
        await watch.press("escape")
        assert table.selected is None


async def test_the_mouse_selects() -> None:
    async with watching() as watch:
        await watch.pilot.click("#hops", offset=(5, 2))
        assert watch.app.live.table.selected == 2


async def test_a_key_in_the_footer_can_be_clicked() -> None:
    async with watching() as watch:
        at = watch.text("#keys").index("u UDP")
        await watch.pilot.click("#keys", offset=(at, 0))
        assert [one.protocol for one in watch.settings] == [Protocol.UDP]


async def test_help_in_the_footer_can_be_clicked_and_chosen_in_the_palette() -> None:
    async with watching() as watch:
        at = watch.text("#keys").index("? help")
        await watch.pilot.click("#keys", offset=(at, 0))
        assert isinstance(watch.app.screen, HelpScreen)
        await watch.press("escape")
        commands = {one.title: one for one in watch.app.get_system_commands(watch.app.screen)}
        await commands["help (? h)"].callback()
        assert isinstance(watch.app.screen, HelpScreen)
        await watch.press("escape")
        await commands["bell (B)"].callback()
        await watch.until(lambda: "bell" in watch.text("#keys"))


async def test_copy() -> None:
    async with watching() as watch:
        await watch.press("y")
        assert "select a hop" in watch.text("#keys")
        await watch.press("down", "down", "down", "down", "y")
        copied = watch.app.clipboard
        assert "198.51.100.9" in copied
        assert "198.51.100.13" in copied
        assert "\x1b" not in copied


@pytest.mark.parametrize("key", ["h", "question_mark"])
async def test_help_knows_every_key(key: str) -> None:
    async with watching(size=(120, 70)) as watch:
        await watch.press(key)
        assert isinstance(watch.app.screen, HelpScreen)
        lines = watch.app.screen.query_one("#reading")
        shown = "\n".join(lines.render_line(y).text for y in range(lines.size.height))
        for one in KEYS:
            assert one.description in shown
        await watch.press("escape")
        assert watch.app.screen is watch.app.live


async def test_what_the_lab_does_stands_in_the_help_alone() -> None:
    title = "A link of 1400 bytes that nobody reports"
    source = FakeSource(path(5))
    app = TraceApp(refuse, source, switches(), Pace(), Config(), lab=LabScenario("mtu", title))
    async with app.run_test(size=(100, 30)) as pilot:
        watch = Watch(app, source, pilot)
        await watch.until(lambda: app.live.snapshot is not None)
        assert title not in "\n".join(watch.screen_lines)
        await watch.press("h")
        assert f"This lab: {title}" in "\n".join(watch.screen_lines)
    source.stop()


@pytest.mark.parametrize(
    ("guess", "said"),
    [
        ("loss", "it is not loss"),
        ("mtu", "right: A link of 1400 bytes"),
        ("", "it is mtu: A link of 1400 bytes"),
        ("[red]x", "no such scenario; there are loss, mtu"),
    ],
)
async def test_a_quiz_hides_the_scenario_until_it_is_guessed(guess: str, said: str) -> None:
    source = FakeSource(path(5))
    lab = LabScenario("mtu", "A link of 1400 bytes", ("loss", "mtu"))
    app = TraceApp(refuse, source, switches(), Pace(), Config(), lab=lab)
    async with app.run_test(size=(100, 30)) as pilot:
        watch = Watch(app, source, pilot)
        await watch.until(lambda: app.live.snapshot is not None)
        await watch.press("h")
        assert "1400 bytes" not in "\n".join(watch.screen_lines).replace("MTU 1400", "")
        assert "This lab: a quiz" in "\n".join(watch.screen_lines)
        await watch.press("escape")
        await app.live.run_action("ask('guess')")
        await watch.type(guess)
        assert said in watch.text("#keys")
    assert app.lab.answer == "the lab was mtu: A link of 1400 bytes"
    source.stop()


async def test_without_a_quiz_there_is_nothing_to_guess() -> None:
    async with watching() as watch:
        await watch.app.live.run_action("ask('guess')")
        assert not watch.prompt.display
        assert "no quiz is under way" in watch.text("#keys")


@pytest.mark.parametrize(
    ("before", "key"),
    [
        ([], "q"),
        ([], "ctrl+c"),
        (["o"], "ctrl+c"),
        (["question_mark"], "ctrl+c"),
        (["slash"], "ctrl+c"),
    ],
)
async def test_quit_from_anywhere(before: list[str], key: str) -> None:
    async with watching() as watch:
        await watch.press(*before)
        await watch.pilot.press(key)
        await watch.until(watch.source.ended.is_set)
    assert watch.app.return_code == 0
    assert watch.app.last_snapshot is not None
    assert watch.app.last_snapshot.ended
    assert watch.app.last_snapshot.run.rounds == 5


async def test_a_new_target_is_a_new_session_with_the_same_settings() -> None:
    second = FakeSource(path(2, first=began("other.example", "203.0.113.99")))
    asked = []

    def open_source(target: str, settings: ProbeSettings, pace: Pace) -> Source:
        asked.append((target, settings, pace))
        return second

    async with watching(open_source=open_source) as watch:
        await watch.press("u")
        await watch.press("plus")
        await watch.press("p")
        await watch.press("slash")
        await watch.type("other.example")
        await watch.until(lambda: seen(watch).target == "other.example")
        assert watch.source.ended.is_set(), "the first session ended in order"
        target, settings, pace = asked[0]
        assert target == "other.example"
        assert settings.protocol is Protocol.UDP
        assert pace.interval == 2 * NS_PER_S
        assert not pace.paused, "who asks for a target demand to see it"
        assert not watch.prompt.display
        assert "other.example" in watch.text("#heading")
        await watch.press("r")
        assert second.commands == [Reset()]
    second.stop()


async def test_keys_can_be_remapped() -> None:
    config = Config(keymap={"probe.udp": "x", "app.quit": "f10"})
    async with watching(config=config) as watch:
        await watch.press("u")
        assert watch.settings == []
        await watch.press("x")
        assert [one.protocol for one in watch.settings] == [Protocol.UDP]
        assert "x UDP" in watch.text("#keys")


async def test_the_palette_knows_the_keys() -> None:
    async with watching() as watch:
        commands = {one.help for one in watch.app.get_system_commands(watch.app.screen)}
        for key in KEYS:
            assert key.description in commands or key.priority
        await watch.press("ctrl+p")
        await watch.press(*"udp")
        await watch.pilot.pause(0.3)
        await watch.press("enter")
        await watch.until(lambda: watch.settings)
        assert watch.settings[0].protocol is Protocol.UDP


async def test_every_binding_explains_itself() -> None:
    async with watching() as watch:
        live = watch.app.live
        own = [one.binding for one in live.active_bindings.values() if one.node is live]
        mine = [binding for binding in own if binding.id and not binding.system]
        assert {binding.id for binding in mine} >= {key.id for key in KEYS if not key.priority}
        assert all(binding.description and binding.tooltip for binding in mine)


async def test_the_next_key_takes_away_what_was_said() -> None:
    async with watching(chosen=switches(Protocol.ICMP, 0)) as watch:
        await watch.press("A")
        assert "ICMP has no TCP flags" in watch.text("#keys")
        await watch.press("f5")
        assert "no TCP flags" in watch.text("#keys"), "a key that does nothing changes nothing"
        await watch.press("t")
        assert "no TCP flags" not in watch.text("#keys")
        assert "t TCP" in watch.text("#keys")


async def test_a_prompt_leaves_nothing_of_what_was_said_before() -> None:
    async with watching() as watch:
        await watch.press("n")
        assert "hosts by address" in watch.text("#keys")
        await watch.press("S", "escape")
        assert "hosts by" not in watch.text("#keys")


@pytest.mark.parametrize(
    ("question", "typed", "fields"),
    [
        ("protocol", "gre", {"protocol": Protocol.IP, "number": 47, "port": 0}),
        ("protocol", "89", {"protocol": Protocol.IP, "number": 89}),
        ("protocol", "17", {"protocol": Protocol.UDP, "number": 0, "port": 33434}),
        ("track", "port", {"track": ProbeIdField.PORT}),
        ("track", "ID", {"track": ProbeIdField.IP_ID}),
        ("dnat", "show", {"dnat": DnatMode.SHOW}),
    ],
)
async def test_what_has_no_key_is_asked_for_by_name(
    question: str, typed: str, fields: dict[str, object]
) -> None:
    async with watching() as watch:
        await watch.press("ctrl+p", *question)
        await watch.pilot.pause(0.5)
        await watch.press("enter")
        await watch.until(lambda: watch.prompt.question == question)
        await watch.type(typed)
        assert not watch.prompt.display
        for name, value in fields.items():
            assert getattr(watch.settings[-1], name) == value


@pytest.mark.parametrize(
    ("question", "typed", "says"),
    [
        ("protocol", "nonsense", "--protocol takes 0 to 255 or the name of an IP protocol"),
        ("protocol", "256", "--protocol takes 0 to 255"),
        ("track", "mood", "--track takes seq, id or port, not 'mood'"),
        ("track", "port", "--track takes seq or id without --tcp or --udp"),
        ("dnat", "", "--dnat takes off, match or show"),
    ],
)
async def test_what_has_no_key_is_refused_as_on_the_command_line(
    question: str, typed: str, says: str
) -> None:
    async with watching(chosen=switches(Protocol.ICMP, 0)) as watch:
        await watch.app.live.run_action(f"ask('{question}')")
        await watch.type(typed)
        assert says in watch.text("#prompt-says")
        assert watch.source.commands == []


async def test_tcp_after_another_protocol_is_the_run_it_was() -> None:
    async with watching() as watch:
        first = seen(watch).run.settings
        await watch.app.live.run_action("ask('protocol')")
        await watch.type("gre")
        await watch.press("t")
        assert watch.settings[-1] == first


async def test_a_key_that_does_nothing_says_what_does() -> None:
    bound = {key.strip() for one in KEYS for key in one.keys.split(",")}
    async with watching() as watch:
        for key in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":
            if key not in bound:
                await watch.press(key)
                assert watch.text("#keys").lstrip().startswith(f"{key}: "), key
        await watch.press("s")
        assert "the packet size is S" in watch.text("#keys")
        await watch.press("i", "i")
        assert "ICMP echo already; + and - change the interval" in watch.text("#keys")
        assert watch.app.screen is watch.app.live


async def test_a_key_that_is_taken_says_nothing_of_the_sort() -> None:
    config = Config(keymap={"probe.size": "s"})
    async with watching(config=config) as watch:
        await watch.press("s")
        assert watch.prompt.display
        await watch.press("j")
        assert "no such key" not in watch.text("#keys")
