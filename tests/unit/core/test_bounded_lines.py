"""Lines of bounded length, however the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.bounded_lines import BoundedLines

LONGEST = 8


@given(st.lists(st.text("ab\n", max_size=30)))
def test_lines_are_the_same_however_they_are_cut(parts: list[str]) -> None:
    chunks = [part.encode() for part in parts]
    whole = b"".join(chunks)
    *lines, rest = whole.split(b"\n")
    expected: list[bytes | None] = [line if len(line) <= LONGEST else None for line in lines]
    if len(rest) > LONGEST:
        expected.append(None)
    splitter = BoundedLines(LONGEST)
    assert [line for chunk in chunks for line in splitter.feed(chunk)] == expected
    assert splitter.last() == (rest if len(rest) <= LONGEST else b"")


def test_a_line_without_an_end_takes_no_memory() -> None:
    splitter = BoundedLines(LONGEST)
    found = [line for _ in range(1000) for line in splitter.feed(b"x" * 1000)]
    assert found == [None]
    assert splitter.last() == b""
    assert splitter.feed(b"\nnext\n") == [b"next"]
