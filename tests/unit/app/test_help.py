"""The help: what every sign means, in any width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.helpers.app.fake_source import reply
from tui_trace.app.keymap import KEYS
from tui_trace.app.render.styled_text import plain
from tui_trace.app.screens.help_screen import LEGEND, help_lines
from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.session.annotations import marks_of

SIGNS = [sign for _, entries in LEGEND for sign, _ in entries]
TCP = ProbeSettings(protocol=Protocol.TCP, port=80)


@pytest.mark.parametrize(("family", "icmp_type", "codes"), [(4, 3, 14), (6, 1, 7), (6, 4, 2)])
def test_every_refusal_is_explained(family: int, icmp_type: int, codes: int) -> None:
    for code in range(codes):
        answer = reply(
            1,
            1,
            3,
            "203.0.113.1",
            1.0,
            0,
            kind=ReplyKind.UNREACHABLE,
            icmp_type=icmp_type,
            code=code,
        )
        (mark,) = marks_of(answer, TCP, family)
        assert mark in SIGNS, f"{mark} of type {icmp_type} code {code}"


@given(st.integers(1, 200))
def test_help_fits_any_width_with_a_hanging_indent(width: int) -> None:
    lines = [plain(line) for line in help_lines(width, lambda key: key.keys[:9])]
    assert max(map(cell_len, lines)) <= max(width, 30)
    entries = [line for line in lines if line[:2] == "  "]
    signs = max(len(sign) for sign in (*SIGNS, *(key.keys[:9] for key in KEYS)))
    assert all(line[signs + 2 : signs + 4].strip() == "" for line in entries), "columns stay apart"
    text = " ".join(" ".join(lines).split())
    for _, group in LEGEND:
        for sign, meaning in group:
            assert sign in text
            if width >= 30:
                assert meaning in text


@pytest.mark.parametrize("sign", ["[open]", "[closed]", "MTU 1400", "NAT", "×", "*", "…", "!F"])
def test_signs_that_users_asked_about_are_there(sign: str) -> None:
    assert sign in SIGNS
