"""Offers pytest what a test of a bot's handovers needs: fixtures, and options that say which bot is tested.

The same tests run in this process (fast) and over HTTP (true): `pytest --bot over_http`. One bot is started
for all tests, and each test has a person of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator

import pytest

if TYPE_CHECKING:
    from handover_channel.testing.bot_under_test import BotUnderTest
    from handover_channel.testing.expectations import Expect
    from handover_channel.testing.fixtures import AnyApp, AnyStaff, Messenger
    from handover_channel.testing.people import Person, Time

#: Name of an ini option -> (default, what it is).
_INI = {
    "handover_bot": ("in_process", "which bot tests of handovers use: in_process or over_http"),
    "handover_folder": (".", "the folder of the bot (from pytest's root), with handover.yml and models/"),
    "handover_model": ("", "the bot's model; else the newest in models/"),
    "handover_actions": ("actions", "the module of the bot's actions, as for `rasa run actions --actions`"),
    "handover_url": ("", "over_http: the webhook of a bot that runs already"),
    "handover_port": ("8090", "with handover_url: the port on which the bot expects the Graph API"),
    "handover_app_id": ("", "with handover_url: the app id of a bot without this package"),
    "handover_secret": ("", "with handover_app_id: its app secret"),
    "handover_token": ("", "with handover_app_id: its page access token"),
    "handover_verify": ("", "with handover_app_id: the verify token of its webhook"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options: on the command line `--bot`, the others in the ini file."""
    group = parser.getgroup("handover", "tests of handovers")
    group.addoption(
        "--bot",
        dest="handover_bot",
        metavar="in_process|over_http",
        help="test the bot in this process (no servers), or over HTTP as a person would",
    )
    for name, (default, said) in _INI.items():
        parser.addini(name, said, default=default)
    parser.addini(
        "handover_apps", "with handover_app_id: other apps of its page, ID NAME", "linelist", default=[]
    )


@pytest.fixture(scope="session")
def bot_under_test(pytestconfig: pytest.Config) -> Iterator[BotUnderTest]:
    """The bot that all tests share."""
    from handover_channel.errors import HandoverError
    from handover_channel.testing import start

    try:
        context = start.bot(start.Wanted(**_wanted(pytestconfig)))
        bot = context.__enter__()
    except HandoverError as error:
        pytest.fail(str(error), pytrace=False)
    try:
        yield bot
    finally:
        context.__exit__(None, None, None)


@pytest.fixture
def messenger(bot_under_test: BotUnderTest) -> Messenger:
    """The page that people write to, before anybody has written."""
    from handover_channel.testing.fixtures import Messenger

    bot_under_test.begin()
    return Messenger(bot_under_test)


@pytest.fixture
def person(messenger: Messenger) -> Person:
    """Somebody who has not written yet: `person.says("hello")`, `person.taps("Back to Bot")`."""
    return messenger.person()


@pytest.fixture
def staff(person: Person) -> AnyStaff:
    """Those who answer people: `staff("page_inbox").replies("...")`, `.done()`, `.takes_over()`."""
    from handover_channel.testing.fixtures import AnyStaff

    return AnyStaff(person)


@pytest.fixture
def other_app(person: Person) -> AnyApp:
    """The app that has control, `other_app.passes_back()`; or any one: `other_app("sales_bot").takes()`."""
    from handover_channel.testing.fixtures import AnyApp

    return AnyApp(person)


@pytest.fixture
def clock(person: Person) -> Time:
    """The time: `clock.jump("25 hours")`, `clock.run("3 days")`."""
    from handover_channel.testing.bot_under_test import CLOCK
    from handover_channel.testing.people import Time

    why_not = person.conversation.bot.cannot({CLOCK})
    if why_not:
        pytest.skip(why_not)
    return Time(person.conversation)


@pytest.fixture
def expect(person: Person) -> Expect:
    """What should have happened: `expect.reply("...")`, `expect.silence()`, `expect.control("inbox")`."""
    from handover_channel.testing.fixtures import AnyExpect

    return AnyExpect(person)


def _wanted(config: pytest.Config) -> Dict[str, Any]:
    from handover_channel.testing import start

    given = {name: str(config.getini(name)) for name in _INI}
    kind = config.getoption("handover_bot") or given["handover_bot"]
    return {
        "kind": start.OVER_HTTP if given["handover_url"] else kind,
        "folder": (config.rootpath / given["handover_folder"]).resolve(),
        "model": config.rootpath / given["handover_model"] if given["handover_model"] else None,
        "actions": given["handover_actions"],
        "url": given["handover_url"],
        "port": start.port_of(given["handover_port"]),
        "app": start.app_of(*(given[f"handover_{name}"] for name in ("app_id", "secret", "token", "verify"))),
        "apps": start.apps_of(config.getini("handover_apps")),
    }
