"""The folder of sessions: names, the list, and what is thrown away."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.helpers.recordings.recording_builders import Kept, Told, record, rounds
from tui_trace.core.events import SessionEnded
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import (
    RecordedSource,
    Recording,
    SessionInfo,
    find_recording,
    list_sessions,
)
from tui_trace.recording.sessions import (
    DEFAULT_RETENTION,
    default_folder,
    file_name_for,
    free_path,
    prune_recordings,
)
from tui_trace.report.session_list import length, render_session_list, size

NOON = 1_700_000_000 * NS_PER_S


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = default_folder()
    assert place == tmp_path / "tui-trace" / "sessions"
    place.mkdir(parents=True)
    return place


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("example.com", "20231114T221320Z-example.com.session"),
        ("2001:db8::1", "20231114T221320Z-2001-db8-1.session"),
        ("../../etc/passwd", "20231114T221320Z-etc-passwd.session"),
        ("\x1b[2J\n", "20231114T221320Z-2J.session"),
        ("", "20231114T221320Z-host.session"),
        ("x" * 300, "20231114T221320Z-" + "x" * 60 + ".session"),
    ],
)
def test_the_name_of_a_file(target, name):
    assert file_name_for(target, NOON) == name


def test_a_place_that_is_taken_gets_a_number(tmp_path):
    for name in ("a.session", "a-2.session", "a-3.session"):
        assert free_path(tmp_path / "a.session").name == name
        (tmp_path / name).touch()


def test_a_session_is_kept_in_the_usual_folder_and_found_by_name(folder):
    for _ in range(2):
        source = Told(rounds(2))
        RecordedSource(source).run(Kept())
        assert source.commands == []
    names = [info.path.name for info in list_sessions()]
    assert names == ["19700101T000000Z-t.session", "19700101T000000Z-t-2.session"]
    for name in (names[0], names[0].removesuffix(".session"), str(folder / names[0])):
        assert find_recording(name) == folder / names[0]
    assert str(find_recording("nowhere")) == "nowhere"


def test_the_list_is_newest_first_and_harmless(folder):
    for day in (3, 1, 2):
        record(rounds(2), folder / f"2026010{day}T000000Z-t.session")
    (folder / "20260104T000000Z-broken.session").write_bytes(b"SQLite format 3\0" * 99)
    (folder / "notes.txt").touch()
    listed = list_sessions()
    assert [info.path.name[7] for info in listed] == ["3", "2", "1"]
    lines = render_session_list(listed).splitlines()
    assert len(lines) == 5
    assert lines[0].split() == ["Session", "Length", "Runs", "Size", "Target", "Began"]
    assert lines[1].startswith("20260103T000000Z-t  "), "first what one types"
    assert find_recording(lines[1].split()[0]) == folder / "20260103T000000Z-t.session"
    hostile = "".join(
        render_session_list(
            [
                type(listed[0])(
                    **{f: getattr(listed[0], f) for f in listed[0].__struct_fields__}
                    | {"target": "\x1b[31m", "wall": 1 << 62}
                )
            ]
        )
    )
    assert "\x1b" not in hostile


infos = st.builds(
    SessionInfo,
    path=st.from_regex(r"[a-zA-Z0-9.-]{1,77}", fullmatch=True).map(
        lambda name: Path(f"/home/somebody/.local/state/tui-trace/sessions/{name}.session")
    ),
    wall=st.integers(0, 1 << 62),
    target=st.text(max_size=80),
    address=st.sampled_from(["203.0.113.80", "2001:db8:1111:2222:3333:4444:5555:6666"]),
    lab=st.sampled_from(["", "path-change"]),
    version=st.just("0.1"),
    duration=st.integers(0, 10**16),
    runs=st.integers(0, 10**4),
    events=st.integers(0, 10**9),
    ended=st.booleans(),
    running=st.booleans(),
    bytes=st.integers(0, 1 << 40),
)


@given(st.lists(infos, min_size=1, max_size=5), st.integers(80, 200))
def test_no_line_of_the_list_is_wider_than_the_terminal(listed, width):
    lines = render_session_list(listed, width).splitlines()
    assert all(cell_len(line) <= width for line in lines)
    words = {word for line in lines for word in line.split()}
    assert words >= {info.path.stem for info in listed}, "names are whole"


@pytest.mark.parametrize(("width", "began"), [(80, False), (120, True), (None, True)])
def test_the_list_of_usual_sessions_has_columns_at_80(folder, width, began):
    record(rounds(2), folder / "20261122T205147Z-www.example.com.session")
    listed = [replace(info, target="www.example.com") for info in list_sessions()]
    head, row, *_ = render_session_list(listed, width).splitlines()
    assert head.split()[:5] == ["Session", "Length", "Runs", "Size", "Target"]
    assert ("Began" in head) == began
    assert row.startswith("20261122T205147Z-www.example.com  0:04 cut off  1     17 kB  www.examp")
    assert ("…" in row) == (not began)


def test_the_list_says_what_is_running_and_what_was_cut_off(folder):
    class Listing(Told):
        def run(self, sink):
            for event in self._events:
                sink.event(event)
            while not list_sessions():
                time.sleep(0.05)
            self.shown = render_session_list(list_sessions(), 120)

    source = Listing(rounds(2))
    RecordedSource(source, folder / "20260101T000000Z-t.session").run(Kept())
    assert "0:04 running" in source.shown
    assert "0:04 cut off" in render_session_list(list_sessions(), 120), "no end was told"
    record([*rounds(2), SessionEnded(at=5 * NS_PER_S)], folder / "20260102T000000Z-t.session")
    assert "0:05  " in render_session_list(list_sessions(), 120)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 kB"), (1, "1 kB"), (75_500, "76 kB"), (999_499, "1000 kB"), (999_500, "1.0 MB"),
        (9_949_999, "9.9 MB"), (9_950_000, "10 MB"), (512 << 20, "537 MB"),
    ],
)  # fmt: skip
def test_sizes(count, shown):
    assert size(count) == shown


def test_no_sessions():
    assert render_session_list([]) == "no sessions are kept\n"


def test_lengths():
    assert [length(s * NS_PER_S) for s in (0, 42, 3599, 3600, 90_000)] == [
        "0:00", "0:42", "59:59", "1:00:00", "25:00:00",
    ]  # fmt: skip


def make(folder, count):
    """So many recordings; the bytes of one."""
    for number in range(count):
        path = record(rounds(2), folder / f"20260101T0000{number:02}Z-t.session")
    return path.stat().st_size


def left(folder):
    return sorted({path.name[13:15] for path in folder.glob("*.session*")})


def test_the_oldest_go_when_there_are_too_many(folder):
    make(folder, 10)
    (folder / "mine.txt").touch()
    for path in folder.glob("*.session"):
        path.with_name(path.name + "-wal").write_bytes(b"left")
    assert prune_recordings(folder, DEFAULT_RETENTION._replace(files=4)) == 7
    assert left(folder) == ["07", "08", "09"]
    assert (folder / "mine.txt").exists()
    assert len(list(folder.glob("*-wal"))) == 3
    assert prune_recordings(folder, DEFAULT_RETENTION._replace(files=4)) == 0


def test_the_oldest_go_when_they_are_too_large(folder):
    size = make(folder, 10)
    prune_recordings(folder, DEFAULT_RETENTION._replace(size=2 * size + 1))
    assert left(folder) == ["08", "09"]


def test_a_session_in_use_is_never_thrown_away(folder):
    class Pruning(Told):
        def run(self, sink):
            super().run(sink)
            prune_recordings(folder, DEFAULT_RETENTION._replace(files=1))

    path = folder / "20260101T000000Z-t.session"
    source = Pruning(rounds(40), pause=0.03)
    RecordedSource(source, path).run(Kept())
    assert source.commands == []
    with Recording(path) as recording:
        assert list(recording.events()) == rounds(40)
    prune_recordings(folder, DEFAULT_RETENTION._replace(files=1))
    assert left(folder) == []


def test_a_folder_that_is_not_there(tmp_path):
    assert list_sessions(tmp_path / "none") == []
    prune_recordings(tmp_path / "none")
