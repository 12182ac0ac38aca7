"""The config file: what it may say, and the one line where it says something else."""

from pathlib import Path

import msgspec
import pytest

from tests.helpers.app.fake_source import FakeSource, switches
from tui_trace.app import config
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config, ConfigError, ConfigOptions, load_config
from tui_trace.core.settings import NS_PER_S, Pace, SettingError
from tui_trace.core.stream import SourceError
from tui_trace.names.location_options import LocationFiles
from tui_trace.options.command_line import parse_command_line
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
    assert read.pace(Pace()) == Pace()
    assert read.keymap["app.quit"] == "q,Z"
    assert read.recordings.kept() == DEFAULT_RETENTION


def test_the_pace_is_taken_over(tmp_path: Path) -> None:
    read = load_config(written(tmp_path, "[options]\ninterval = 0.2\nmax-ttl = 12\nqueries = 3\n"))
    assert read.pace(Pace(first_ttl=2)) == Pace(
        interval=NS_PER_S // 5, first_ttl=2, max_ttl=12, queries=3
    )


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
        ("[options]\ninterval = 0", "interval takes 0.001 to 3600 seconds, not '0.0'"),
        ("[options]\ninterval = nan", "interval takes"),
        ("[options]\nmax_ttl = 3", "max_ttl"),
        ("[options]\nmax-ttl = 256", "max-ttl takes 1 to 255, not '256'"),
        ("[options]\nmax-ttl = true", "max-ttl"),
        ("[options]\nfirst-ttl = 9\nmax-ttl = 3", "--first-ttl takes 1 to --max-ttl (3)"),
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


def of_the_file(tmp_path: Path, key: str, word: str) -> Pace | str:
    try:
        return load_config(written(tmp_path, f"[options]\n{key} = {word}\n")).pace(Pace())
    except ConfigError as error:
        return str(error).partition(": ")[2].removeprefix("--")


def of_the_option(key: str, word: str) -> Pace | str:
    try:
        return parse_command_line([f"--{key}={word}", "host"]).paced(Pace())
    except SettingError as error:
        return str(error).removeprefix("--")


@pytest.mark.parametrize("key", msgspec.structs.fields(ConfigOptions), ids=lambda key: key.name)
def test_a_key_takes_what_the_option_of_its_name_takes(
    tmp_path: Path, key: msgspec.structs.FieldInfo
) -> None:
    name = key.encode_name
    words = ["-1", "0", "1", "2", "29", "31", "99", "100", "101", "254", "255", "256", "3600",
             "3601", "1000000000", "1000000001"]  # fmt: skip
    if key.type == float | None:
        words = [f"{word}.0" for word in words] + ["0.0009", "0.001", "0.5", "3600.1", "nan", "inf"]
    outcomes = {word: of_the_option(name, word) for word in words}
    assert {word: of_the_file(tmp_path, name, word) for word in words} == outcomes
    assert {type(outcome) for outcome in outcomes.values()} == {Pace, str}


def test_a_first_ttl_beyond_the_last_of_the_file_moves_that() -> None:
    pace = Config(options=ConfigOptions(max_ttl=12)).pace(Pace())
    assert parse_command_line(["-f", "20", "host"]).paced(pace) == Pace(first_ttl=20, max_ttl=20)
    with pytest.raises(SettingError, match=r"--first-ttl takes 1 to --max-ttl \(12\), not '20'"):
        parse_command_line(["-f", "20", "-m", "12", "host"])
