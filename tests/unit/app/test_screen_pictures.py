"""How it looks: pictures of fixed sessions, to be looked at when they change."""

import pytest

import tui_trace.app.widgets.plots  # noqa: F401  (imported before it is wanted, or a picture may be early)
from tests.helpers.app.fake_source import path
from tests.helpers.app.pictures import app, long, pressing, wrong

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 60)], ids=lambda size: str(size[0]))
@pytest.mark.parametrize(
    ("script", "keys"),
    [(path, ""), (wrong, "down down enter"), (long, "ctrl+end enter")],
    ids=["fine", "wrong", "long"],
)
def test_the_view(snap_compare, script, keys: str, size: tuple[int, int]) -> None:
    assert snap_compare(app(script()), terminal_size=size, run_before=pressing(keys))


def test_without_colours(snap_compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(
        app(wrong()), terminal_size=(80, 24), run_before=pressing("down down enter")
    )


@pytest.mark.parametrize(
    "keys",
    ["o", "question_mark", "P ctrl+u 9 9 9 9 9 enter"],
    ids=["columns", "help", "prompt"],
)
def test_a_screen(snap_compare, keys: str) -> None:
    assert snap_compare(app(path()), terminal_size=(80, 24), run_before=pressing(keys))
