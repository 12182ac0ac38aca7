"""The zone of times of day: chosen, bad, and used wherever one is shown."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.helpers.app.fake_source import folded, path
from tui_trace.app.config import ConfigError, load_config
from tui_trace.app.control.export import proposed
from tui_trace.app.render.chart_data import window
from tui_trace.app.render.header import heading
from tui_trace.app.render.path_lines import paths_lines
from tui_trace.app.render.styled_text import plain
from tui_trace.cli.main import main
from tui_trace.core import privileges
from tui_trace.core.durations import local_minute, local_time
from tui_trace.core.local_time import local, parse_zone, use_zone, zone_name
from tui_trace.core.settings import NS_PER_S, SettingError
from tui_trace.report.finding_lines import rfc3339
from tui_trace.session.host_labels import HostLabels, LabelMode

BEGAN = 1_790_000_000 * NS_PER_S
"""2026-09-21 14:13:20 UTC, as of the scripts."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    use_zone("local")


def test_a_zone_by_its_name() -> None:
    use_zone("America/St_Johns")
    assert local_minute(BEGAN) == "2026-09-21 11:43"
    assert zone_name(local_time(BEGAN)) == "NDT"
    use_zone("utc")
    assert local_minute(BEGAN) == "2026-09-21 14:13"
    assert zone_name(local_time(BEGAN)) == "UTC"


def test_that_of_the_machine_unless_one_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        use_zone("local")
        assert local_minute(BEGAN) == "2026-09-21 19:58"
        assert zone_name(local_time(BEGAN)) == ""
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_typed_without_a_zone_is_meant_in_it() -> None:
    use_zone("Asia/Kathmandu")
    assert local(datetime(2026, 9, 21, 19, 58)).astimezone(UTC) == datetime(
        2026, 9, 21, 14, 13, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "bad", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "\0", "x" * 9000]
)
def test_a_bad_zone_is_one_line_that_says_what_it_takes(tmp_path: Path, bad: str) -> None:
    with pytest.raises(SettingError):
        parse_zone(bad)
    file = tmp_path / "config.toml"
    file.write_text(f"zone = {json.dumps(bad)}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert "zone takes local, UTC, or a name such as Europe/Berlin" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_config_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "tui-trace").mkdir()
    (tmp_path / "tui-trace" / "config.toml").write_text('zone = "Asia/Kathmandu"\n')
    monkeypatch.setattr(privileges, "give_up_rights", lambda _preload: None)
    assert main(["--sessions"]) == 0
    assert local_minute(BEGAN) == "2026-09-21 19:58"


def test_every_time_of_day_is_in_it() -> None:
    use_zone("Asia/Kathmandu")
    snapshot = folded(path(30))
    words = "\n".join(plain(line) for line in heading(snapshot, 120))
    assert "19:58:49 +0545" in words
    log = [plain(line) for line in paths_lines(snapshot, 80, HostLabels({}, LabelMode.NAME))]
    assert any("0:00  19:58:20  run 1" in line for line in log)
    assert any("0:00 19:58:20" in line and "0:30 19:58:50" in line for line in log)
    ticks = window(snapshot, 60).ticks()[1]
    assert ticks
    assert set(ticks) <= {f"19:58:{second}" for second in range(20, 60, 5)}
    assert "20260921-195849" in proposed(snapshot)
    assert rfc3339(snapshot, 0) == "2026-09-21T19:58:20.000+05:45"
