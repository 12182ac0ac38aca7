"""Our own theme. Textual's are there too."""

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
