"""Of all tests: where CI runs them, a skipped test is a failure."""

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true in the environment nothing may be skipped."""
    if os.environ.get("CI") != "true":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped:
        reporter.write_line(f"CI: {len(skipped)} skipped, and none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
