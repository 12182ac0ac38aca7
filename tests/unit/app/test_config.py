"""The config file: what it may say, and the one line where it says something else."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.helpers.app.fake_source import FakeSource, switches
from tui_trace.app import config
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config, ConfigError, load_config
from tui_trace.core.settings import Pace, SettingError
from tui_trace.core.stream import SourceError
from tui_trace.names.location_options import LocationFiles
from tui_trace.options.command_line import Options, parse_command_line
from tui_trace.recording.sessions import DEFAULT_RETENTION


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_all_is_as_usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config.default_path() == tmp_path / "tui-trace" / "config.toml"
    assert load_config() == Config()


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    assert load_config(path) == Config(path=str(path))


def test_the_example_in_the_documentation_is_one(tmp_path: Path) -> None:
    assert config.__doc__ is not None
    example = config.__doc__.split("::\n", 1)[1].split("\nA key that", 1)[0]
    text = "\n".join(line[4:] for line in example.splitlines())
    read = load_config(written(tmp_path, text))
    assert read.theme == "tui-trace"
    assert read.options_before(behind) == parse_command_line(["--icmp", "host"])
    assert read.keymap["app.quit"] == "q,Z"
    assert read.recordings.kept() == DEFAULT_RETENTION


def behind(config: Mapping[str, object], words: Sequence[str] = ()) -> Options:
    return parse_command_line([*words, "host"], config)


def test_options_stand_before_the_command_line(tmp_path: Path) -> None:
    read = load_config(
        written(tmp_path, "[options]\ninterval = 0.2\ntcp = true\nport = 443\ntos = 'EF'\n")
    )
    options = read.options_before(partial(behind, words=("-P", "80")))
    assert options == parse_command_line("-T -P 80 -i 0.2 -Q EF host".split())


def test_what_does_not_go_with_the_command_line_is_the_files(tmp_path: Path) -> None:
    path = written(tmp_path, "[options]\nways = true\n")
    read = load_config(path)
    with pytest.raises(ConfigError) as caught:
        read.options_before(partial(behind, words=("--mtu",)))
    assert str(caught.value) == (
        f"{path}: [options] does not go with the command line: --ways finds all ways at once"
        " and does not go with --mtu (--no-config leaves the file out)"
    )


def test_what_is_wrong_without_the_file_is_not_the_files(tmp_path: Path) -> None:
    read = load_config(written(tmp_path, "[options]\ninterval = 0.2\n"))
    with pytest.raises(SettingError, match=r"^--port takes TCP or UDP probes"):
        read.options_before(partial(behind, words=("-P", "443")))


def test_files_that_say_where_hops_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    read = load_config(written(tmp_path, "[locations]\ngeoip = '~/g.mmdb'\n"))
    assert read.locations.files() == LocationFiles(geoip=tmp_path / "g.mmdb")
    assert Config().locations.files() == LocationFiles()


@pytest.mark.parametrize(
    ("size", "count"),
    [("2 GiB", 2 << 30), ("2GiB", 2 << 30), ("1.5 MB", 1_500_000), ("0.5 TiB", 1 << 39)],
)
def test_how_many_recordings_are_kept(tmp_path: Path, size: str, count: int) -> None:
    read = load_config(written(tmp_path, f"[recordings]\nkeep = 7\nsize = '{size}'\n"))
    assert read.recordings.kept() == (7, count)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 1", "colour"),
        ("path = 'x'", "path"),
        ("theme = 3", "theme"),
        ("refresh = 'fast'", "refresh"),
        ("refresh = 0", "refresh takes 1 to 30 repaints a second, not '0.0'"),
        ("refresh = nan", "refresh takes"),
        ("refresh = 1e9", "refresh takes"),
        ("options = 3", "options"),
        ("[options]\ninterval = 0", "options.interval takes 0.001 to 3600 seconds, not '0'"),
        ("[options]\ninterval = nan", "options.interval takes"),
        ("[options]\nmax_ttl = 3", "options.max_ttl: there is no such option"),
        ('[options]\n"a\\nb" = 3', "options.a b: there is no such option"),
        ("[options]\nmax-ttl = 256", "options.max-ttl takes 1 to 255, not '256'"),
        ("[options]\nmax-ttl = true", "options.max-ttl takes a number or a text, not 'true'"),
        ("[options]\nmax-ttl = [1]", "options.max-ttl takes a number or a text, not 'a list'"),
        ("[options]\nmax-ttl = 2026-03-04", "options.max-ttl takes a number or a text"),
        (f"[options]\ntos = 0x{'f' * 9000}", "options.tos takes 0 to 255"),
        ("[options]\nfirst-ttl = 9\nmax-ttl = 3", "options.first-ttl takes 1 to --max-ttl (3)"),
        ("[options]\ntcp = 1", "options.tcp takes true or false, not '1'"),
        ("[options]\ntos = 'FE'", "options.tos takes 0 to 255, 0xNN or a DSCP name (EF, AF41)"),
        ("[options]\nport = 443", "options.port takes TCP or UDP probes"),
        ("[options]\ntcp = true\nudp = true", "options: argument -u/--udp: not allowed with"),
        ("[options]\nmark = 3", "options.mark works on the command line alone: it takes effect"),
        ("[options]\njson = true", "options.json works on the command line alone: it chooses"),
        ("[columns]\nspeed = []", "columns takes displays"),
        ("[columns]\nlatency = ['loss', 'nothing']", "columns.latency"),
        ("[columns]\nlatency = ['loss', 'loss']", "columns.latency"),
        ("[columns]\nlatency = ['host']", "columns.latency"),
        ("[keymap]\n'probe.nothing' = 'x'", "keymap"),
        ("[keymap]\n'probe.tcp' = ''", "keymap.probe.tcp"),
        (
            "[keymap]\n'probe.tcp' = 'u'",
            "keymap.probe.tcp takes a key that is not bound to probe.udp already, not 'u'",
        ),
        ("theme = ", "Invalid value"),
        ("[recordings]\nkeep = 0", "recordings.keep takes 1 to 100000 recordings (--no-record"),
        ("[recordings]\nkeep = -1", "recordings.keep takes"),
        ("[recordings]\nkeep = 100_001", "recordings.keep takes"),
        ("[recordings]\nkeep = 1.5", "keep"),
        ("[recordings]\nsize = 5", "size"),
        ("[recordings]\nsize = '5'", 'recordings.size takes a size such as "500 MB" or "2 GiB"'),
        ("[recordings]\nsize = '0 GiB'", "recordings.size takes"),
        ("[recordings]\nsize = '-1 GiB'", "recordings.size takes"),
        ("[recordings]\nsize = '1e9 GiB'", "recordings.size takes"),
        ("[recordings]\nsize = '9999999 GiB'", "recordings.size takes"),
        ("[recordings]\nmany = 1", "many"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert says in line
    assert "\n" not in line


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load_config(path)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Is a directory"):
        load_config(tmp_path)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        load_config(tmp_path / "nothing.toml")


def test_a_theme_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"theme: no 'plaid'; there are .*nord.*tui-trace"):
        TraceApp(lambda *_: FakeSource(), FakeSource(), switches(), Pace(), Config(theme="plaid"))
