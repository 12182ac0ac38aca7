"""Files that nobody should wait for, or read to their end."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_trace.core.bounded_files import is_reachable, parse_toml, read_file, read_start
from tui_trace.lab import LabError, load_scenario
from tui_trace.names.addresses import parse_address
from tui_trace.names.cache import NameCache
from tui_trace.names.etc_hosts import EtcHosts
from tui_trace.names.resolver import Resolver

ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "Not a regular file"),
    "zeros": (lambda path: path.symlink_to("/dev/zero"), "Not a regular file"),
    "folder": (Path.mkdir, "Is a directory"),
    "circle": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "huge": (lambda path: path.write_bytes(b"#" * 5_000_000), "More than 1000000 bytes"),
    "missing": (lambda _: None, "No such file or directory"),
}


@pytest.mark.parametrize(("make", "says"), ODD.values(), ids=ODD.keys())
def test_what_is_no_file_of_ours(tmp_path: Path, make: Callable[[Path], object], says: str) -> None:
    path = tmp_path / "x.toml"
    make(path)
    with pytest.raises(OSError, match=says):
        read_file(path, 1_000_000)
    with pytest.raises(LabError) as caught:
        load_scenario(str(path))
    assert str(caught.value) == f"{path}: {says}"


@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder", "circle"])
def test_nobody_waits_for_what_is_no_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    ODD[kind][0](path)
    address = parse_address("192.0.2.1")
    assert address is not None
    assert EtcHosts(str(path)).names(address) == ()
    assert Resolver(None, str(path)).servers == ""
    NameCache(path).save()


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_file(path, 5) == b"12345"
    assert read_start(path, 3) == b"123"
    with pytest.raises(OSError, match="More than 4 bytes"):
        read_file(path, 4)
    with pytest.raises(OSError, match="No such file name"):
        read_file("a\0b", 4)


@pytest.mark.parametrize("name", ["missing", "file/below", "circle/below", "x" * 300])
def test_what_cannot_be_seen(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert not is_reachable(tmp_path / name)
    assert is_reachable(tmp_path / "file")
    assert not is_reachable(Path("~/.config"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"a = " + b"{a = " * 5000, "nested too deeply"),
        (b"a." * 100_000 + b"b = 1", "nested too deeply"),
        (b"[" + b"'a' . \"b\"." * 10_000 + b"c]", "nested too deeply"),
        (b"a = " + b"9" * 5000, "a number has too many digits"),
        (b"a = 'caf\xe9'", "not UTF-8 text"),
        (b"\xff\xfea\0", "not UTF-8 text"),
        (b"a" * 1_000_000, "Expected '='"),
        (b'"' * 1_000_000, "Expected '='"),
    ],
)
@pytest.mark.timeout(20)
def test_toml_that_is_meant_badly(content: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_toml(content)


def test_toml_with_a_byte_order_mark_and_many_dots() -> None:
    dots = "1." * 60
    text, table = parse_toml(f'\ufeffa = "{dots}"\nb.c = "{dots}" # {dots}\n'.encode())
    assert table == {"a": dots, "b": {"c": dots}}
    assert text.startswith("a")
