import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui_trace.core.events import AsnFound, HostNamed
from tui_trace.names import cache
from tui_trace.names.cache import NameCache

NAME = HostNamed(0, "192.0.2.1", ("core1.example",), True)
ORIGIN = AsnFound(0, "192.0.2.1", (64500,), "192.0.2.0/24")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "names.json"


def saved(path: Path, *names: HostNamed | AsnFound, ttl: float = 100) -> None:
    kept = NameCache(path)
    for name in names:
        kept.put("dns 192.0.2.53", name, ttl)
    kept.save()


def known(path: Path, address: str = "192.0.2.1", scope: str = "dns 192.0.2.53") -> object:
    found = NameCache(path).get(scope, HostNamed, address)
    return found[0] if found else None


def test_the_next_session_knows_it_but_not_of_another_resolver(path: Path) -> None:
    saved(path, NAME, ORIGIN)
    assert known(path) == NAME
    assert known(path, scope="dns 10.0.0.1") is None
    found = NameCache(path).get("dns 192.0.2.53", AsnFound, "192.0.2.1")
    assert found is not None
    assert found[0] == ORIGIN
    assert 0 < found[1] <= 100


def test_answers_expire_and_those_without_ttl_are_not_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(path, NAME)
    saved(path, ORIGIN, ttl=0)
    assert NameCache(path).get("dns 192.0.2.53", AsnFound, "192.0.2.1") is None
    now = time.time()
    monkeypatch.setattr(cache.time, "time", lambda: now + 101)
    assert known(path) is None
    monkeypatch.setattr(cache.time, "time", lambda: now - 2 * cache.MAX_TTL)
    assert known(path) is None, "a clock that was ahead made this answer immortal"


def test_negative_answers_are_kept_too(path: Path) -> None:
    saved(path, HostNamed(0, "192.0.2.7"))
    assert known(path, "192.0.2.7") == HostNamed(0, "192.0.2.7")


def test_two_programs_keep_what_either_learnt(path: Path) -> None:
    one, other = NameCache(path), NameCache(path)
    one.put("dns 192.0.2.53", NAME, 100)
    other.put("dns 192.0.2.53", HostNamed(0, "192.0.2.2", ("b.example",)), 100)
    one.save()
    other.save()
    assert known(path) == NAME
    assert known(path, "192.0.2.2") is not None


def test_many_programs_at_once_leave_a_whole_file(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from tui_trace.core.events import HostNamed as Named;"
        "from tui_trace.names.cache import NameCache as Store\n"
        "for n in range(30):\n"
        " s = Store(Path(sys.argv[1]))\n"
        " s.put('d', Named(0, f'192.0.2.{n}', (sys.argv[2] * 50,)), 100)\n"
        " s.save()\n"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(3)]
    while any(program.poll() is None for program in programs):
        if path.exists():
            assert msgspec.json.decode(path.read_bytes())["version"] == 1
    assert [program.returncode for program in programs] == [0, 0, 0]
    assert NameCache(path).get("d", HostNamed, "192.0.2.29") is not None
    assert [file.name for file in path.parent.iterdir()] == ["names.json"]


def test_the_file_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_ENTRIES", 10)
    saved(path, *(HostNamed(0, f"192.0.2.{n}", ("x",)) for n in range(25)))
    assert len(msgspec.json.decode(path.read_bytes())["entries"]) == 10
    assert known(path, "192.0.2.24") is not None
    assert known(path, "192.0.2.1") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100,
        b"{",
        b"[]",
        b'{"version":2,"entries":[]}',
        b'{"version":1,"entries":[{"scope":1}]}',
        b'{"version":1,"entries":[{"scope":"a","expires":1e400,"known":{"event":"named"}}]}',
        b"[" * 100_000,
        b'"\xff\xfe"',
    ],
)
def test_a_broken_file_is_replaced(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert known(path) is None
    saved(path, NAME)
    assert known(path) == NAME


def test_a_huge_file_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(cache.MAX_BYTES * 100)
    saved(path, NAME)
    assert known(path) == NAME
    assert path.stat().st_size < 10_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_with_damage_is_no_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "names.json"
    saved(path, NAME, ORIGIN)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 10_000)) % len(content)] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    NameCache(path).get("dns 192.0.2.53", HostNamed, "192.0.2.1")
    saved(path, NAME)
    assert known(path) == NAME


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for impossible in (
        tmp_path / "file" / "names.json",
        Path("/proc/nowhere/names.json"),
        tmp_path,
    ):
        saved(impossible, NAME)
        assert known(impossible) is None
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_read_only_folder_is_no_error() -> None:
    folder = Path(tempfile.mkdtemp(prefix="tui-trace-"))
    folder.chmod(0o555)
    child = os.fork()
    if child == 0:
        status = 2
        try:
            if os.geteuid() == 0:
                os.setresuid(65_534, 65_534, 65_534)
            saved(folder / "names.json", NAME)
            status = 0 if known(folder / "names.json") is None else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(folder.iterdir()) == []
    folder.rmdir()


def test_no_path_no_file() -> None:
    kept = NameCache(None)
    kept.put("dns 192.0.2.53", NAME, 100)
    kept.save()
    assert kept.get("dns 192.0.2.53", HostNamed, "192.0.2.1") is None
