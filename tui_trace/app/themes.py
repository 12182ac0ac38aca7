"""Our own theme. Textual's are there too."""

from pathlib import Path

from textual.theme import Theme

DEFAULT_THEME = "tui-trace"

NIGHT = Theme(
    name=DEFAULT_THEME,
    dark=True,
    primary="#6ca6c8",
    secondary="#8aa3b8",
    accent="#7fc8b4",
    foreground="#d3dae0",
    background="#11161b",
    surface="#161c22",
    panel="#1c242b",
    success="#7fc88a",
    warning="#e6b450",
    error="#ff6b6b",
)
"""Dark, calm, and loud only where something is wrong."""


_PACKAGE = Path(__file__).resolve().parent.parent


_PLACES = (_PACKAGE / "styles", _PACKAGE.parent / "styles")


def style_path(name: str) -> Path:
    """Return the path of a style sheet; `FileNotFoundError` if the installation is broken."""
    for place in _PLACES:
        path = place / f"{name}.tcss"
        if path.is_file():
            return path
    raise FileNotFoundError(f"no style sheet {name}.tcss in {' or '.join(map(str, _PLACES))}")


def sheets(*names: str) -> str:
    """Return these style sheets as one text, before the right to read files is given up."""
    return "\n".join(style_path(name).read_text(encoding="utf-8") for name in names)
