"""One whole for most tests, each with people of its own; a fresh one for those that break it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import browsers
import pytest
from browsers import Office, Window
from stack import Person, Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Stack]:
    """A running whole that all tests share."""
    with Stack(tmp_path_factory.mktemp("stack"), model).running() as running:
        yield running


@pytest.fixture(scope="session")
def _second_stack(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("own_stack")
    with Stack(folder, model, tracebacks=True).running() as running:
        yield running


@pytest.fixture
def own_stack(_second_stack: Stack) -> Iterator[Stack]:
    """A running whole that this test may break: it is mended for the next one."""
    yield _second_stack
    for server in _second_stack.servers:
        if server.runs:
            server.resume()
    _second_stack.start_servers()


@pytest.fixture
def person(stack: Stack) -> Person:
    """Somebody who has not written yet."""
    return stack.person()


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Office]:
    """A running whole with agents: Anna and Ben answer, Amal reads Arabic."""
    with Stack(tmp_path_factory.mktemp("office"), model).running() as running:
        office = Office(running)
        for name, shown_name in {"anna": "Anna Weber", "ben": "Ben Okafor", "amal": "أمل"}.items():
            office.add(name, shown_name)
        yield office


@pytest.fixture
def waiting(office: Office) -> Person:
    """Somebody whom the bot has handed over to the inbox, where nobody has answered yet."""
    return office.waiting()


# For a module: while Chromium is driven, this thread's event loop is taken.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def anna(office: Office, chromium: Browser) -> Iterator[Window]:
    """Anna's window, with the list of those who wait."""
    with office.agent(chromium, "anna") as window:
        yield window


@pytest.fixture
def ben(office: Office, chromium: Browser) -> Iterator[Window]:
    """Ben's window, in another browser."""
    with office.agent(chromium, "ben") as window:
        yield window


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Show the ends of the servers' logs with what fails."""
    outcome = yield
    report = outcome.get_result()
    arguments = getattr(item, "funcargs", {})
    office = arguments.get("office")
    found = office.stack if office else arguments.get("own_stack") or arguments.get("stack")
    if report.failed and isinstance(found, Stack):

        def show(name: str, log: str) -> None:
            return report.sections.append((name, log[-3000:]))

        show("rasa", found.rasa.log())
        show("actions", found.actions.log())
