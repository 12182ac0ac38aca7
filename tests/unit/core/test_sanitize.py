import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.sanitize import LIMIT, sanitize


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("core1.example", "core1.example"),
        ("[bold red]x[/]", "[bold red]x[/]"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("a\nb\r\tc\x00", r"a\nb\r\tc\x00"),
        ("evil\u202egpj.exe", r"evil\u202egpj.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("two\u2028lines", r"two\u2028lines"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("half\ud800", r"half\ud800"),
        ("wide\u3000space\u00a0", "wide space "),
        ("bücher.example", "bücher.example"),
        ("e\u0301", "e\u0301"),
        ("z\u0301\u0301\u0301", "z\u0301\u0301\\u0301"),
        ("", ""),
    ],
)
def test_each_kind_of_hostile_character(given_text: str, shown: str) -> None:
    assert sanitize(given_text) == shown


def test_length_is_cut_and_said() -> None:
    assert sanitize("x" * LIMIT) == "x" * LIMIT
    assert sanitize("x" * 4000) == "x" * (LIMIT - 1) + "…"
    assert len(sanitize("\x1b" * 4000)) == LIMIT


@given(st.text() | st.text(alphabet=st.characters(categories=["Cc", "Cf", "Mn", "Cs", "Zs"])))
def test_what_comes_out_obeys_nothing(text: str) -> None:
    shown = sanitize(text)
    assert sanitize(shown) == shown
    assert len(shown) <= LIMIT
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}
    shown.encode()
