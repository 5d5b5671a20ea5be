"""Sets up every test run: reasons for what is skipped, quiet libraries, patience with slow machines."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, List, Union

import pytest
from databases import PostgreSQL, Redis
from hypothesis import settings
from needs import NEEDS
from rasa_commands import trained

#: Markers whose tests must not be skipped, by name with spaces between: .ci/run says so. With it, nothing is
#: skipped but for want of one of the others.
MUST_HAVE = os.environ.get("HANDOVER_TESTS_MUST_HAVE", "").split()

# How long an example takes says something about the machine, not about the code. In the inner loop a few
# examples do; CI has time for more.
settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.load_profile("thorough" if os.environ.get("CI") else "quick")

#: A folder in memory, as most of the time of tests with a database is flushing; bytes to be free there.
MEMORY, ROOM = Path("/dev/shm"), 2 * 2**30  # noqa: S108  (a file system; the folder in it is this run's own)


#: Which tests are begun first where several processes run them: those that take longest.
ORDER = ["acceptance", "integration", "pro", "unit"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for marker in MUST_HAVE:
        has, reason = NEEDS[marker]
        if not has():
            raise pytest.UsageError(f"tests with the marker {marker} would be skipped: {reason}")
    if config.option.basetemp is None and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        config.option.basetemp = tempfile.mkdtemp(prefix="handover-tests-", dir=MEMORY)
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))
    # For the processes that tests start, too.
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    lacking = {marker: reason for marker, (has, reason) in NEEDS.items() if not has()}
    for item in items:
        for marker, reason in lacking.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=lambda item: ORDER.index(item.path.parent.name))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each file's tests together, and all that share running servers: those of acceptance."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = file.rpartition("/")[0]
            return folder if folder.endswith("acceptance") else file

    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    outcome = yield
    _fail_what_was_skipped(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    outcome = yield
    _fail_what_was_skipped(outcome.get_result())


def _fail_what_was_skipped(report: Union[pytest.TestReport, pytest.CollectReport]) -> None:
    """Fail what was skipped where nothing may be: a test that does not run proves nothing."""
    if not (MUST_HAVE and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if "root may write everything" in reason:  # nothing is missing that could be installed
        return
    if not any(re.search(rf"\b{marker}\b", reason.lower()) for marker in set(NEEDS) - set(MUST_HAVE)):
        report.outcome = "failed"  # type: ignore[assignment]
        report.longrepr = f"skipped, where nothing may be: {reason}"


@pytest.fixture(scope="session")
def model() -> Path:
    """The path of the example bot's model: one for all tests."""
    return trained()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server. Who stops it starts it again."""
    server = PostgreSQL()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """A Redis server. Who stops it starts it again."""
    server = Redis()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(autouse=True)
def services_of_this_test() -> Iterator[None]:
    """Close what a test has opened for the whole process: the next one has other settings."""
    yield
    if "handover_channel.services" in sys.modules:
        sys.modules["handover_channel.services"].process.close_all()
