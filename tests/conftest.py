"""Of all tests: where CI runs them, a skipped test is a failure. None is judged by its speed."""

import os

import hypothesis
import pytest

# on a busy machine any example takes longer than the 200 ms that are allowed else
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

_LAST_WAITS = 0.8
"""The share of the other files that have begun when the last of those with networks begins."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true in the environment nothing may be skipped."""
    if os.environ.get("CI") != "true":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped:
        reporter.write_line(f"CI: {len(skipped)} skipped, and none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for networks begin in turns with files that compute, and before their end.

    So no processor waits, neither at the end nor in between. A file stays in one piece.
    """
    files = list(dict.fromkeys(map(_file, items)))
    waits = [file for file in files if file.startswith(("tests/net/", "tests/lab/"))]
    computes = [file for file in files if file not in set(waits)]
    place = {file: _LAST_WAITS * number / len(waits) for number, file in enumerate(waits)}
    place |= {file: number / len(computes) for number, file in enumerate(computes)}
    items.sort(key=lambda item: place[_file(item)])


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
