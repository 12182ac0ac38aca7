"""Texts that harm a terminal, a file or a table that shows them as they are."""

from tests.helpers.network_guard import nothing_leaves  # noqa: F401

EVIL = [
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31mred",
    "a\r\nb\tc\x00d",
    "evil\u202egpj.exe\u2066",
    "zero\u200bwidth\ufeff\u2028",
    "[bold red]markup[/] [@click=app.quit]x[/]",
    "${HOME} `id` $(id) %s {0.__class__}",
    "<script>alert(1)</script>",
    "x" * 4000,
    "\U000e0041\U000e0042",
    "z" + "\u0301" * 50,
]
