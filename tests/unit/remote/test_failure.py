"""Why there is no session any more: one line, from what ssh or the program there wrote."""

import pytest

from tui_trace.remote.failure import describe_failure

CHANGED = [
    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@",
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
    "Host key verification failed.",
]


@pytest.mark.parametrize(
    ("code", "lines", "said"),
    [
        (255, [], "ssh to edge1 failed without a word; try: ssh edge1 tui-trace --version"),
        (
            255,
            ["ssh: Could not resolve hostname x"],
            "ssh to edge1: Could not resolve hostname",
        ),
        (255, CHANGED, "ssh to edge1: Host key verification failed (the host key is not the one"),
        (127, ["sh: 1: tui-trace: not found"], "edge1 has no tui-trace in the PATH"),
        (1, ["motd", "tui-trace: no such host", "logout"], "edge1: no such host"),
        (3, [], "edge1: ended with exit status 3, and no word"),
        (-9, ["x"], "ssh to edge1 was ended by signal 9"),
        (1, ["tui-trace: \x1b]0;pwned\x07"], r"edge1: \x1b]0;pwned\x07"),
    ],
)
def test_before_the_first_event(code: int, lines: list[str], said: str) -> None:
    line = describe_failure("edge1", code, lines, has_begun=False)
    assert line.startswith(said)
    assert line.isprintable()


@pytest.mark.parametrize(
    ("code", "lines", "said"),
    [
        (255, ["tui-trace: a warning", "Connection closed."], ": Connection closed."),
        (255, ["tui-trace: a warning"], ""),
        (1, ["tui-trace: MemoryError", "logout"], ": MemoryError"),
        (None, [], ""),
        (-15, [], ""),
    ],
)
def test_after_it(code: int | None, lines: list[str], said: str) -> None:
    line = describe_failure("edge1", code, lines, has_begun=True)
    assert line == f"the session on edge1 broke off{said}"
