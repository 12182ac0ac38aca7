"""Makes text from outside harmless: a terminal shows it, and obeys none of it."""

import re
import unicodedata

LIMIT = 255
"""Most characters of one text from outside; a DNS name has at most so many bytes."""

MESSAGE_LIMIT = 2000
"""Most characters of an error message."""

_HARMLESS = re.compile(r"[ -~]*")
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that draw nothing, or change how the character before them is drawn:
# U+034F, Hangul and Khmer fillers, variation selectors, and the empty braille pattern.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_MARKS_IN_A_ROW = 2


_PARTS = re.compile("[\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
"""Regional indicators and skin tones: how many cells they take depends on what stands before them,
and terminals do not agree on that."""


def sanitize(text: str, limit: int = LIMIT) -> str:
    r"""Return one line that a terminal draws from left to right, in as many cells as it seems.

    Control characters, escape sequences, line ends, bidirectional and zero-width characters and
    parts of emoji are written out (`\x1b`, `\u202e`). Spaces of any kind become a space. Stacked
    combining marks are written out from the third on. What is longer than `limit` characters ends
    in an ellipsis.
    Markup stays as it is: a view must show the text as plain text. `sanitize`
    twice is `sanitize` once.
    """
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return text
    shown: list[str] = []
    marks = 0
    for character in text[: limit + 1]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if (
            category in _ESCAPED
            or marks > _MARKS_IN_A_ROW
            or _UNSEEN.match(character)
            or _PARTS.match(character)
        ):
            shown.append(_written_out(character))
        else:
            shown.append(" " if category == "Zs" else character)
    line = "".join(shown)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def error_line(message: str) -> str:
    """Return the message as one line for standard error, whatever text it contains."""
    return f"tui-trace: {sanitize(message, MESSAGE_LIMIT)}\n"


def _written_out(character: str) -> str:
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(character)
    if named is not None:
        return named
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
