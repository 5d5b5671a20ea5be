"""One whole for most tests, each with people of its own; a fresh one for those that break it."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from stack import Person, Stack, trained


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example bot's model."""
    return trained(tmp_path_factory.mktemp("model"))


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
    _second_stack.start_servers()


@pytest.fixture
def person(stack: Stack) -> Person:
    """Somebody who has not written yet."""
    return stack.person()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Show the ends of the servers' logs with what fails."""
    outcome = yield
    report = outcome.get_result()
    arguments = getattr(item, "funcargs", {})
    found = arguments.get("own_stack") or arguments.get("stack")
    if report.failed and isinstance(found, Stack):

        def show(name: str, log: str) -> None:
            return report.sections.append((name, log[-3000:]))

        show("rasa", found.rasa.log())
        show("actions", found.actions.log())
