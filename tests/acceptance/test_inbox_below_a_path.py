"""People answer in an inbox that a proxy serves below a path, in a real browser: nginx, as documented.

A window fails its test if the page asks for anything that is not below the path.
"""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import TYPE_CHECKING, Iterator
from urllib.parse import urlsplit

import pytest
from browsers import Office, Window, sign_in
from nginx import BELOW_BOT, Proxy
from stack import eventually

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.rasa, pytest.mark.browser, pytest.mark.nginx]

#: One red pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def below(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the bot below a path."""
    rasa = SimpleNamespace(server_port=urlsplit(office.stack.url).port)
    proxy = Proxy(tmp_path_factory.mktemp("nginx"), rasa, BELOW_BOT)
    yield f"http://127.0.0.1:{proxy.port}/bot"
    proxy.stop()


@pytest.fixture
def window(office: Office, chromium: Browser, below: str) -> Iterator[Window]:
    """Anna's window, signed in below the path."""
    with office.window(chromium, url=below) as window:
        sign_in(window.goes_to(), "anna")
        yield window


def test_a_conversation_from_sign_in_to_return(office, waiting, window):
    window.opens(waiting)
    waiting.says("and the other one, too")
    expect(window.messages).to_contain_text("and the other one, too")  # nobody has loaded the page anew

    window.answers("We send you a new one")
    eventually(lambda: waiting.heard()[-1] == "We send you a new one")
    waiting.does("send", type="image", url=office.stack.file("image/png", PICTURE))
    picture = window.messages.locator(".said.person .bubble img")
    picture.scroll_into_view_if_needed()
    eventually(lambda: picture.evaluate("img => img.naturalWidth") == 1)
    window.page.reload()
    expect(window.messages).to_contain_text("We send you a new one")

    window.button("Return to bot").click()
    window.page.locator("#return button.primary").click()
    eventually(lambda: waiting.control == "bot")


def test_an_agent_sends_a_picture(waiting, window):
    window.opens(waiting)

    window.page.locator("#reply-file").set_input_files(
        {"name": "parcel.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    window.answers("Is it this one?")

    eventually(
        lambda: [message.get("attachment", {}).get("type") for message in waiting.sent()][-1] == "image"
    )
    picture = window.messages.locator(".said.agent .bubble img")
    eventually(lambda: picture.evaluate("img => img.naturalWidth") == 1)


def test_the_language_is_changed_and_who_is_not_signed_in_gets_the_form(window):
    for language in ("ar", "en"):
        window.goes_to("/preferences")
        window.page.locator("#language").select_option(language)
        window.page.locator("form button.primary").click()
        expect(window.page.locator("html")).to_have_attribute("lang", language)

    window.page.context.clear_cookies()
    window.goes_to()
    expect(window.page.get_by_label("Password")).to_be_visible()
