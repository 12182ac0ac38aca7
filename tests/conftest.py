"""Of all tests: where CI runs them, a skipped test is a failure. None is judged by its speed."""

import os

import hypothesis
import pytest

# on a busy machine any example takes longer than the 200 ms that are allowed else
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true in the environment nothing may be skipped."""
    if os.environ.get("CI") != "true":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped:
        reporter.write_line(f"CI: {len(skipped)} skipped, and none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
