"""Rules for the whole suite: in CI nothing is skipped, and no test looks at the clock."""

import os

import pytest
from hypothesis import settings

# A busy machine must not fail a test, and two runs of one commit must agree.
settings.register_profile("recbook", deadline=None, derandomize=True)
settings.load_profile("recbook")


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and os.environ.get("CI") and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} skipped: CI allows no skips", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
